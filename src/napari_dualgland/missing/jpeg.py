"""What a JPEG coder has left in a channel, whatever file the channel came in.

The coder rounds blocks of 8 by 8 pixels one by one. Where the image is dim they come out
flat, and step at their borders: steps that nobody may take for the edge of a dead tile.
And of a picture in colours it keeps the brightness, but little of the colours; so the
grain of one colour is found in the others, and where another colour is bright a dim one
is cut off at 0 here and there, as abruptly as damage would cut it.

Both show in the pixels themselves, also after cropping, shrinking or another lookup table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_dualgland.missing.heights import Between, bands
from napari_dualgland.missing.regions import Regions
from napari_dualgland.missing.steps import LINES, QuietSteps, countable
from napari_dualgland.missing.windows import box_sum
from napari_dualgland.typing import AnyArray, BoolArray, Float32Array, Float64Array, IndexArray

PERIODS = (4, 6, 8, 12)
"""Pixels; blocks of 8, or as many as they have in an image that was shrunk or enlarged."""
ON_GRID = 1.25
"""So many times the steps of the mean line make a line one of a grid. Without a coder it
is 1.2 at most, in small images; quality 90 gives 1.4 to 2.4, 50 gives 3 to 6."""
BY_CHANCE = 6.0
"""Standard deviations by which it must have more steps than by chance."""
QUIETER = 0.75
"""Share of a grid's lines, those with fewest steps, that are counted: the side of a dead
tile is no grid."""
HIGHEST = 0.95
"""Share of the blocks' steps that are no higher than the height that stands for them."""
MIN_STEPS = 256
"""Fewer steps in flat surroundings tell nothing."""
LONG = 5
"""Blocks; a longer edge on the grid is none of the coder's."""
STEEP = 3.0
"""Nor is one that is so many times as high as the steps of blocks."""
OUTLINE = 0.6
"""A hole with this share of its outline on the grid is a block, or some."""
SHARED = 0.08
"""Neighbouring pixels of two channels rise and fall together so much more often than not
where they were colours of one picture: 0.1 to 0.7, otherwise 0.04 at most."""
MIN_GRAIN = 4096
"""Fewer pixels that can be compared tell nothing."""
GRAIN_WINDOW = 9
"""Side of the window, in pixels, in which grain is measured."""


@dataclass(frozen=True)
class BlockGrid:
    """The grid on which a coder has rounded a channel.

    Attributes
    ----------
    step : float
        How high the steps at its lines are, in intensity units; 0 where there is no grid.
    lines : tuple of numpy.ndarray
        For rows and for columns (P,), boolean: whether the border in front of the pixels
        at that position, modulo the P pixels of a block, is one of blocks.
    """

    step: float
    lines: tuple[BoolArray, BoolArray]

    def on_line(self, axis: int, border: IndexArray) -> BoolArray:
        """Return which borders are those of blocks.

        Parameters
        ----------
        axis : int
            0 for borders between rows, 1 for those between columns.
        border : numpy.ndarray
            int64: the first row or column behind each border.

        Returns
        -------
        numpy.ndarray
            Boolean, as long as ``border``.
        """
        lines = self.lines[axis]
        return np.asarray(lines[border % len(lines)])

    def without_blocks(self, found: BoolArray) -> BoolArray:
        """Return a mask without the regions that follow the outlines of blocks."""
        if not self.step or not found.any():
            return found
        regions, width = Regions.of(found, corners=False), found.shape[1]
        outline, on_grid = np.zeros((2, regions.count))
        for axis in (0, 1):
            y, x = np.nonzero(np.diff(found, axis=axis))
            border = (y if axis == 0 else x) + 1
            # Of the two pixels at an outline one is in the region.
            before, behind = y * width + x, y * width + x + (width if axis == 0 else 1)
            which = regions.at(np.where(found.flat[before], before, behind))
            outline += np.bincount(which, minlength=regions.count)
            on_grid += np.bincount(which, self.on_line(axis, border), regions.count)
        # What has no outline fills the plane.
        return regions.mask((on_grid < OUTLINE * outline) | (outline == 0))


