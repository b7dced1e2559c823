"""Scattered pixels that were dropped amid signal.

A pixel at the floor is natural where the signal around it is dim: noise takes it there.
Amid bright neighbours it is not. And where many pixels are at the floor by nature, many
others must be nearly so; dropout leaves a gap between the lost pixels and the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from napari_dualgland.missing.heights import Heights
from napari_dualgland.missing.noise import Noise
from napari_dualgland.missing.windows import blocks, box_sum, dilated, running, summable
from napari_dualgland.typing import AnyArray, BoolArray, Float32Array, IndexArray

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
    level: BoolArray, height: Heights, observed: BoolArray, noise: Noise, sigmas: float
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
    found = np.zeros_like(level)
    for outer, inner, block in blocks(level, BLOCK, WINDOW // 2):
        around = observed[outer] & ~level[outer]
        # Cheap first: without a bright neighbour on every side there is nothing to weigh.
        bright = around & noise.at(outer).exceeded(height[outer], sigmas, alone=True)
        candidates = level[block]
        if bright.any():
            for beside in _beside(bright, np.logical_or):
                candidates = candidates & beside[inner]
            found[block] = candidates
    for outer, inner, block in blocks(found, BLOCK, WINDOW + NEAR):
        y, x = np.nonzero(found[block])
        around = observed[outer] & ~level[outer]
        y, x = _weighed(
            (y + inner[0].start, x + inner[1].start),
            level[outer],
            height[outer],
            around,
            noise.at(outer),
            sigmas,
        )
        found[block] = False
        found[outer][y, x] = True
    return found


def _weighed(
    at: tuple[IndexArray, IndexArray],
    level: BoolArray,
    height: AnyArray,
    around: BoolArray,
    noise: Noise,
    sigmas: float,
) -> tuple[IndexArray, IndexArray]:
    """Return the candidates, of those at some places, that their neighbourhoods do not explain."""
    signal = height * around
    total, number = box_sum(signal, WINDOW), box_sum(around, WINDOW)
    mean: Float32Array = np.divide(total[at], np.maximum(number[at], 1), dtype=np.float32)

    def there(values: AnyArray) -> Float32Array:
        return np.asarray(values[at], dtype=np.float32)

    def keep(those: BoolArray) -> None:
        nonlocal at, mean
        at, mean = (at[0][those], at[1][those]), mean[those]

    # The least for a pixel among other lost ones.
    keep((mean > noise.at(at).least(sigmas, alone=True)) & (number[at] >= 3))
    if not mean.size:
        return at
    # Natural gaps darken towards their middle; next to dropped pixels nothing does.
    beside_lost = dilated(level, 3) & around
    n_beside = there(box_sum(beside_lost, NEAR))
    keep(there(box_sum(height * beside_lost, NEAR)) > 0.85 * mean * n_beside)
    if not mean.size:
        return at
    for sums, counts in zip(
        _beside(summable(signal, WINDOW**2), np.add),
        _beside(summable(around, WINDOW**2), np.add),
        strict=True,
    ):
        count = there(counts)
        keep((there(sums) >= 0.6 * mean * count) & (count >= 1))
    if not mean.size:
        return at
    n_lost, n_kept = there(box_sum(level, WIDE)), there(box_sum(around, WIDE))
    means = np.divide(total, np.maximum(number, 1), dtype=np.float32)
    n_dim = there(box_sum(around & (height < 0.3 * means), WIDE))
    many = (n_lost > 0.15 * (n_lost + n_kept)) & (n_dim < 0.25 * n_lost)
    alone = (mean > noise.at(at).least(2 * sigmas, alone=True)) & (n_dim < n_lost)
    keep(many | alone)
    return at
