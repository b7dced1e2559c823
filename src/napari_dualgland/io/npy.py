"""Plain NumPy files: their header is read before their numbers.

A header of 100 bytes can claim a terabyte, or Python objects, which could run code.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import decoding
from napari_dualgland.memory import require
from napari_dualgland.typing import AnyArray

_WHAT = "plain NumPy array"


def read_npy(path: Path) -> AnyArray:
    """Read a ``.npy`` file.

    Raises
    ------
    DualglandError
        If it is no NumPy file or a damaged one, claims more than it holds or than fits into
        memory, or holds Python objects.
    """
    with decoding(path, _WHAT), path.open("rb") as file:
        version = npy.read_magic(file)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read_header(file)
        begin = file.tell()
    if dtype.hasobject:
        raise DualglandError(
            Kind.WRONG_CONTENT, path, f"Python objects, no {_WHAT}", expected="numbers"
        )
    nbytes = math.prod(shape) * dtype.itemsize
    require(3 * nbytes, path)
    held = path.stat().st_size - begin
    if held < nbytes or min(shape, default=0) < 0:
        found = f"claims {nbytes} bytes of shape {shape} and holds {held}: no whole {_WHAT}"
        raise DualglandError(Kind.DAMAGED, path, found, way_out="save it again")
    with decoding(path, _WHAT):
        return np.asarray(np.load(path, allow_pickle=False))
