"""Dead tiles and dropped lines that lie partly over background, from their straight edges.

Two straight edges that bound a common rectangle of one value give that rectangle; a long
edge with none opposite it gives the square on it, as far as the value reaches: more than
may be missing, but over background, where a fill does no harm.
"""

from __future__ import annotations

import numpy as np

from napari_dualgland.missing.edges import BOTTOM, LEFT, TOP, lengths_of
from napari_dualgland.typing import BoolArray, IndexArray

MAX_EDGES = 1500
"""The longest so many edges of a plane are paired; pairing grows with their square."""
CHUNK = 255
"""Rows; their pixels are counted in bytes."""


class _Counts:
    """How many pixels of a value rectangles hold that begin and end at given rows.

    Parameters
    ----------
    level : numpy.ndarray
        (Y, X), boolean.
    rows : numpy.ndarray
        (K,), int64, ascending: first rows of rectangles, and those behind their last ones.
    """

    def __init__(self, level: BoolArray, rows: IndexArray) -> None:
        self.rows = rows
        # Of all pixels above each of the rows and to the left of each column.
        self.above = np.zeros((len(rows), level.shape[1] + 1), dtype=np.int32)
        pixels = level.view(np.uint8)
        for k in range(1, len(rows)):
            self.above[k] = self.above[k - 1]
            for y in range(int(rows[k - 1]), int(rows[k]), CHUNK):
                some = pixels[y : min(y + CHUNK, int(rows[k]))]
                self.above[k, 1:] += some.sum(axis=0, dtype=np.uint8)
        np.cumsum(self.above, axis=1, out=self.above)

    def full(self, hulls: IndexArray) -> BoolArray:
        """Return which (N, 4) rectangles hold nothing but the value."""
        y0, y1, x0, x1 = hulls.T
        first, behind = np.searchsorted(self.rows, y0), np.searchsorted(self.rows, y1 + 1)
        above = self.above
        inside = above[behind, x1 + 1] - above[first, x1 + 1] - above[behind, x0] + above[first, x0]
        return np.asarray(inside == (y1 - y0 + 1) * (x1 - x0 + 1))


def _square_on(edge: IndexArray, level: BoolArray) -> IndexArray:
    """Return the square on an edge that none opposes, as deep as the value reaches: (N, 4)."""
    side, y0, y1, x0, x1 = edge.tolist()
    size = max(y1 - y0, x1 - x0) + 1
    if side == TOP:
        inwards = level[y0 : y0 + size, x0 : x1 + 1]
    elif side == BOTTOM:
        inwards = level[max(0, y1 + 1 - size) : y1 + 1, x0 : x1 + 1][::-1]
    elif side == LEFT:
        inwards = level[y0 : y1 + 1, x0 : x0 + size].T
    else:
        inwards = level[y0 : y1 + 1, max(0, x1 + 1 - size) : x1 + 1].T[::-1]
    depth = int(np.argmin(np.append(inwards.all(axis=1), False)))
    if side == TOP:
        y1 = y0 + depth - 1
    elif side == BOTTOM:
        y0 = y1 - depth + 1
    elif side == LEFT:
        x1 = x0 + depth - 1
    else:
        x0 = x1 - depth + 1
    return np.array([[y0, y1, x0, x1]], dtype=np.int64)[: min(depth, 1)]


def _painted(hulls: IndexArray, shape: tuple[int, int]) -> BoolArray:
    """Return the pixels of (N, 4) rectangles."""
    y0, y1, x0, x1 = hulls.T
    row = np.concatenate([y0, y0, y1 + 1, y1 + 1])
    column = np.concatenate([x0, x1 + 1, x0, x1 + 1])
    change = np.repeat(np.array([1, -1, -1, 1], dtype=np.int32), len(hulls))
    order = np.argsort(row, kind="stable")
    row, column, change = row[order], column[order], change[order]
    mask = np.zeros(shape, dtype=bool)
    begun = np.zeros(shape[1] + 1, dtype=np.int32)
    rows, first = np.unique(row, return_index=True)
    # Between two rows at which a rectangle begins or ends all are alike.
    for y, until, i, j in zip(rows, rows[1:], first, first[1:], strict=False):
        np.add.at(begun, column[i:j], change[i:j])
        mask[y:until] = begun.cumsum()[:-1] > 0
    return mask


def rectangles(level: BoolArray, edges: IndexArray, min_alone: int) -> BoolArray:
    """Return the rectangles of one value that straight edges bound.

    Parameters
    ----------
    level : numpy.ndarray
        (Y, X), boolean: all pixels of that value.
    edges : numpy.ndarray
        See :func:`napari_dualgland.missing.edges.straight_edges`.
    min_alone : int
        Pixels; the shortest edge that is believed without one opposite it.

    Returns
    -------
    numpy.ndarray
        (Y, X), boolean.
    """
    lengths = lengths_of(edges)
    longest = np.argsort(-lengths, kind="stable")[:MAX_EDGES]
    edges, lengths = edges[longest], lengths[longest]
    counts = _Counts(level, np.unique([edges[:, 1], edges[:, 2] + 1]))
    opposed = np.zeros(len(edges), dtype=bool)
    # Sides are numbered as the ends of a rectangle are: first and last row, then column.
    side, ends = edges[:, 0], edges[:, 1:]
    place = ends[np.arange(len(ends)), side]
    found = [np.zeros((0, 4), dtype=np.int64)]
    for i, edge in enumerate(ends):
        hulls = np.maximum(edge, ends[i + 1 :])
        hulls[:, ::2] = np.minimum(edge[::2], ends[i + 1 :, ::2])
        # Both must lie on that side of the rectangle which they claim to be.
        others = np.flatnonzero(hulls[:, side[i]] == place[i])
        hulls, others = hulls[others], others + (i + 1)
        fits = hulls[np.arange(len(hulls)), side[others]] == place[others]
        fits[fits] = counts.full(hulls[fits])
        found.append(hulls[fits])
        # Only the opposite edge tells how deep the rectangle is. TOP and BOTTOM differ in
        # their last bit, LEFT and RIGHT too.
        across = others[fits & (side[others] == side[i] ^ 1)]
        opposed[i] |= across.size > 0
        opposed[across] = True
    found += [_square_on(edge, level) for edge in edges[~opposed & (lengths >= min_alone)]]
    return _painted(np.concatenate(found), (level.shape[0], level.shape[1]))
