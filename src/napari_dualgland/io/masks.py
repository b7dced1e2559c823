"""Masks and labels that a person has drawn or another program has made.

In a mask, what is not zero is missing; labels number the cells.
"""

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
    mask = _read_plain(path, "mask")
    if mask.dtype.kind not in "buif" or mask.ndim < 2 or 0 in mask.shape:
        raise DualglandError(
            f"{path}: {mask.dtype} of shape {mask.shape} is no mask; it takes (Y, X) or (C, Y, X)"
        )
    return mask


def read_labels(path: str | Path) -> npt.NDArray[Any]:
    """Read the labels of cells, as Cellpose, StarDist or this program writes them.

    Parameters
    ----------
    path : str or pathlib.Path
        ``.tif``, ``.tiff``, ``.ome.tif``, ``.png`` or ``.npy``.

    Returns
    -------
    numpy.ndarray
        (Y, X) or with the axes of a stack less ``C``; integers, 0 for background. Whether
        they fit a stack is for :func:`napari_dualgland.localize` to say.

    Raises
    ------
    DualglandError
        If the file is missing, empty, damaged, or holds no whole numbers.
    """
    path = Path(path).expanduser()
    labels = _read_plain(path, "file of labels")
    if labels.dtype.kind == "f" and np.array_equal(labels, np.rint(labels)):
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "bui" or labels.ndim < 2 or 0 in labels.shape:
        raise DualglandError(
            f"{path}: {labels.dtype} of shape {labels.shape} are no labels of cells; they are "
            "whole numbers in (Y, X), 0 for background"
        )
    return labels


def _read_plain(path: Path, what: str) -> npt.NDArray[Any]:
    """Return the one array that a file holds."""
    if not path.is_file():
        raise DualglandError(f"{path}: no such {what}" + (" file" if what == "mask" else ""))
    if path.stat().st_size == 0:
        raise DualglandError(f"{path}: the {what} is empty (0 bytes)")
    if path.suffix.lower() == ".npy":
        return _read_npy(path)
    if is_tiff(path):
        with opened(path) as tif:
            check_complete(path, tif)
            return np.asarray(tif.series[0].asarray())
    if is_picture(path):
        return _read_picture(path, what)
    raise DualglandError(f"{path}: a {what} is a .tif, .png or .npy file")


def _read_npy(path: Path) -> npt.NDArray[Any]:
    try:
        # A pickle can run code; neither a mask nor labels need one.
        return np.asarray(np.load(path, allow_pickle=False))
    except (ValueError, EOFError, OSError) as error:
        raise DualglandError(f"{path}: is no plain NumPy array ({error})") from error


def _read_picture(path: Path, what: str) -> npt.NDArray[Any]:
    single = one_channel(read_picture(path))
    if single is None:
        raise DualglandError(f"{path}: a coloured picture is no {what}; save it in grey")
    return np.asarray(single.data)
