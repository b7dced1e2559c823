"""Scattered pixels that were dropped amid signal.

A pixel at the floor is natural where the signal around it is dim: noise takes it there.
Amid bright neighbours it is not. And where many pixels are at the floor by nature, many
others must be nearly so; dropout leaves a gap between the lost pixels and the rest.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_dualgland.missing.rims import Mask, Plane, box_mean, dilated

WINDOW = 9
"""Side of the neighbourhood in pixels; it holds some observed pixels even at 90 % dropout."""


def _one_sided(image: Plane, axis: int, forward: bool) -> Plane:
    """Return the mean over the half of the neighbourhood on one side of each pixel."""
    half = WINDOW // 2
    mean = ndimage.uniform_filter1d(image, WINDOW, axis=1 - axis, mode="constant")
    # Moved so that it starts or ends with the pixel itself, which weighs nothing.
    origin = -(half // 2) if forward else (half - 1) // 2
    return np.asarray(
        ndimage.uniform_filter1d(mean, half, axis=axis, mode="constant", origin=origin)
    )


def scattered(level: Mask, height: Plane, observed: Mask, gain: float, noise: float) -> Mask:
    """Return the pixels of one value that no natural noise brings about.

    Parameters
    ----------
    level : numpy.ndarray
        (Y, X), boolean: pixels of that value that are not explained otherwise.
    height, observed, gain
        As for :func:`napari_dualgland.missing.rims.hard_rim`.
    noise : float
        Standard deviations of the noise that the neighbours must stand above the value,
        twice over for a pixel that stands alone.

    Returns
    -------
    numpy.ndarray
        (Y, X), boolean.
    """
    around = observed & ~level
    density = box_mean(around, WINDOW)
    total = box_mean(height * around, WINDOW)
    mean = total / np.maximum(density, 1e-6)
    clear = mean / np.float32(gain)
    candidates = level & (clear > noise**2) & (density > 2.5 / WINDOW**2)
    if not candidates.any():
        return candidates
    # Natural gaps darken towards their middle; next to dropped pixels nothing does.
    beside_lost = dilated(level, 3) & around
    n_beside = np.maximum(box_mean(beside_lost, WINDOW - 2), 1e-6)
    candidates &= box_mean(height * beside_lost, WINDOW - 2) > 0.85 * mean * n_beside
    signal = (height * around).astype(np.float32)
    weight = around.astype(np.float32)
    for axis in (0, 1):
        for forward in (True, False):
            beside = _one_sided(signal, axis, forward)
            share = _one_sided(weight, axis, forward)
            candidates &= beside >= 0.6 * mean * np.maximum(share, 1e-6)
            candidates &= share > 0.5 / (WINDOW * (WINDOW // 2))
    wide = 2 * WINDOW - 3
    n_lost, n_kept = box_mean(level & observed, wide), box_mean(around, wide)
    n_dim = box_mean(around & (height < 0.3 * mean), wide)
    lost_share = n_lost / np.maximum(n_lost + n_kept, 1e-6)
    gap = n_dim < 0.25 * n_lost
    many = (lost_share > 0.15) & gap
    alone = (clear > (2 * noise) ** 2) & (n_dim < np.maximum(n_lost, 1 / wide**2))
    return np.asarray(candidates & (many | alone))
