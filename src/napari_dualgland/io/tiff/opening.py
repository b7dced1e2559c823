"""A TIFF that is open: looked through beforehand, so that no library waits or swells on it."""

from __future__ import annotations

import gzip
import io
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import decoding, regular
from napari_dualgland.io.tiff.described import Described, described
from napari_dualgland.io.tiff.pages import Survey, survey, survey_file
from napari_dualgland.memory import in_words, require

if TYPE_CHECKING:
    import tifffile

GZIP_LIMIT = 2**30
"""No channel of a field is larger; a gzip that swells beyond it is refused, not unpacked."""
_GZIP_STEP = 2**24
_BY_TEXT = ("shaped", "ome", "imagej", "micromanager", "mmstack", "ndtiff", "fluoview", "scanimage")
"""Kinds of TIFF whose order of planes is told by text, and not by the pages."""
_OBJECT = re.compile(r"<[^>]*>\s*")


@dataclass(frozen=True)
class OpenTiff:
    """An open TIFF and what was found out about it on the way.

    Attributes
    ----------
    tif : tifffile.TiffFile
        Its series and what ImageJ and tifffile say in it are read already.
    pages : Survey
        Of the file itself.
    described : Described
        Its OME-XML and the files that it names.
    notes : tuple of str
        What a person should know: what was left out and why.
    """

    tif: tifffile.TiffFile
    pages: Survey
    described: Described
    notes: tuple[str, ...]


def is_tiff(path: Path) -> bool:
    """Whether a file is a TIFF by its name or its first bytes."""
    if is_gzip(path) or path.name.lower().endswith((".tif", ".tiff")):
        return True
    with decoding(path), regular(path).open("rb") as file:
        return file.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def is_gzip(path: Path) -> bool:
    """Whether a file is a gzipped TIFF by its name."""
    return path.name.lower().endswith((".tif.gz", ".tiff.gz"))


@contextmanager
def opened(path: Path) -> Iterator[tifffile.TiffFile]:
    """Open a TIFF, gzipped or not, as :func:`examined` does; its series are read already."""
    with examined(path) as found:
        yield found.tif


@contextmanager
def examined(path: Path) -> Iterator[OpenTiff]:
    """Look through a TIFF and open it.

    Parameters
    ----------
    path : pathlib.Path
        Gzipped or not.

    Yields
    ------
    OpenTiff
        What is done with it is not watched: whoever decodes pixels says so with
        :func:`~napari_dualgland.files.decoding`.

    Raises
    ------
    DualglandError
        If there is no such regular file, it is no TIFF or a damaged one, it has more pages
        than an image has, or a file that belongs to it is lacking or damaged.
    """
    regular(path, "TIFF")
    packed = is_gzip(path)
    source = _unpacked(path) if packed else path
    pages = survey_file(path) if isinstance(source, Path) else survey(path, source)
    told = described(path, pages.description, len(pages.offsets), alone=packed)
    for neighbour in _neighbours(path):
        regular(neighbour, "part of a Micro-Manager stack")
    flags: dict[str, Any] = {"omexml": told.xml} if told.xml else {"is_ome": False}
    notes: tuple[str, ...] = told.notes
    try:
        tif, said = _opened(path, source, flags)
    except DualglandError as error:
        if error.kind is not Kind.DAMAGED:
            raise
        # Is it the pages that are odd, or what is said of them?
        tif, said = _opened(path, source, {f"is_{kind}": False for kind in _BY_TEXT})
        why = " ".join(repr(error.__cause__).split())[:120]
        notes += (f"what it says of its planes makes no sense ({why}); it is left out",)
        told = Described(files=told.files)
    with tif:
        if told.xml and tif.series and tif.series[0].kind != "ome":
            notes += ("its OME-XML does not say which page is which plane",)
        yield OpenTiff(tif, pages, told, (*notes, *said))


def _opened(
    path: Path, source: Path | io.BytesIO, flags: dict[str, Any]
) -> tuple[tifffile.TiffFile, list[str]]:
    """Open a TIFF and read all that may fail in it but the pixels; also what tifffile remarks."""
    import tifffile

    with decoding(path, "TIFF"), _remarks() as said:
        if not isinstance(source, Path):
            source.seek(0)
        tif = tifffile.TiffFile(source, **flags)
        try:
            # All these are worked out once and kept.
            _ = tif.imagej_metadata, tif.shaped_metadata
            for series in tif.series:
                _ = series.dataoffset, series.keyframe.chunks
        except BaseException:
            tif.close()
            raise
    return tif, said


@contextmanager
def _remarks() -> Iterator[list[str]]:
    """Collect what tifffile only logs: pages that it leaves out, tags that it cannot read."""
    said: dict[str, None] = {}
    here = threading.get_ident()

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == here and len(said) < 5:
                said[" ".join(_OBJECT.sub("", record.getMessage()).split())[:200]] = None

    collector, logger = Collector(logging.WARNING), logging.getLogger("tifffile")
    remarks: list[str] = []
    logger.addHandler(collector)
    try:
        yield remarks
    finally:
        logger.removeHandler(collector)
        remarks += [f"tifffile remarks: {remark}" for remark in said]


def _neighbours(path: Path) -> Iterator[Path]:
    """Yield files that tifffile opens unasked, by their names, beside one of Micro-Manager."""
    prefix, mark, _ = path.name.partition("_MMStack")
    if mark:
        for neighbour in path.parent.iterdir():
            if neighbour.name.startswith(prefix + mark) and neighbour.name.endswith(".tif"):
                yield neighbour
    if (index := path.parent / "NDTiff.index").exists():
        yield index


def _unpacked(path: Path) -> io.BytesIO:
    content = io.BytesIO()
    with gzip.open(path) as file:
        while True:
            with decoding(path, "gzip"):
                more = file.read(_GZIP_STEP)
            if not more:
                break
            require(2 * (content.tell() + len(more)), path)
            content.write(more)
            if content.tell() > GZIP_LIMIT:
                raise DualglandError(
                    Kind.TOO_LARGE,
                    path,
                    f"unpacks to more than {in_words(GZIP_LIMIT)}",
                    expected="one channel of a field",
                    way_out="unpack it, if it is sound",
                )
    content.seek(0)
    return content
