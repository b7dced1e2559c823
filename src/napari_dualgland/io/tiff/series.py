"""Which image of a TIFF is read, what its axes are called, and what a pixel is made of."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.stack import CANONICAL_AXES

if TYPE_CHECKING:
    import tifffile

_RGB = ("red", "green", "blue")
COLOURS = frozenset({_RGB, (*_RGB, "alpha"), ("grey", "alpha")})
"""Names of the channels of a picture whose pixels hold several samples."""
_RGB_PHOTOMETRIC = (2, 6)  # as it is, or as JPEG stores it
_ALPHA = (1, 2)  # of extra samples; 0 is whatever


def own_series(path: Path, tif: tifffile.TiffFile) -> tifffile.TiffPageSeries:
    """Return the first series that has a plane in the file that was asked for.

    Every file of a set of several positions describes them all.

    Parameters
    ----------
    path : pathlib.Path
    tif : tifffile.TiffFile

    Returns
    -------
    tifffile.TiffPageSeries

    Raises
    ------
    DualglandError
        If there is no image, no pixel in it, or pixels of a kind that is not read.
    """
    import tifffile

    if not tif.series:
        raise DualglandError(Kind.EMPTY, path, "the TIFF holds no image")
    series = next((s for s in tif.series if _is_in(path, s)), tif.series[0])
    shape = series.get_shape(squeeze=False)
    if 0 in shape:
        found = f"the image is empty ({times(shape)}); there is no pixel to read"
        raise DualglandError(Kind.EMPTY, path, found)
    keyframe, found = series.keyframe, ""
    if keyframe.dtype is None:
        found = f"pixels of {keyframe.bitspersample} bits, sample format {keyframe.sampleformat}"
    elif keyframe.compression not in tifffile.TIFF.DECOMPRESSORS:
        found = f"compression {keyframe.compression!r}"
    if found:
        raise DualglandError(
            Kind.UNSUPPORTED, path, f"holds {found}, which cannot be read", way_out="convert it"
        )
    return series


def _is_in(path: Path, series: tifffile.TiffPageSeries) -> bool:
    return any(
        page is not None and os.path.abspath(page.parent.filehandle.path) == os.path.abspath(path)
        for page in series.pages
    )


def named_axes(path: Path, series: tifffile.TiffPageSeries) -> tuple[str, list[str]]:
    """Return the axes of a series in our letters, and what had to be taken on trust.

    Parameters
    ----------
    path : pathlib.Path
        For the message.
    series : tifffile.TiffPageSeries

    Returns
    -------
    axes : str
    notes : list of str

    Raises
    ------
    DualglandError
        If more than one axis has no name.
    """
    axes = str(series.axes)
    unnamed = [a for a in axes if a not in CANONICAL_AXES]
    if not unnamed:
        return axes, []
    if len(unnamed) > 1 or "C" in axes:
        raise DualglandError(
            Kind.UNSUPPORTED,
            path,
            f"axes {axes} of size {times(series.shape)} are not some of T, Z, C, Y, X",
            part="axes",
            way_out="save it as OME-TIFF with named axes",
        )
    if unnamed == ["S"]:
        return axes.replace("S", "C"), []
    count = series.shape[axes.index(unnamed[0])]
    note = f"the file does not say what its {count} planes are; they are taken as channels"
    return axes.replace(unnamed[0], "C"), [note]


def components(page: tifffile.TiffPage) -> tuple[str, ...]:
    """Return the names of the samples of a pixel; none where they are channels of their own."""
    colours = _RGB if page.photometric in _RGB_PHOTOMETRIC else ("grey",)
    extra = tuple(page.extrasamples or ())
    if len(extra) == 1 and extra[0] in _ALPHA:
        colours = (*colours, "alpha")
    several = len(colours) == page.samplesperpixel > 1
    return colours if several else ()


def times(shape: tuple[int, ...]) -> str:
    """Return a size as a person reads it."""
    return " × ".join(map(str, shape))
