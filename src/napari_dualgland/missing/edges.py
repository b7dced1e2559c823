"""Dead tiles and dropped lines that lie partly over background, from their straight edges.

Over background of its own value a dead tile cannot be seen, but where it cuts through
signal it leaves straight, axis-aligned, hard edges. Two such edges that bound a common
rectangle of one value give that rectangle; a long edge with none opposite it gives the
square on it, as far as the value reaches: more than may be missing, but over background,
where a fill does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_dualgland.missing.jpeg import LONG, STEEP, BlockGrid
from napari_dualgland.missing.noise import Noise
from napari_dualgland.missing.rims import THIN
from napari_dualgland.missing.windows import running
from napari_dualgland.typing import AnyArray, BoolArray, Float32Array, IndexArray

TOP, BOTTOM, LEFT, RIGHT = range(4)
COVERAGE = 0.65
"""Share of an edge along which the pixels just outside must differ from the region."""
LIKELY = 0.7
"""Edges average over more pixels than rims do, so they may stand lower above the noise."""
MAX_EDGES = 1500
"""The longest so many edges of a plane are paired; pairing grows with their square."""

Pixel = TypeVar("Pixel", bound=np.generic)


def _seen_from(image: npt.NDArray[Pixel], side: int) -> npt.NDArray[Pixel]:
    """Return a view in which edges of that side are top edges."""
    if side in (LEFT, RIGHT):
        image = image.T
    return image[::-1] if side in (BOTTOM, RIGHT) else image


def _top_edges(
    level: BoolArray,
    height: Float32Array,
    observed: BoolArray,
    least: Float32Array,
    step: float,
    length: int,
) -> list[tuple[int, int, int]]:
    """Return row, first and last column of the hard top edges of a region of one value."""
    outside = level[4:] & ~level[3:-1] & observed[3:-1]
    half, rest = length // 2, length - 1 - length // 2

    def along(values: AnyArray) -> Float32Array:
        total = running(values.astype(np.float32), np.add, half, rest, axis=1)
        return np.asarray(total, dtype=np.float32)

    # Cheap first: the region itself must be unbroken along the whole edge.
    whole = running(level[4:], np.logical_and, half, rest, axis=1)
    seen = running(outside.astype(np.uint8), np.add, half, rest, axis=1)
    hard = whole & (seen >= COVERAGE * length)
    rows = np.flatnonzero(hard.any(axis=1))
    if rows.size == 0:
        return []
    outside, hard, at = outside[rows], hard[rows], rows + 4
    near = along(height[at - 1] * observed[at - 1])
    far = along((height[at - 3] * observed[at - 3] + height[at - 4] * observed[at - 4]) / 2)
    hard &= (near > step * far) & (near < THIN * far) & (near > length * least[at])
    if not hard.any():
        return []
    edge = running(hard, np.logical_or, rest, half, axis=1)
    labels, _ = ndimage.label(edge, [[0, 0, 0], [1, 1, 1], [0, 0, 0]])
    found = []
    for where in ndimage.find_objects(labels):
        i, start = where[0].start, where[1].start
        touched = np.flatnonzero(outside[i, where[1]])
        found.append((int(at[i]), int(start + touched[0]), int(start + touched[-1])))
    return found


def straight_edges(
    level: BoolArray,
    height: Float32Array,
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
    rows, columns = level.shape
    least = np.broadcast_to(noise.least(LIKELY * sigmas), level.shape)
    edges = []
    for side in (TOP, BOTTOM, LEFT, RIGHT):
        turned = _seen_from(level, side)
        if turned.shape[0] < 5 or turned.shape[1] < length:
            continue
        last = (rows if side in (TOP, BOTTOM) else columns) - 1
        for at, first, final in _top_edges(
            turned,
            _seen_from(height, side),
            _seen_from(observed, side),
            _seen_from(least, side),
            step,
            length,
        ):
            at = last - at if side in (BOTTOM, RIGHT) else at
            where = (at, at, first, final) if side in (TOP, BOTTOM) else (first, final, at, at)
            edges.append((side, *where))
    return np.array(edges, dtype=np.int64).reshape(-1, 5)


def off_grid(edges: IndexArray, height: Float32Array, grid: BlockGrid) -> IndexArray:
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
    explained &= _lengths(edges) <= LONG * len(grid.lines[0])
    for i in np.flatnonzero(explained):
        outside = border[i] - (side[i] in (TOP, LEFT))
        if side[i] in (TOP, BOTTOM):
            along = height[outside, left[i] : right[i] + 1]
        else:
            along = height[top[i] : bottom[i] + 1, outside]
        explained[i] = along.mean() < STEEP * grid.step
    return edges[~explained]


def _lengths(edges: IndexArray) -> IndexArray:
    return (edges[:, 2] - edges[:, 1]) + (edges[:, 4] - edges[:, 3]) + 1


@dataclass
class _Rectangles:
    """Rectangles of one value, tested and painted through integral images."""

    counts: npt.NDArray[np.int32]
    paint: npt.NDArray[np.int32]

    @classmethod
    def over(cls, level: BoolArray) -> _Rectangles:
        shape = (level.shape[0] + 1, level.shape[1] + 1)
        counts = np.zeros(shape, dtype=np.int32)
        np.cumsum(np.cumsum(level, axis=0, dtype=np.int32), axis=1, out=counts[1:, 1:])
        return cls(counts, np.zeros(shape, dtype=np.int32))

    def filled(self, y0: IndexArray, y1: IndexArray, x0: IndexArray, x1: IndexArray) -> BoolArray:
        """Return which rectangles hold nothing but the value."""
        c = self.counts
        inside = c[y1 + 1, x1 + 1] - c[y0, x1 + 1] - c[y1 + 1, x0] + c[y0, x0]
        return np.asarray(inside == (y1 - y0 + 1) * (x1 - x0 + 1))

    def add(self, y0: IndexArray, y1: IndexArray, x0: IndexArray, x1: IndexArray) -> None:
        np.add.at(self.paint, (y0, x0), 1)
        np.add.at(self.paint, (y1 + 1, x1 + 1), 1)
        np.add.at(self.paint, (y0, x1 + 1), -1)
        np.add.at(self.paint, (y1 + 1, x0), -1)

    def mask(self) -> BoolArray:
        return np.asarray(self.paint.cumsum(axis=0).cumsum(axis=1)[:-1, :-1] > 0)


def _bounds(
    edges: IndexArray, y0: IndexArray, y1: IndexArray, x0: IndexArray, x1: IndexArray
) -> BoolArray:
    """Return which edges lie on that side of the rectangle which they claim to be."""
    side, top, bottom, left, right = np.moveaxis(edges, -1, 0)
    return np.asarray(
        np.select(
            [side == TOP, side == BOTTOM, side == LEFT],
            [top == y0, bottom == y1, left == x0],
            right == x1,
        )
    )


def _square_on(edge: IndexArray, rectangles: _Rectangles, shape: tuple[int, int]) -> None:
    """Paint the square on an edge that none opposes, as deep as the value reaches."""
    side, y0, y1, x0, x1 = edge
    depth = np.arange(max(y1 - y0, x1 - x0), -1, -1)
    y0, y1, x0, x1 = (np.full(depth.shape, v) for v in (y0, y1, x0, x1))
    if side == TOP:
        y1 = np.minimum(y0 + depth, shape[0] - 1)
    elif side == BOTTOM:
        y0 = np.maximum(y1 - depth, 0)
    elif side == LEFT:
        x1 = np.minimum(x0 + depth, shape[1] - 1)
    else:
        x0 = np.maximum(x1 - depth, 0)
    deepest = np.flatnonzero(rectangles.filled(y0, y1, x0, x1))[:1]
    rectangles.add(y0[deepest], y1[deepest], x0[deepest], x1[deepest])


def rectangles(level: BoolArray, edges: IndexArray, min_alone: int) -> BoolArray:
    """Return the rectangles of one value that straight edges bound.

    Parameters
    ----------
    level : numpy.ndarray
        (Y, X), boolean: all pixels of that value.
    edges : numpy.ndarray
        See :func:`straight_edges`.
    min_alone : int
        Pixels; the shortest edge that is believed without one opposite it.

    Returns
    -------
    numpy.ndarray
        (Y, X), boolean.
    """
    lengths = _lengths(edges)
    longest = np.argsort(-lengths, kind="stable")[:MAX_EDGES]
    edges, lengths = edges[longest], lengths[longest]
    found = _Rectangles.over(level)
    opposed = np.zeros(len(edges), dtype=bool)
    for i, edge in enumerate(edges):
        others = edges[i + 1 :]
        y0, x0 = np.minimum(edge[1], others[:, 1]), np.minimum(edge[3], others[:, 3])
        y1, x1 = np.maximum(edge[2], others[:, 2]), np.maximum(edge[4], others[:, 4])
        hull = (y0, y1, x0, x1)
        fits = _bounds(np.broadcast_to(edge, others.shape), *hull) & _bounds(others, *hull)
        fits &= found.filled(*hull)
        found.add(*(side[fits] for side in hull))
        # Only the opposite edge tells how deep the rectangle is. TOP and BOTTOM differ in
        # their last bit, LEFT and RIGHT too.
        across = fits & (others[:, 0] == edge[0] ^ 1)
        opposed[i] |= across.any()
        opposed[i + 1 :] |= across
    for edge in edges[~opposed & (lengths >= min_alone)]:
        _square_on(edge, found, level.shape)
    return found.mask()
