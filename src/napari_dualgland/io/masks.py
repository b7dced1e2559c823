"""Masks and labels that a person has drawn or another program has made.

In a mask, what is not zero is missing; labels number the cells.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_dualgland.errors import DualglandError
from napari_dualgland.io.pictures import is_picture, one_channel, read_picture
from napari_dualgland.io.tiff import check_complete, decoded, is_tiff, opened
from napari_dualgland.mask import Mask
from napari_dualgland.stack import CANONICAL_AXES
from napari_dualgland.typing import AnyArray


def read_mask(path: str | Path) -> Mask:
    """Read a mask.

    Parameters
    ----------
    path : str or pathlib.Path
        ``.tif``, ``.tiff``, ``.ome.tif``, ``.png`` or ``.npy``.

    Returns
    -------
    Mask
        (Y, X), (C, Y, X) or with the axes of a stack, named where the file names them; bool,
        integers or floats, non-zero where missing. :meth:`.Mask.fitted` says whether it fits.

    Raises
    ------
    DualglandError
        If the file is missing, empty, damaged, or no mask by its dtype or dimensions.
    """
    path = Path(path).expanduser()
    mask, axes = _read_plain(path, "mask")
    if mask.dtype.kind not in "buif" or mask.ndim < 2 or 0 in mask.shape:
        raise DualglandError(
            f"{path}: {mask.dtype} of shape {mask.shape} is no mask; it takes (Y, X) or (C, Y, X)"
        )
    return Mask(mask, axes, name=str(path))


def read_labels(path: str | Path) -> Mask:
    """Read the labels of cells, as Cellpose, StarDist or this program writes them.

    Parameters
    ----------
    path : str or pathlib.Path
        ``.tif``, ``.tiff``, ``.ome.tif``, ``.png`` or ``.npy``.

    Returns
    -------
    Mask
        (Y, X) or with the axes of a stack less ``C``; integers, 0 for background.
        :meth:`.Mask.labels` says whether they fit a stack.

    Raises
    ------
    DualglandError
        If the file is missing, empty, damaged, or holds no whole numbers.
    """
    path = Path(path).expanduser()
    labels, axes = _read_plain(path, "file of labels")
    if labels.dtype.kind == "f" and np.array_equal(labels, np.rint(labels)):
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "bui" or labels.ndim < 2 or 0 in labels.shape:
        raise DualglandError(
            f"{path}: {labels.dtype} of shape {labels.shape} are no labels of cells; they are "
            "whole numbers in (Y, X), 0 for background"
        )
    return Mask(labels, axes, name=str(path))


def _read_plain(path: Path, what: str) -> tuple[AnyArray, str | None]:
    """Return the one array that a file holds, and its axes where the file names them."""
    if not path.is_file():
        raise DualglandError(f"{path}: no such {what}" + (" file" if what == "mask" else ""))
    if path.stat().st_size == 0:
        raise DualglandError(f"{path}: the {what} is empty (0 bytes)")
    if path.suffix.lower() == ".npy":
        return _read_npy(path), None
    if is_tiff(path):
        with opened(path) as tif:
            check_complete(path, tif)
            series = tif.series[0]
            axes = str(series.axes)
            return decoded(path, series), axes if set(axes) <= set(CANONICAL_AXES) else None
    if is_picture(path):
        return _read_picture(path, what), None
    raise DualglandError(f"{path}: a {what} is a .tif, .png or .npy file")


def _read_npy(path: Path) -> AnyArray:
    try:
        # A pickle can run code; neither a mask nor labels need one.
        return np.asarray(np.load(path, allow_pickle=False))
    except (ValueError, EOFError, OSError) as error:
        raise DualglandError(f"{path}: is no plain NumPy array ({error})") from error


def _read_picture(path: Path, what: str) -> AnyArray:
    single = one_channel(read_picture(path))
    if single is None:
        raise DualglandError(f"{path}: a coloured picture is no {what}; save it in grey")
    return np.asarray(single.data)
