"""Checks of downloaded files: nothing that came over the network is trusted before it is read.

A server that is overloaded, moved or hostile answers with an error page, half a file, or one
that swells to fill the memory; each is told apart before the file gets its name.
"""

from __future__ import annotations

import gzip
import warnings
import zlib
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from napari_dualgland.errors import DualglandError
from napari_dualgland.io.pictures import one_channel, read_picture
from napari_dualgland.io.tiff import opened, read_tiff

MAX_PIXELS = 2**26
"""Twice 5,800 pixels squared; the fields of the atlas are of 800 to 3,072 squared."""
MAX_UNPACKED = 2**28
"""Bytes of a TIFF when it is unpacked: 16 bits of so many pixels, twice."""


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
        raise WrongContent(f"{path.name}: {error}") from error
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise Damaged(f"{path.name}: the JPEG is damaged or truncated") from error
    try:
        stack = read_picture(path)
    except DualglandError as error:
        raise Damaged(f"{path.name}: the JPEG is damaged or truncated") from error
    if one_channel(stack) is None:
        raise WrongContent(f"{path.name}: shows several channels, not one")


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
                    raise WrongContent(f"{path.name}: unpacks to more than {megabytes(size)}")
    except (OSError, EOFError, zlib.error) as error:
        raise Damaged(f"{path.name}: the gzip is damaged or truncated") from error
    if start not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        raise WrongContent(f"{path.name}: is no TIFF")
    try:
        with opened(path) as tif:
            page = tif.pages.first
            width, height = page.imagewidth, page.imagelength * len(tif.pages)
    except DualglandError as error:
        raise Damaged(f"{path.name}: the TIFF is damaged or truncated") from error
    _check_size(path, width, height)
    try:
        stack = read_tiff(path)
    except DualglandError as error:
        raise Damaged(f"{path.name}: the TIFF is damaged or truncated") from error
    if one_channel(stack) is None:
        raise WrongContent(f"{path.name}: shows several channels, not one")


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
        raise WrongContent(f"{path.name}: is a web page, an error perhaps; not what was asked for")


def megabytes(size: float) -> str:
    """Return a size for people."""
    return f"{size / 2**20:,.1f} MB"


def _check_start(path: Path, magic: bytes, what: str) -> None:
    check_not_html(path)
    with path.open("rb") as file:
        head = file.read(len(magic))
    if not head:
        raise Damaged(f"{path.name}: the file is empty (0 bytes)")
    if not magic.startswith(head):
        raise WrongContent(f"{path.name}: is not {what}, whatever its name says")
    if head != magic:
        raise Damaged(f"{path.name}: the file is truncated")


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise WrongContent(
            f"{path.name}: claims {width} × {height} pixels; no field of view is that large"
        )
