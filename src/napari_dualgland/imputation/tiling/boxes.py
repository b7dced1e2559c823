"""Where to compute: tiles that hold missing pixels, their surroundings and their seams.

A tile is a square of a fixed grid. What is computed for it reaches :data:`OVERLAP` pixels
into its neighbours, where the estimates are blended, and is looked at together with
:data:`MARGIN` pixels of surroundings. Only the rectangle around the missing pixels of a
tile is computed, so that work grows with what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

OVERLAP = 16
"""Pixels over which the estimates of neighbouring tiles are blended, on either side."""

MARGIN = 32
"""Pixels of surroundings that an estimate is made from."""

ALIGNMENT = 32
"""Windows start on multiples of this, so that their pyramids share one grid."""


class Box(NamedTuple):
    """A rectangle of a frame, half open, in pixels."""

    y0: int
    y1: int
    x0: int
    x1: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """The rectangle as slices of (Y, X)."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    @property
    def area(self) -> int:
        """Pixels of the rectangle."""
        return (self.y1 - self.y0) * (self.x1 - self.x0)

    def around(self, other: Box) -> Box:
        """Return the smallest box that holds both."""
        return Box(
            min(self.y0, other.y0),
            max(self.y1, other.y1),
            min(self.x0, other.x0),
            max(self.x1, other.x1),
        )

    def grown(self, by: int, shape: tuple[int, int]) -> Box:
        """Return the box with a rim, clipped to the frame.

        Parameters
        ----------
        by : int
            Width of the rim in pixels.
        shape : tuple of int
            (Y, X) of the frame.

        Returns
        -------
        Box
        """
        return Box(
            max(0, self.y0 - by),
            min(shape[0], self.y1 + by),
            max(0, self.x0 - by),
            min(shape[1], self.x1 + by),
        )

    def aligned(self, shape: tuple[int, int]) -> Box:
        """Return the smallest box around this one on the grid, clipped to the frame."""

        def up(value: int) -> int:
            return -(-value // ALIGNMENT) * ALIGNMENT

        return Box(
            self.y0 // ALIGNMENT * ALIGNMENT,
            min(shape[0], up(self.y1)),
            self.x0 // ALIGNMENT * ALIGNMENT,
            min(shape[1], up(self.x1)),
        )

    def inside(self, outer: Box) -> tuple[slice, slice]:
        """Return this box as slices of an array that covers ``outer``."""
        return (
            slice(self.y0 - outer.y0, self.y1 - outer.y0),
            slice(self.x0 - outer.x0, self.x1 - outer.x0),
        )

    def meets(self, other: Box) -> Box | None:
        """Return what two boxes share, None if nothing."""
        shared = Box(
            max(self.y0, other.y0),
            min(self.y1, other.y1),
            max(self.x0, other.x0),
            min(self.x1, other.x1),
        )
        return shared if shared.y0 < shared.y1 and shared.x0 < shared.x1 else None


class Mask(Protocol):
    """(C, Y, X) truth values that are cut like an array, and need not be one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sizes."""

    def __getitem__(self, at: tuple[slice, slice, slice], /) -> Any:
        """Return a part of it."""


BAND = 512
"""Rows of a frame that are looked at together where all of it has to be."""


def bands(shape: tuple[int, ...]) -> Iterator[Box]:
    """Yield bands of rows over all of a (C, Y, X) frame, from top to bottom."""
    for y in range(0, shape[1], BAND):
        yield Box(y, min(shape[1], y + BAND), 0, shape[2])


def lost_throughout(missing: Mask) -> npt.NDArray[np.bool_]:
    """Return which channels of a (C, Y, X) frame hold no observed pixel, (C,), boolean."""
    lost = [missing[(slice(None), *band.slices)].all((1, 2)) for band in bands(missing.shape)]
    return np.asarray(np.logical_and.reduce(lost))


def tiles_with_holes(missing: Mask, tile: int) -> Iterator[Box]:
    """Yield the tiles that hold missing pixels, row by row.

    Parameters
    ----------
    missing : numpy.ndarray or other Mask
        (C, Y, X), boolean.
    tile : int
        Side of a tile in pixels.

    Yields
    ------
    Box
    """
    height, width = missing.shape[1:]
    for y in range(0, height, tile):
        for x in range(0, width, tile):
            box = Box(y, min(height, y + tile), x, min(width, x + tile))
            if missing[(slice(None), *box.slices)].any():
                yield box


def hole_box(missing: Mask, region: Box) -> Box | None:
    """Return the bounding box of what is missing of a region, None if nothing is.

    Parameters
    ----------
    missing : numpy.ndarray or other Mask
        (C, Y, X), boolean.
    region : Box
        Part of the frame.

    Returns
    -------
    Box or None
    """
    hole = np.logical_or.reduce(missing[(slice(None), *region.slices)], axis=0)
    rows = np.flatnonzero(np.logical_or.reduce(hole, axis=1))
    columns = np.flatnonzero(np.logical_or.reduce(hole, axis=0))
    if not rows.size:
        return None
    return Box(
        region.y0 + int(rows[0]),
        region.y0 + int(rows[-1]) + 1,
        region.x0 + int(columns[0]),
        region.x0 + int(columns[-1]) + 1,
    )
