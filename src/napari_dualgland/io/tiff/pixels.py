"""The pixels of an image of a TIFF, at once or lazily, if there is memory for them."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_dualgland.errors import DualglandError
from napari_dualgland.files import decoding
from napari_dualgland.io.lazy import as_dask, page_name
from napari_dualgland.io.photometric import intensities
from napari_dualgland.io.tiff.series import times
from napari_dualgland.memory import require

if TYPE_CHECKING:
    import dask.array as da
    import tifffile

log = logging.getLogger(__name__)


def pixels_of(
    path: Path, series: tifffile.TiffPageSeries, lazy: bool
) -> npt.NDArray[Any] | da.Array:
    """Return the intensities of a series, bright being high.

    Parameters
    ----------
    path : pathlib.Path
        For messages.
    series : tifffile.TiffPageSeries
    lazy : bool
        Decode them when they are asked for, where that is possible.

    Returns
    -------
    numpy.ndarray or dask.array.Array

    Raises
    ------
    DualglandError
        If they are too large, or damaged as far as they are decoded.
    """
    if lazy:
        planes = as_dask(series, series.shape)
        if planes is not None:
            promised: da.Array = intensities(planes, series)
            return promised
        log.warning("%s: colour planes are read at once, not lazily", path)
    pixels: npt.NDArray[Any] = intensities(decoded(path, series), series)
    return pixels


def decoded(path: Path, series: tifffile.TiffPageSeries) -> npt.NDArray[Any]:
    """Decode the numbers of a series as they are stored, if there is memory for it.

    Parameters
    ----------
    path : pathlib.Path
        For messages.
    series : tifffile.TiffPageSeries

    Returns
    -------
    numpy.ndarray
        In the byte order of the machine.

    Raises
    ------
    DualglandError
        If it is too large or damaged.
    """
    dtype = np.dtype(series.dtype)
    stored = dtype.newbyteorder(series.keyframe.parent.byteorder)
    copies = 1 if stored.isnative else 2
    keyframe = series.keyframe
    segment = 0 if keyframe.is_contiguous else math.prod(keyframe.chunks) * dtype.itemsize
    require(copies * series.nbytes + segment, path, f"{times(series.shape)} pixels of {dtype}")
    try:
        with decoding(path, "TIFF"):
            array = series.asarray()
    except DualglandError:
        _blame_page(path, series)
        raise
    return np.asarray(array).astype(array.dtype.newbyteorder("="), copy=False)


def _blame_page(path: Path, series: tifffile.TiffPageSeries) -> None:
    """Raise DualglandError for the first page that cannot be decoded, in the file that it is in."""
    for page in series.pages:
        if page is not None:
            handle = page.parent.filehandle
            with decoding(handle.path or path, "TIFF", page_name(page)):
                if handle.closed:
                    handle.open()
                page.asarray()
