"""Scattered pixels that were dropped amid signal.

A pixel at the floor is natural where the signal around it is dim: noise takes it there.
Amid bright neighbours it is not. And where many pixels are at the floor by nature, many
others must be nearly so; dropout leaves a gap between the lost pixels and the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from napari_dualgland.missing.noise import Noise
from napari_dualgland.missing.windows import blocks, box_sum, dilated, running
from napari_dualgland.typing import AnyArray, BoolArray, Float32Array

WINDOW = 9
"""Side of the neighbourhood in pixels; it holds some observed pixels even at 90 % dropout."""
NEAR = 7
"""Side of that over which the pixels that touch a lost one are averaged."""
WIDE = 15
"""Side of that in which lost, dim and kept pixels are counted."""
BLOCK = 256
"""Side of the blocks, in pixels, that are looked at more closely."""


def _beside(image: AnyArray, combine: np.ufunc) -> Iterator[AnyArray]:
    """Yield ``combine`` over the neighbours above, below, to the left and to the right."""
    half = WINDOW // 2
    for axis in (0, 1):
        band = running(image, combine, half, half, 1 - axis)
        # The pixel itself is within; it is no neighbour and counts nothing.
        yield running(band, combine, half, 0, axis)
        yield running(band, combine, 0, half, axis)


def scattered(
    level: BoolArray, height: Float32Array, observed: BoolArray, noise: Noise, sigmas: float
) -> BoolArray:
    """Return the pixels of one value that no natural noise brings about.

    Parameters
    ----------
    level : numpy.ndarray
        (Y, X), boolean: pixels of that value that are not explained otherwise.
    height, observed, noise
        As for :func:`napari_dualgland.missing.rims.hard_rim`.
    sigmas : float
        Standard deviations of the noise that the neighbours must stand above the value,
        twice over for a pixel that stands alone.

    Returns
    -------
    numpy.ndarray
        (Y, X), boolean.
    """
    around = observed & ~level
    candidates = level.copy()
    # Cheap first: without a bright neighbour on every side there is nothing to weigh.
    for bright in _beside(around & (height > noise.least(sigmas, alone=True)), np.logical_or):
        candidates &= bright
    if not candidates.any():
        return candidates
    found = np.zeros_like(level)
    clear = np.broadcast_to(noise.least(sigmas, alone=True), level.shape)
    beyond = np.broadcast_to(noise.least(2 * sigmas, alone=True), level.shape)
    for outer, inner, block in blocks(candidates, BLOCK, WINDOW + NEAR):
        found[block] = _weighed(
            candidates[outer],
            level[outer],
            height[outer],
            around[outer],
            clear[outer],
            beyond[outer],
        )[inner]
    return found


def _weighed(
    candidates: BoolArray,
    level: BoolArray,
    height: Float32Array,
    around: BoolArray,
    clear: Float32Array,
    beyond: Float32Array,
) -> BoolArray:
    """Return the candidates that their neighbourhoods do not explain.

    ``clear`` and ``beyond`` are the least mean heights of those for a pixel among other
    lost ones, and for one that stands alone.
    """
    signal = height * around
    weight = around.astype(np.float32)
    n_around = box_sum(weight, WINDOW)
    mean = box_sum(signal, WINDOW) / np.maximum(n_around, 1)
    candidates = candidates & (mean > clear) & (n_around >= 3)
    # Natural gaps darken towards their middle; next to dropped pixels nothing does.
    beside_lost = dilated(level, 3) & around
    n_beside = box_sum(beside_lost, NEAR)
    candidates &= box_sum(height * beside_lost, NEAR) > 0.85 * mean * n_beside
    if not candidates.any():
        return candidates
    for total, count in zip(_beside(signal, np.add), _beside(weight, np.add), strict=True):
        candidates &= (total >= 0.6 * mean * count) & (count >= 1)
    n_lost, n_kept = box_sum(level, WIDE), box_sum(weight, WIDE)
    n_dim = box_sum(around & (height < 0.3 * mean), WIDE)
    many = (n_lost > 0.15 * (n_lost + n_kept)) & (n_dim < 0.25 * n_lost)
    alone = (mean > beyond) & (n_dim < n_lost)
    return np.asarray(candidates & (many | alone))
