"""Straight, axis-aligned, hard edges: where a dead tile or a dropped line cuts through signal.

Over background of its own value a dead tile cannot be seen; its edges tell of it where it
cannot (see :mod:`.rectangles`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from napari_dualgland.missing.heights import Heights
from napari_dualgland.missing.jpeg import LONG, STEEP, BlockGrid
from napari_dualgland.missing.noise import Noise
from napari_dualgland.missing.regions import runs
from napari_dualgland.missing.rims import THIN
from napari_dualgland.missing.windows import running, summable
from napari_dualgland.typing import AnyArray, BoolArray, IndexArray

TOP, BOTTOM, LEFT, RIGHT = range(4)
COVERAGE = 0.65
"""Share of an edge along which the pixels just outside must differ from the region."""
LIKELY = 0.7
"""Edges average over more pixels than rims do, so they may stand lower above the noise."""
BESIDE = 4
"""Pixels outside an edge that are looked at."""
LINES = 128
"""Lines that are looked at in one go; so many stay in the processor's cache."""


class _Edges:
    """The edges of a region of one value that run along an axis; see :func:`straight_edges`.

    Parameters
    ----------
    level, height, observed, noise, step, sigmas, length
        As there.
    axis : int
        1 for edges along rows, 0 for those along columns.
    """

    def __init__(
        self,
        level: BoolArray,
        height: Heights,
        observed: BoolArray,
        noise: Noise,
        step: float,
        sigmas: float,
        length: int,
        axis: int,
    ) -> None:
        self.level, self.height, self.observed, self.noise = level, height, observed, noise
        self.step, self.sigmas, self.length, self.axis = step, sigmas, length, axis
        # How many pixels of a window lie before and after the one that stands for it.
        self.window = length // 2, length - 1 - length // 2

    def looking(self, outwards: int) -> Iterator[IndexArray]:
        """Yield (N, 3): line, first and last pixel of edges beyond which the value ends.

        ``outwards`` is −1 for edges that end before their line, 1 for those that end behind.
        """
        count = self.level.shape[1 - self.axis]
        first, behind = (BESIDE, count) if outwards < 0 else (0, count - BESIDE)
        for i in range(first, behind, LINES):
            own = slice(i, min(i + LINES, behind))
            out = slice(own.start + outwards, own.stop + outwards)
            level = self._lines(self.level, own)
            # Cheap first: the region itself must be unbroken along the whole edge.
            hard = running(level, np.logical_and, *self.window, self.axis)
            if not hard.any():
                continue
            outside = level & ~self._lines(self.level, out) & self._lines(self.observed, out)
            hard &= self._total(outside, self.axis) >= math.ceil(COVERAGE * self.length)
            at = np.flatnonzero(hard.any(axis=self.axis))
            if at.size:
                rows = (array[at] if self.axis else array.T[at] for array in (hard, outside))
                yield self._hard(at + i, outwards, *rows)

    def _hard(
        self, at: IndexArray, outwards: int, hard: BoolArray, outside: BoolArray
    ) -> IndexArray:
        """Return the edges on some lines, laid out as rows, whose rims are hard."""
        near = self._total(self._beside(at + outwards), 1).astype(np.float32)
        beyond = [self._beside(at + outwards * i) for i in (BESIDE - 1, BESIDE)]
        far = self._total(beyond[0] + beyond[1], 1).astype(np.float32) / 2
        where = (at, slice(None)) if self.axis else (slice(None), at)
        least = self.noise.at(where).least(LIKELY * self.sigmas)
        least = np.multiply(self.length, least if self.axis else least.T, dtype=np.float32)
        hard &= (near > self.step * far) & (near < THIN * far) & (near > least)
        row, start, stop = runs(running(hard, np.logical_or, *self.window[::-1], axis=1))
        # From the first to the last pixel that differs from what is outside.
        touched = np.flatnonzero(outside)
        first = touched[np.searchsorted(touched, start)]
        last = touched[np.searchsorted(touched, stop) - 1]
        return np.stack([at[row], first - row * hard.shape[1], last - row * hard.shape[1]], axis=1)

    def _lines(self, array: Any, where: slice | IndexArray) -> AnyArray:
        return np.asarray(array[where] if self.axis else array[:, where])

    def _beside(self, at: IndexArray) -> AnyArray:
        """Return the heights of the observed pixels of some lines, laid out as rows."""
        heights = self._lines(self.height, at) * self._lines(self.observed, at)
        return summable(heights if self.axis else heights.T, 2 * self.length)

    def _total(self, values: AnyArray, axis: int) -> AnyArray:
        """Return sums over windows as long as an edge."""
        return running(summable(values, 2 * self.length), np.add, *self.window, axis)


