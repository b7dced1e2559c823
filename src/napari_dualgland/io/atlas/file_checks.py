"""Checks of downloaded files: nothing that came over the network is trusted before it is read.

A server that is overloaded, moved or hostile answers with an error page, half a file, or one
that swells to fill the memory; each is told apart before the file gets its name.
"""

from __future__ import annotations

import gzip
import math
import warnings
import zlib
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import tifffile
from PIL import Image, UnidentifiedImageError

from napari_dualgland import memory
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.pictures import one_channel, read_picture
from napari_dualgland.io.tiff import opened, read_tiff
from napari_dualgland.stack import Stack

_T = TypeVar("_T")

MAX_PIXELS = 2**26
"""Twice 5,800 pixels squared; the fields of the atlas are of 800 to 3,072 squared."""
MAX_UNPACKED = 2**28
"""Bytes of a TIFF when it is unpacked: 16 bits of so many pixels, twice."""
_MAX_PAGES = 64
"""Of a TIFF of one channel: an image and what it holds at lower resolutions."""


class WrongContent(DualglandError):
    """The file is something else than was asked for; to ask again would not help."""


class Damaged(DualglandError):
    """The file is of the right kind but not whole; it may be whole the next time."""


def check_jpeg(path: Path) -> None:
    """Decode a JPEG of one channel.

    Raises
    ------
    WrongContent
        If it is no JPEG, too large for a field of view, or a picture of several channels.
    Damaged
        If it is truncated or cannot be decoded.
    """
    _check_start(path, b"\xff\xd8\xff", "a JPEG")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=["JPEG"]) as picture:
                _check_size(path, *picture.size)
    except Image.DecompressionBombError as error:
        raise WrongContent(Kind.TOO_LARGE, path.name, str(error)) from error
    # What Pillow raises on a damaged header has no common base.
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, OverflowError) as error:
        if isinstance(error, WrongContent):
            raise
        raise _damaged(path, "the JPEG is damaged or truncated") from error
    _require_one_channel(path, _decoded(path, read_picture, "JPEG"))


def check_tiff(path: Path) -> None:
    """Unpack and decode a gzipped TIFF of one channel.

    Raises
    ------
    WrongContent
        If it is no gzipped TIFF, or too large for a field of view.
    Damaged
        If it is truncated or cannot be decoded.
    """
    check_gzip(path)
    try:
        with gzip.open(path) as file:
            start = file.read(4)
            size = len(start)
            while chunk := file.read(2**20):
                size += len(chunk)
                if size > MAX_UNPACKED:
                    raise _too_large(path, size)
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, "the gzip is damaged or truncated") from error
    if start not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        raise WrongContent(Kind.WRONG_CONTENT, path.name, "is no TIFF")
    width, height, size = _decoded(path, _claims, "TIFF")
    _check_size(path, width, height)
    if size > MAX_UNPACKED:
        raise _too_large(path, size)
    try:
        memory.require(2 * size, path.name)
    except DualglandError as error:
        raise WrongContent(error.kind, path.name, error.found) from error
    _require_one_channel(path, _decoded(path, read_tiff, "TIFF"))


def _claims(path: Path) -> tuple[int, int, int]:
    """Return how wide and high the largest image is said to be, and the bytes of all of them.

    Whatever the file says is its image, be it another page or all of them, is among these.
    """
    with opened(path) as tif:
        pages: list[Any] = list(islice(tif.pages, _MAX_PAGES + 1))
        if len(pages) > _MAX_PAGES:
            found = f"holds more than {_MAX_PAGES} pages"
            raise WrongContent(Kind.WRONG_CONTENT, path.name, found)
        sizes = [(page.imagewidth, page.imagelength, _bytes_of(page)) for page in pages]
        series = [math.prod(s.shape) * (s.dtype.itemsize if s.dtype else 8) for s in tif.series]
    width, height, _ = max(sizes, key=lambda size: size[0] * size[1])
    return width, height, max(sum(size[2] for size in sizes), sum(series))


def _bytes_of(page: tifffile.TiffPage) -> int:
    size = 8 if page.dtype is None else page.dtype.itemsize
    return math.prod(page.shape) * size


def _decoded(path: Path, decode: Callable[[Path], _T], what: str) -> _T:
    """Return what a file holds; refuse for good what would be no better the next time."""
    try:
        return decode(path)
    except WrongContent:
        raise
    except MemoryError as error:
        raise WrongContent(Kind.TOO_LARGE, path.name, "needs more memory than there is") from error
    except DualglandError as error:
        if getattr(error, "kind", None) in (Kind.TOO_LARGE, Kind.UNSUPPORTED):
            raise WrongContent(error.kind, path.name, error.found) from error
        raise _damaged(path, f"the {what} is damaged or truncated") from error


def _require_one_channel(path: Path, stack: Stack) -> None:
    if one_channel(stack) is None:
        found = "shows several channels, not one"
        raise WrongContent(Kind.WRONG_CONTENT, path.name, found)


def _damaged(path: Path, found: str) -> Damaged:
    return Damaged(Kind.DAMAGED, path.name, found)


def _too_large(path: Path, size: int) -> WrongContent:
    return WrongContent(Kind.TOO_LARGE, path.name, f"unpacks to more than {megabytes(size)}")


def check_gzip(path: Path) -> None:
    """Look whether a file begins as gzip does; raise WrongContent if not."""
    _check_start(path, b"\x1f\x8b", "gzip")


def check_zip(path: Path) -> None:
    """Look whether a file begins as a zip archive does; raise WrongContent if not."""
    _check_start(path, b"PK\x03\x04", "a zip archive")


def check_not_html(path: Path) -> None:
    """Raise WrongContent for a web page, as which many a server sends its errors."""
    with path.open("rb") as file:
        head = file.read(512).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html")):
        found = "is a web page, an error perhaps; not what was asked for"
        raise WrongContent(Kind.WRONG_CONTENT, path.name, found)


def megabytes(size: float) -> str:
    """Return a size for people."""
    return f"{size / 2**20:,.1f} MB"


def _check_start(path: Path, magic: bytes, what: str) -> None:
    check_not_html(path)
    with path.open("rb") as file:
        head = file.read(len(magic))
    if not head:
        raise _damaged(path, "the file is empty (0 bytes)")
    if not magic.startswith(head):
        found = f"is not {what}, whatever its name says"
        raise WrongContent(Kind.WRONG_CONTENT, path.name, found)
    if head != magic:
        raise _damaged(path, "the file is truncated")


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        found = f"claims {width} × {height} pixels; no field of view is that large"
        raise WrongContent(Kind.TOO_LARGE, path.name, found)
