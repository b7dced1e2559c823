"""What the stored numbers of a TIFF mean: black on white, or the colours of a palette.

tifffile gives numbers as they are stored. In an image that says *WhiteIsZero* the brightest
pixel is 0, and in one with a palette the numbers point to colours. ImageJ is the exception:
it marks an inverted or coloured display in this way and stores intensities all the same; so
does OME with palettes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.typing import AnyArray

if TYPE_CHECKING:
    from tifffile import TiffPageSeries

INVERTED = "the file says that white is 0 (WhiteIsZero); it was turned so that bright is high"
MAPPED = "the file stores numbers of a grey palette; the greys were taken"


def is_white_zero(series: TiffPageSeries) -> bool:
    """Whether the brightest value of an image is stored as 0."""
    from tifffile import PHOTOMETRIC

    page = series.keyframe
    stored = page.photometric == PHOTOMETRIC.MINISWHITE and not page.parent.is_imagej
    return stored and np.dtype(series.dtype).kind in "bui"


def is_bits_of_tifffile(series: TiffPageSeries) -> bool:
    """Whether these are booleans that tifffile wrote: it says WhiteIsZero of all of them."""
    page = series.keyframe
    by_tifffile = page.software.startswith("tifffile") or bool(page.parent.is_shaped)
    return np.dtype(series.dtype).kind == "b" and by_tifffile


def inverted(stored: Any, series: TiffPageSeries) -> Any:
    """Return numbers of which white is 0 with black as 0, within the bits of a pixel.

    Parameters
    ----------
    stored : numpy.ndarray or dask.array.Array
    series : tifffile.TiffPageSeries
        Which says how many bits a pixel has.

    Returns
    -------
    numpy.ndarray or dask.array.Array
        Of the same dtype.
    """
    dtype = np.dtype(stored.dtype)
    # All bits turned are the largest less the number, for signed numbers too.
    return stored ^ dtype.type(2 ** _bits(series) - 1) if dtype.kind == "u" else ~stored


def intensities(stored: Any, series: TiffPageSeries) -> Any:
    """Return what the stored numbers of an image stand for, bright being high.

    Parameters
    ----------
    stored : numpy.ndarray or dask.array.Array
        As tifffile gives them.
    series : tifffile.TiffPageSeries
        Where they are from.

    Returns
    -------
    numpy.ndarray or dask.array.Array
        Lazy where ``stored`` is.

    Raises
    ------
    DualglandError
        If they point to colours that are no shades of one.
    """
    if is_white_zero(series):
        return inverted(stored, series)
    if not _has_palette(series):
        return stored
    shades = _shades(series)
    if isinstance(stored, np.ndarray):
        return shades[stored]
    return stored.map_blocks(_look_up, shades, dtype=shades.dtype)


def photometric_notes(series: TiffPageSeries) -> list[str]:
    """Return what a person should know of how :func:`intensities` read an image."""
    if is_white_zero(series):
        return [INVERTED]
    return [MAPPED] if _has_palette(series) else []


def _bits(series: TiffPageSeries) -> int:
    bits = series.keyframe.bitspersample
    return int(max(bits) if isinstance(bits, tuple) else bits)


def _has_palette(series: TiffPageSeries) -> bool:
    from tifffile import PHOTOMETRIC

    page = series.keyframe
    is_palette = page.photometric == PHOTOMETRIC.PALETTE and page.colormap is not None
    return is_palette and not (page.parent.is_imagej or page.parent.is_ome)


def _shades(series: TiffPageSeries) -> AnyArray:
    """Return the brightness of every number of a palette of greys, or of shades of one colour."""
    table = np.asarray(series.keyframe.colormap)
    lit = [component for component in table if component.any()]
    if any(not np.array_equal(lit[0], other) for other in lit[1:]):
        raise DualglandError(
            Kind.UNSUPPORTED,
            str(series.keyframe.parent.filehandle.path),
            "its numbers point to the colours of a palette; they are no intensities",
            way_out="save it in grey, or as one channel per colour",
        )
    shades: AnyArray = lit[0] if lit else table[0]
    # Colours of a palette have 16 bits, of which most programs use 8.
    for step in (257, 256):
        if not (shades % step).any():
            shades = shades // step
    return shades.astype(np.uint8 if shades.max() < 256 else np.uint16)


def _look_up(numbers: AnyArray, shades: AnyArray) -> AnyArray:
    looked_up: AnyArray = shades[numbers]
    return looked_up
