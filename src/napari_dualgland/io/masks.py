"""Masks that a person has drawn or another program has made: non-zero is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_dualgland.errors import DualglandError
from napari_dualgland.io.pictures import is_picture, one_channel, read_picture
from napari_dualgland.io.tiff import check_complete, is_tiff, opened


def read_mask(path: str | Path) -> npt.NDArray[Any]:
    """Read a mask as the raw array that the file holds.

    Parameters
    ----------
    path : str or pathlib.Path
        ``.tif``, ``.tiff``, ``.ome.tif``, ``.png`` or ``.npy``.

    Returns
    -------
    numpy.ndarray
        (Y, X), (C, Y, X) or with the axes of a stack; bool, integers or floats, non-zero
        where missing. Whether it fits a stack is for ``missing.match_mask`` to say.

    Raises
    ------
    DualglandError
        If the file is missing, empty, damaged, or no mask by its dtype or dimensions.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise DualglandError(f"{path}: no such mask file")
    if path.stat().st_size == 0:
        raise DualglandError(f"{path}: the mask file is empty (0 bytes)")
    if path.suffix.lower() == ".npy":
        mask = _read_npy(path)
    elif is_tiff(path):
        with opened(path) as tif:
            check_complete(path, tif)
            mask = np.asarray(tif.series[0].asarray())
    elif is_picture(path):
        mask = _read_picture_mask(path)
    else:
        raise DualglandError(f"{path}: a mask is a .tif, .png or .npy file")
    if mask.dtype.kind not in "buif" or mask.ndim < 2 or 0 in mask.shape:
        raise DualglandError(
            f"{path}: {mask.dtype} of shape {mask.shape} is no mask; it takes (Y, X) or (C, Y, X)"
        )
    return mask


def _read_npy(path: Path) -> npt.NDArray[Any]:
    try:
        # A pickle can run code; a mask never needs one.
        return np.asarray(np.load(path, allow_pickle=False))
    except (ValueError, EOFError, OSError) as error:
        raise DualglandError(f"{path}: is no plain NumPy array ({error})") from error


def _read_picture_mask(path: Path) -> npt.NDArray[Any]:
    single = one_channel(read_picture(path))
    if single is None:
        raise DualglandError(f"{path}: a coloured picture is no mask; save it in grey")
    return np.asarray(single.data)
