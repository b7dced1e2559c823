"""Which holes of a region are looked at together: where one window is cheaper than two."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_dualgland.imputation.tiling.boxes import ALIGNMENT, MARGIN, Box, Mask, hole_box

WINDOW_COSTS = 64**2
"""Pixels that a window of its own must save to be worth it."""


def window_box(hole: Box, shape: tuple[int, int]) -> Box:
    """Return what is looked at to fill a hole.

    Parameters
    ----------
    hole : Box
        Around the missing pixels.
    shape : tuple of int
        (Y, X) of the frame.

    Returns
    -------
    Box
        With surroundings, on the grid of windows.
    """
    return hole.grown(MARGIN, shape).aligned(shape)


def clusters(wanted: Mask, region: Box, shape: tuple[int, int]) -> list[Box]:
    """Return boxes around groups of missing pixels; together they hold all of a region.

    Parameters
    ----------
    wanted : numpy.ndarray or other Mask
        (C, Y, X), boolean.
    region : Box
        Part of the frame.
    shape : tuple of int
        (Y, X) of the frame.

    Returns
    -------
    list of Box
        From top to bottom; they may overlap.
    """
    hole = np.logical_or.reduce(wanted[(slice(None), *region.slices)], axis=0)
    # Groups closer than a cell of a coarse grid would share most of their windows.
    rows, columns = (np.arange(0, side, ALIGNMENT) for side in hole.shape)
    cells = np.logical_or.reduceat(np.logical_or.reduceat(hole, rows, axis=0), columns, axis=1)
    labels, _ = ndimage.label(cells, np.ones((3, 3)))
    found: list[Box] = []
    for number, (down, across) in enumerate(ndimage.find_objects(labels), 1):
        own = np.kron(labels[down, across] == number, np.ones((ALIGNMENT, ALIGNMENT), bool))
        y, x = down.start * ALIGNMENT, across.start * ALIGNMENT
        part = hole[y : y + own.shape[0], x : x + own.shape[1]]
        part = part & own[: part.shape[0], : part.shape[1]]
        y, x = region.y0 + y, region.x0 + x
        there = hole_box(part[None], Box(0, part.shape[0], 0, part.shape[1]))
        assert there is not None
        found.append(Box(y + there.y0, y + there.y1, x + there.x0, x + there.x1))
    return _joined(found, shape)


def _joined(boxes: list[Box], shape: tuple[int, int]) -> list[Box]:
    """Join boxes as long as that saves pixels."""
    done: list[Box] = []
    for box in boxes:
        new = box
        while True:
            both = [(other, new.around(other)) for other in done]
            gains = [_cost(new, shape) + _cost(other, shape) - _cost(u, shape) for other, u in both]
            if not gains or max(gains) < 0:
                break
            other, new = both[int(np.argmax(gains))]
            done.remove(other)
        done.append(new)
    return sorted(done)


def _cost(hole: Box, shape: tuple[int, int]) -> int:
    return window_box(hole, shape).area + WINDOW_COSTS