NO_GRID = BlockGrid(0.0, (np.zeros(1, dtype=bool), np.zeros(1, dtype=bool)))


def block_grid(plane: AnyArray) -> BlockGrid:
    """Return the grid of a coder's blocks.

    Parameters
    ----------
    plane : numpy.ndarray
        (Y, X), finite.

    Returns
    -------
    BlockGrid
        :data:`NO_GRID` where there is none.
    """
    turned = [QuietSteps.of(plane, axis) for axis in (0, 1)]
    if any(steps.height.size < MIN_STEPS for steps in turned):
        return NO_GRID
    counts = [np.bincount(steps.at, minlength=steps.length) for steps in turned]
    folds = [[_folded(count, period) for count in counts] for period in PERIODS]
    clear = [min(_clearness(fold) for fold in pair) for pair in folds]
    if not max(clear):
        return NO_GRID
    # A grid of 4 is one of 8 and 12 too, but one of 8 is half as clear in fours.
    best = next(i for i, value in enumerate(clear) if value >= 0.8 * max(clear))
    lines, on_line, beside, places = [], [], [], np.zeros(2)
    for steps, count in zip(turned, folds[best], strict=True):
        fold = count / count.mean()
        # Between the pixels of a shrunk image a line makes two steps of one.
        line = (fold >= 0.6 * fold.max()) & (fold > 1)
        is_on = line[np.arange(steps.length) % len(line)]
        on_line.append(steps.height[is_on[steps.at]])
        beside.append(steps.height[~is_on[steps.at]])
        places += steps.lines * np.array([np.count_nonzero(is_on), np.count_nonzero(~is_on)])
        lines.append(np.roll(line, 1))  # the step at i is the border in front of i + 1
    return BlockGrid(_highest(on_line, beside, places[0] / places[1]), (lines[0], lines[1]))


def _highest(
    on_line: Sequence[Float64Array], beside: Sequence[Float64Array], as_many: float
) -> float:
    """Return how high nearly all steps are that blocks alone explain.

    Of the steps on the lines as many are taken for other things, damage too, as there are
    of that height beside them, where there are ``as_many`` times the places.
    """
    high, others = (np.sort(np.concatenate(some)) for some in (on_line, beside))
    blocks = np.arange(1, high.size + 1) - as_many * np.searchsorted(others, high, "right")
    return float(high[np.argmax(blocks >= HIGHEST * blocks.max())])


def _folded(counts: npt.NDArray[np.intp], period: int) -> Float64Array:
    """Return (P,): how many steps lie on each line of a grid, over all its repeats."""
    usable = len(counts) // period * period
    repeats = np.sort(counts[:usable].reshape(-1, period), axis=0)
    return np.asarray(repeats[: int(QUIETER * len(repeats))].sum(axis=0, dtype=np.float64))


def _clearness(fold: Float64Array) -> float:
    """Return how much a grid's line stands out, 0 where it does not."""
    mean = float(fold.mean())
    if mean == 0:
        return 0.0
    least = max(ON_GRID, 1 + BY_CHANCE / np.sqrt(mean))
    clear = float(fold.max()) / mean
    return clear if clear >= least else 0.0