def straight_edges(
    level: BoolArray,
    height: Heights,
    observed: BoolArray,
    noise: Noise,
    step: float,
    sigmas: float,
    length: int,
) -> IndexArray:
    """Return the straight, axis-aligned, hard edges of regions of one value.

    Parameters
    ----------
    level : numpy.ndarray
        (Y, X), boolean: all pixels of that value.
    height, observed, noise, step, sigmas
        As for :func:`napari_dualgland.missing.rims.hard_rim`.
    length : int
        Pixels; the shortest edge.

    Returns
    -------
    numpy.ndarray
        (N, 5), int64: side (TOP … RIGHT), then first and last row, first and last column,
        inclusive.
    """
    edges = [np.zeros((0, 5), dtype=np.int64)]
    for axis, sides in ((1, (TOP, BOTTOM)), (0, (LEFT, RIGHT))):
        those = _Edges(level, height, observed, noise, step, sigmas, length, axis)
        for side, outwards in zip(sides, (-1, 1), strict=True):
            for found in those.looking(outwards):
                at, first, last = found.T
                ends = (at, at, first, last) if axis else (first, last, at, at)
                edges.append(np.stack([np.full_like(at, side), *ends], axis=1))
    return _from_outside_in(np.concatenate(edges))


def _from_outside_in(edges: IndexArray) -> IndexArray:
    """Return edges side by side, each from its side of the plane on: of too many of one length
    those are left out that come last."""
    side, top, _, left, _ = edges.T
    at = np.select([side == TOP, side == BOTTOM, side == LEFT], [top, -top, left], -left)
    along = np.where(side >= LEFT, top, left)
    return edges[np.lexsort([along, at, side])]


def off_grid(edges: IndexArray, height: Heights, grid: BlockGrid) -> IndexArray:
    """Return the edges without those that a coder makes: short, low ones at borders of blocks.

    Parameters
    ----------
    edges : numpy.ndarray
        See :func:`straight_edges`.
    height : numpy.ndarray
        As there.
    grid : BlockGrid
        The channel's.

    Returns
    -------
    numpy.ndarray
        (M, 5), int64.
    """
    side, top, bottom, left, right = edges.T
    border = np.select(
        [side == TOP, side == BOTTOM, side == LEFT], [top, bottom + 1, left], right + 1
    )
    explained = np.where(side >= LEFT, grid.on_line(1, border), grid.on_line(0, border))
    explained &= lengths_of(edges) <= LONG * len(grid.lines[0])
    for i in np.flatnonzero(explained):
        outside = border[i] - (side[i] in (TOP, LEFT))
        if side[i] in (TOP, BOTTOM):
            along = height[outside, left[i] : right[i] + 1]
        else:
            along = height[top[i] : bottom[i] + 1, outside]
        explained[i] = along.mean(dtype=np.float32) < STEEP * grid.step
    return edges[~explained]


def lengths_of(edges: IndexArray) -> IndexArray:
    """Return how many pixels long edges are."""
    return (edges[:, 2] - edges[:, 1]) + (edges[:, 4] - edges[:, 3]) + 1
