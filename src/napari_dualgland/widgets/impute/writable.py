"""Refuse, before minutes of work, what no result could be written of."""

from __future__ import annotations

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.stack import Stack

_KINDS = {"u": (1, 2, 4), "i": (1, 2, 4), "f": (4, 8)}
"""Bytes of the numbers that OME-TIFF has a name for, by numpy's letter of the kind."""


def refuse_unwritable(stack: Stack) -> None:
    """Raise DualglandError where the pixels are numbers that no file of ours can hold."""
    dtype = stack.dtype
    if dtype.itemsize not in _KINDS.get(dtype.kind, ()):
        raise DualglandError(
            Kind.UNSUPPORTED,
            stack.where,
            f"its pixels are {dtype}, which OME-TIFF cannot hold",
            expected="integers of 8, 16 or 32 bits, or float32 or float64",
            way_out="convert the layers first (Layers ▸ Convert data type)",
        )
