"""Where there is cell at all, from microtubules and ER, and where one cell ends at another."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_dualgland.typing import BoolArray, Float32Array, LabelArray

DIM = 0.27
"""A pixel is background where it is dimmer than this share of what is brightest close by; of
roots, so a fourteenth in brightness."""

FLOOR = 0.11
"""A pixel is background where it is dimmer than this share of the frame's brightest; of roots."""

SMOOTH = 0.6
"""What blurring by 2 µm leaves of the contrast of cells; of that of noise it leaves less."""

VALLEY, JUMP = 2.5, 0.3
"""How much a dark valley and a jump in brightness count as an edge; distance counts 1 per
typical nucleus."""


def cell_foreground(
    landmarks: list[Float32Array], pixel_um: float, nucleus_um: float, nuclei: LabelArray
) -> tuple[Float32Array, BoolArray]:
    """Return how bright cells are, and where they are.

    Parameters
    ----------
    landmarks : list of numpy.ndarray
        (Y, X), no NaN, at least one.
    pixel_um, nucleus_um : float
        Micrometres per pixel and along a typical nucleus.
    nuclei : numpy.ndarray
        (Y, X) labels; a nucleus is part of a cell however dim the landmarks are in it.

    Returns
    -------
    brightness : numpy.ndarray
        (Y, X) float32, the root of the mean of the landmarks, about 0 to 1.
    mask : numpy.ndarray
        (Y, X) boolean.
    """
    total = np.zeros(landmarks[0].shape, np.float32)
    for plane in landmarks:
        dark, bright = np.percentile(plane, [1, 99.5])
        total += np.clip((plane - dark) / max(bright - dark, 1e-9), 0, 1.5) / len(landmarks)
    brightness = np.sqrt(total)
    smooth = ndimage.gaussian_filter(brightness, 0.7 / pixel_um)
    return brightness, _mask(smooth, pixel_um, nucleus_um, nuclei)


def _mask(
    brightness: Float32Array, pixel_um: float, nucleus_um: float, nuclei: LabelArray
) -> BoolArray:
    """Tell cells from background: near what is bright by a share of it, elsewhere by a floor."""
    if brightness.max() <= 0:
        return np.asarray(nuclei > 0)
    # Noise alone is no cell; but beside a nucleus even little is believed.
    broad = ndimage.gaussian_filter(brightness, 2.0 / pixel_um)
    if float(broad.std()) < SMOOTH * float(brightness.std()) and not nuclei.any():
        return np.zeros(brightness.shape, bool)
    side = 2 * int(np.ceil(0.2 * nucleus_um / pixel_um)) + 1
    around = ndimage.maximum_filter(brightness, side)
    around = ndimage.gaussian_filter(around, side / 4)
    mask = brightness > np.maximum(FLOOR, DIM * around)
    mask |= nuclei > 0
    mask = ndimage.gaussian_filter(mask.astype(np.float32), 0.8 / pixel_um, mode="nearest") > 0.5
    holes, _ = ndimage.label(~mask)
    sizes = np.bincount(holes.ravel()) * pixel_um**2
    small = sizes < 0.1 * nucleus_um**2
    return np.asarray(mask | (small[holes] & (holes > 0)))


def edge_strength(brightness: Float32Array, pixel_um: float) -> Float32Array:
    """Tell where a cell may end at its neighbour: at dark valleys, and jumps in brightness.

    Parameters
    ----------
    brightness : numpy.ndarray
        (Y, X), from :func:`cell_foreground`.
    pixel_um : float
        Micrometres per pixel.

    Returns
    -------
    numpy.ndarray
        (Y, X) float32, 0 for none.
    """
    smooth = ndimage.gaussian_filter(brightness, 0.5 / pixel_um)
    side = 2 * int(np.ceil(2.5 / pixel_um)) + 1
    closed = ndimage.grey_closing(smooth, (side, side))
    valley = (closed - smooth) / np.maximum(closed, 0.1)
    wider = ndimage.gaussian_filter(brightness, 1.2 / pixel_um)
    slope = ndimage.gaussian_gradient_magnitude(brightness, 1.2 / pixel_um) / pixel_um
    jump = 3 * slope / np.maximum(wider, 0.1)
    return np.asarray(VALLEY * valley + JUMP * np.minimum(jump, 1.5), np.float32)