def foreign_grain(
    planes: Sequence[AnyArray], usable: Sequence[BoolArray | Between], gains: Sequence[float]
) -> dict[int, Float32Array]:
    """Return how much grain of other channels is found in each that shares some.

    Parameters
    ----------
    planes : sequence of numpy.ndarray
        (Y, X) each, finite.
    usable : sequence of numpy.ndarray or Between
        (Y, X), boolean: pixels that are neither missing nor at the floor or the ceiling.
    gains : sequence of float
        Variance of the photon noise of each channel per unit of intensity.

    Returns
    -------
    dict of int to numpy.ndarray
        From the position of a channel to (Y, X), float32: the standard deviation, in
        intensity units, of what channels of the same picture add to it.
    """
    shares = _shared(planes, usable)
    lent = np.flatnonzero(shares.any(axis=0)).tolist()
    floors = {j: planes[j].min() for j in lent}
    grain = {
        i: np.empty(planes[i].shape, np.float32)
        for i in np.flatnonzero(shares.any(axis=1)).tolist()
    }
    steepness = {i: _steepness(planes[i]) for i in grain}
    for outer, inner, band in bands(planes[0].shape, GRAIN_WINDOW // 2):
        own = {
            j: _grain_around(planes[j][outer], usable[j][outer], floors[j], gains[j])[inner]
            for j in lent
        }
        for i in grain:
            both = sum(shares[i, j] * own[j] for j in own)
            grain[i][band] = steepness[i] * np.sqrt(both, dtype=np.float32)
    return grain


def _steepness(plane: AnyArray) -> np.float32:
    """Return how many times as steep a lookup table is at the floor as elsewhere, 1 to 8."""
    gaps = np.diff(np.unique(plane[:: max(1, plane.shape[0] // LINES)]).astype(np.float64))
    return np.float32(np.clip(gaps[0] / np.median(gaps), 1, 8) if gaps.size else 1)


def _shared(planes: Sequence[AnyArray], usable: Sequence[BoolArray | Between]) -> Float64Array:
    """Return (C, C): at [i, j] the share of the grain of channel j that channel i has too."""
    every = max(1, planes[0].shape[0] // LINES)
    some = [plane[::every] for plane in planes]
    grains = [_grain(plane) for plane in some]
    shares = np.zeros((len(planes), len(planes)))
    for i, j in combinations(range(len(planes)), 2):
        # Damage sets the same value in all channels, which is no grain.
        told = usable[i][::every] & usable[j][::every] & (some[i] != some[j])
        both = told[:, 1:-1] & told[:, :-2] & told[:, 2:]
        a, b = grains[i][both], grains[j][both]
        alike = float(np.mean(np.sign(a) * np.sign(b))) if a.size >= MIN_GRAIN else 0.0
        if alike >= SHARED:
            # What so many signs in common say of normal grain; a few bright spots do not count.
            correlation = np.sin(np.pi / 2 * alike)
            scale = max(np.median(np.abs(a)), 1e-9) / max(np.median(np.abs(b)), 1e-9)
            shares[i, j] = min(1.0, correlation * scale)
            shares[j, i] = min(1.0, correlation / scale)
    return shares


def _grain(plane: AnyArray) -> AnyArray:
    """Return the second differences along rows."""
    values = countable(plane)
    return np.asarray(2 * values[:, 1:-1] - values[:, :-2] - values[:, 2:])


def _grain_around(plane: AnyArray, usable: BoolArray, low: Any, gain: float) -> Float32Array:
    """Return the variance of the grain around every pixel, (Y, X), above a floor.

    What can be seen of it, and no less than that of the light there: a coder smooths the
    grain of which it leaves such traces.
    """
    squares = np.zeros(plane.shape, dtype=np.float32)
    told = np.zeros(plane.shape, dtype=bool)
    told[:, 1:-1] = usable[:, 1:-1] & usable[:, :-2] & usable[:, 2:]
    squares[:, 1:-1] = _grain(plane).astype(np.float64) ** 2 / 6
    squares *= told
    seen = box_sum(squares, GRAIN_WINDOW) / np.maximum(box_sum(told, GRAIN_WINDOW), 1)
    around = box_sum(plane - low, GRAIN_WINDOW).astype(np.float32, copy=False)
    light = gain / GRAIN_WINDOW**2 * around
    return np.asarray(np.maximum(seen, light), dtype=np.float32)
