"""A TIFF whose pixels lie one after another, filled in any order and never held whole.

ImageJ and the simplest readers want it so. The file is made with room for all pixels; rows are
then put where they belong, and a full disk is an ordinary error, as it would not be of a file
that is mapped into memory.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_dualgland.io.frame_store import TILE, FrameStore


class RawTiff:
    """A file of planes.

    Parameters
    ----------
    path : pathlib.Path
        Made, or emptied.
    shape : tuple of int
        The last two are Y and X; the others number the planes.
    dtype : numpy.dtype
    **said
        What :func:`tifffile.imwrite` takes besides.
    """

    def __init__(
        self, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], **said: Any
    ) -> None:
        import tifffile

        self._shape, self._dtype = shape, np.dtype(dtype).newbyteorder("<")
        place = tifffile.imwrite(
            path,
            shape=shape,
            dtype=self._dtype,
            byteorder="<",
            photometric="minisblack",
            returnoffset=True,
            **said,
        )
        assert place is not None  # it is contiguous, for nothing is compressed
        self._start = int(place[0])
        self._file = path.open("r+b")

    def put(self, plane: int, store: FrameStore, c: int) -> None:
        """Put a channel where a plane belongs.

        Parameters
        ----------
        plane : int
            Its number in the file.
        store : FrameStore
        c : int
            Channel in it.
        """
        height, width = self._shape[-2:]
        self._file.seek(self._start + plane * height * width * self._dtype.itemsize)
        for row in range(0, height, TILE):
            self._file.write(_bytes(store[c, row, row + TILE], self._dtype))

    def close(self) -> None:
        """Put all on the disk."""
        self._file.close()


def _bytes(rows: npt.NDArray[Any], dtype: np.dtype[Any]) -> bytes:
    return np.ascontiguousarray(rows, dtype).tobytes()


def planes_before(shape: tuple[int, ...], at: tuple[int, ...]) -> int:
    """Return the number of a plane.

    Parameters
    ----------
    shape : tuple of int
        Lengths of the axes before Y and X.
    at : tuple of int
        Where along each of them.

    Returns
    -------
    int
    """
    return int(np.ravel_multi_index(at, shape)) if math.prod(shape) > 1 else 0
