"""Which pixels of a frame are missing: eight to a byte, unpacked where they are looked at.

A frame may be larger than the memory, and booleans of it would be held several times over; so
nobody asks for more than a window or a band of rows of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_dualgland.typing import BoolArray, ByteArray


class PackedMask:
    """The mask of one frame; cut like an array.

    Parameters
    ----------
    shape : tuple of int
        (C, Y, X). Nothing is missing at first.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.bits: ByteArray = np.zeros((*shape[:2], -(-shape[2] // 8)), np.uint8)

    def put(self, first: int, rows: BoolArray, left: int = 0) -> None:
        """Set some rows, or a part of them.

        Parameters
        ----------
        first : int
            Number of the first of them.
        rows : numpy.ndarray
            (C, h, w), boolean.
        left : int
            First of their columns, a multiple of 8; those of the last byte are all set.
        """
        packed = np.packbits(rows, axis=2)
        start = left // 8
        self.bits[:, first : first + rows.shape[1], start : start + packed.shape[2]] = packed

    def clear(self) -> None:
        """Let nothing be missing."""
        self.bits[:] = 0

    def mark_all(self) -> None:
        """Let everything be missing."""
        self.bits[:] = 255

    def any(self) -> bool:
        """Tell whether a pixel is missing."""
        return bool(self.bits.any())

    def __getitem__(self, at: tuple[Any, slice, slice]) -> BoolArray:
        """Return a part of it, (c, h, w), that may be written to."""
        channels, rows, columns = at
        left, right, _ = columns.indices(self.shape[2])
        start = left // 8
        packed = self.bits[channels, rows, start : -(-right // 8)]
        # Unpacking gives zeros and ones of one byte: booleans already.
        whole = np.unpackbits(packed, axis=2, count=right - 8 * start).view(bool)
        return whole[:, :, left - 8 * start :]
