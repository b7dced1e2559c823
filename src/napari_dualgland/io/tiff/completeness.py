"""Whether all the pages and pixels are there that a TIFF announces, and belong to an image.

tifffile only logs the loss of pages, fills up what is lacking with zeros, and says nothing of
pages that nobody mentions.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import decoding
from napari_dualgland.io.lazy import page_name

if TYPE_CHECKING:
    import tifffile

_AGAIN = "fetch or export it again"


def check_complete(path: Path, tif: tifffile.TiffFile) -> list[str]:
    """Raise DualglandError if pages or pixels that the file announces are not there.

    Parameters
    ----------
    path : pathlib.Path
        For the message.
    tif : tifffile.TiffFile

    Returns
    -------
    list of str
        Notes: of pages that belong to no image, of parts of pages that are left out.

    Raises
    ------
    DualglandError
        If something is lacking; it names the file of a set that lacks it.
    """
    announced = (tif.imagej_metadata or {}).get("images", 1)
    if isinstance(announced, int) and len(tif.pages) < announced and _is_no_imagej(tif):
        found = f"the file is truncated, {len(tif.pages)} of {announced} planes are left"
        raise DualglandError(Kind.DAMAGED, path, found, way_out=_AGAIN)
    empty = total = 0
    for series in tif.series:
        with decoding(path, "TIFF"):  # pages are loaded when they are first looked at
            levels = [(level, [*level.pages]) for level in series.levels]
        expected = math.prod(series.get_shape(squeeze=False)) // max(series.keyframe.size, 1)
        there = sum(page is not None for page in levels[0][1])
        if series.dataoffset is not None:
            _within(path, series.keyframe, series.dataoffset + series.nbytes)
        elif there < expected:
            found = f"the file is truncated, {expected - there} of {expected} planes are not there"
            raise DualglandError(Kind.DAMAGED, path, found, way_out=_AGAIN)
        for level, pages in levels:
            for page in pages:
                if page is not None:
                    _check_alike(path, level.keyframe, page)
                    empty += _check_page(path, page, series.kind)
                    total += len(page.dataoffsets)
    notes = [f"{empty} of {total} strips or tiles hold nothing; they read as 0"] if empty else []
    with decoding(path, "TIFF"):
        aside = _aside(tif)
    if aside:
        which = ", ".join(map(str, aside[:6])) + (", …" if len(aside) > 6 else "")
        notes.append(f"{len(aside)} pages belong to no image and were left aside: {which}")
    return notes


def _is_no_imagej(tif: tifffile.TiffFile) -> bool:
    return not tif.series or tif.series[0].kind != "imagej"


def _check_alike(
    path: Path, first: tifffile.TiffPage, page: tifffile.TiffPage | tifffile.TiffFrame
) -> None:
    """Raise DualglandError if a file of a set has pages of another size or dtype."""
    own = page.keyframe
    if own is not None and (own.shape, own.dtype) != (first.shape, first.dtype):
        raise DualglandError(
            Kind.MISMATCH,
            page.parent.filehandle.path or path,
            f"is of size {own.shape} and dtype {own.dtype}",
            part=page_name(page),
            expected=f"{first.shape} and {first.dtype} as in {first.parent.filehandle.name}",
        )


def _check_page(path: Path, page: tifffile.TiffPage | tifffile.TiffFrame, kind: str) -> int:
    """Return how many parts of a page are left out on purpose."""
    keyframe = page.keyframe
    assert keyframe is not None  # a series has given it one
    with decoding(page.parent.filehandle.path or path, "TIFF", page_name(page)):
        expected = 1 if keyframe.is_contiguous else math.prod(keyframe.chunked)
    # A slide of Hamamatsu's holds one JPEG that is read as if it had tiles.
    if len(page.dataoffsets) < expected and keyframe.jpegheader is None:
        found = f"{expected - len(page.dataoffsets)} of {expected} strips or tiles are lacking"
        raise _damaged(path, page, found)
    segments = [
        (offset, count)
        for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False)
        if offset and count
    ]
    if len(segments) < len(page.dataoffsets) and kind == "mmstack":
        raise _damaged(path, page, "its pixels are not there")
    if keyframe.is_contiguous and segments:
        _within(path, page, segments[0][0] + keyframe.nbytes)
    elif segments:
        _within(path, page, max(offset + count for offset, count in segments))
    return len(page.dataoffsets) - len(segments)


def _within(path: Path, page: tifffile.TiffPage | tifffile.TiffFrame, end: int) -> None:
    lacking = end - page.parent.filehandle.size
    if lacking > 0:
        raise _damaged(path, page, f"the file is truncated, {lacking} bytes are lacking at its end")


def _damaged(
    path: Path, page: tifffile.TiffPage | tifffile.TiffFrame, found: str
) -> DualglandError:
    """Return the error that blames the file in which a page is."""
    place = page.parent.filehandle.path or path
    return DualglandError(Kind.DAMAGED, place, found, part=page_name(page), way_out=_AGAIN)


def _aside(tif: tifffile.TiffFile) -> list[int]:
    """Return the numbers, from 1, of the pages that no image has pixels in."""
    here = tif.filehandle.path
    used: set[int] = set()
    spans = []
    for series in tif.series:
        if series.dataoffset is not None:
            spans.append(range(series.dataoffset, series.dataoffset + series.nbytes))
        for level in series.levels:
            used |= {p.offset for p in level.pages if p and p.parent.filehandle.path == here}
    rest = [page for page in tif.pages if page.offset not in used]
    return [
        page.treeindex[0] + 1
        for page in rest
        if len(page.dataoffsets) and not any(page.dataoffsets[0] in span for span in spans)
    ]
