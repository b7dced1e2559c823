"""Scenes with the landmarks of real cells: what is drawn into them is the protein alone."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu

from dualgland_training.simulate.layout import measured_layout
from dualgland_training.simulate.outlines import ANGLES, Outline
from dualgland_training.simulate.scene import FLAT, Scene
from napari_dualgland.typing import BoolArray, Float32Array, FloatArray

NUCLEUS_BLUR = 0.4
"""Blur under which DNA tells a nucleus from the rest, in µm."""

DIM = 0.72
"""Nucleoli are darker than this share of the nucleus's own brightness."""


def real_scene(
    microtubules: FloatArray,
    nucleus: FloatArray,
    er: FloatArray,
    inside: BoolArray,
    pixel_size: float,
) -> Scene | None:
    """Return the scene of one real cell, or None if no nucleus can be seen in it.

    Parameters
    ----------
    microtubules, nucleus, er : numpy.ndarray
        (Y, X) landmarks, 0 dark.
    inside : numpy.ndarray
        (Y, X), the cell.
    pixel_size : float
        In µm.

    Returns
    -------
    Scene or None
        With one slab, at the height of focus.
    """
    dna = ndimage.gaussian_filter(np.where(inside, nucleus, 0).astype(np.float32), 0.2 / pixel_size)
    nuclei = _nuclei(dna, inside, pixel_size)
    if not nuclei.any():
        return None
    cells = inside.astype(np.int32)
    depth = ndimage.distance_transform_edt(nuclei) * pixel_size
    outline = _outline(nuclei, np.where(inside, microtubules, 0), pixel_size)
    layout = measured_layout(
        cells=cells,
        nuclei=nuclei.astype(np.int32),
        level=_level(nuclei, depth, pixel_size),
        outlines=(outline,),
        pixel_size=pixel_size,
        margin=0,
    )
    return Scene(
        layout=layout,
        slabs=FLAT,
        nucleoli=_nucleoli(dna, nuclei, depth),
        microtubules=np.where(inside, microtubules, 0)[None].astype(np.float32),
        er=np.where(inside, er, 0)[None].astype(np.float32),
        spindle=np.zeros(inside.shape, np.float32),
    )


def _nuclei(dna: Float32Array, inside: BoolArray, pixel_size: float) -> BoolArray:
    """Return the nuclei of a cell: bright DNA, whole, of 30 µm² or more."""
    smooth = ndimage.gaussian_filter(dna, NUCLEUS_BLUR / pixel_size)
    if not inside.any() or np.ptp(smooth[inside]) <= 0:
        return np.zeros(inside.shape, bool)
    bright = (smooth > 0.9 * threshold_otsu(smooth[inside])) & inside
    whole = ndimage.binary_fill_holes(ndimage.binary_opening(bright, iterations=2))
    pieces, _ = ndimage.label(whole)
    sizes = np.bincount(pieces.ravel()) * pixel_size**2
    sizes[0] = 0
    return np.asarray((sizes >= 30)[pieces])


def _level(nuclei: BoolArray, depth: FloatArray, pixel_size: float) -> Float32Array:
    """Return 0 in the middle of a nucleus, 1 at its rim, more outside."""
    out = ndimage.distance_transform_edt(~nuclei) * pixel_size
    deepest = max(float(depth.max()), 1e-6)
    return np.asarray(np.where(nuclei, 1 - depth / deepest, 1 + out / deepest), np.float32)


def _nucleoli(dna: Float32Array, nuclei: BoolArray, depth: FloatArray) -> Float32Array:
    """Return where DNA is dim inside a nucleus, 0 to 1."""
    typical = float(np.median(dna[nuclei]))
    dim = np.clip((DIM - dna / max(typical, 1e-6)) / 0.2 + 0.5, 0, 1)
    return np.asarray(dim * nuclei * np.clip((depth - 1.0) / 0.6, 0, 1), np.float32)


def _outline(nuclei: BoolArray, microtubules: FloatArray, pixel_size: float) -> Outline:
    """Return the centre of a cell and where its microtubules come together."""
    y, x = (float(v) * pixel_size for v in ndimage.center_of_mass(nuclei))
    around = ndimage.binary_dilation(nuclei, iterations=max(1, round(3 / pixel_size))) & ~nuclei
    smooth = ndimage.gaussian_filter(microtubules.astype(np.float32), 0.7 / pixel_size)
    row, column = np.unravel_index(np.argmax(np.where(around, smooth, -1)), nuclei.shape)
    radius = np.sqrt(nuclei.sum() / np.pi) * pixel_size
    circle = np.full(ANGLES.shape, radius)
    centre = (float(row) * pixel_size, float(column) * pixel_size)
    return Outline(y, x, circle, 2 * circle, centre)
