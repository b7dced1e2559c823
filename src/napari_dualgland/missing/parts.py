"""The parts in which a large frame is searched: as large as a field, and overlapping.

A search takes some 60 bytes for each pixel of four channels, so a mosaic is not searched as
a whole. Each part keeps its core alone, and has seen more around it than any window is wide.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

WHOLE = 3072**2
"""Pixels; a plane of no more is searched as a whole."""
PART = 2304
"""Side of a part in pixels."""
MARGIN = 264
"""Pixels around its core that a part sees, at least."""
STEP = 24
"""Parts begin and end on multiples of this: of a byte of a packed mask, and of any period
of a coder's blocks, so that a grid is known by the same numbers in all of them."""

Slices = tuple[slice, slice]


def is_large(shape: tuple[int, ...]) -> bool:
    """Tell whether a frame, (…, Y, X), is searched in parts."""
    return shape[-2] * shape[-1] > WHOLE


def parts(shape: tuple[int, ...]) -> Iterator[tuple[Slices, Slices, Slices]]:
    """Yield the parts of a frame, row by row.

    Parameters
    ----------
    shape : tuple of int
        (…, Y, X).

    Yields
    ------
    outer, inner, core
        Where the part lies in the frame, its core in the part, and its core in the frame.
    """
    for (y, h), (x, w) in product(_along(shape[-2]), _along(shape[-1])):
        inner = (_moved(h, -y.start), _moved(w, -x.start))
        yield (y, x), inner, (h, w)


def _along(side: int) -> Iterator[tuple[slice, slice]]:
    """Yield part and core along one axis."""
    count = 1 if side <= PART else -(-side // (PART - 2 * MARGIN))
    core = _up(-(-side // count))
    last = _up(max(0, side - PART))
    for first in range(0, side, core):
        start = min(max(0, first - MARGIN), last)
        yield slice(start, min(side, start + PART)), slice(first, min(side, first + core))


def _up(pixels: int) -> int:
    return -(-pixels // STEP) * STEP


def _moved(where: slice, by: int) -> slice:
    return slice(where.start + by, where.stop + by)
