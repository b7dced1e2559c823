"""The chain of pages of a TIFF, walked before a library does: how many, and where it ends.

A file of some megabytes can hold a million pages, or pages whose last points back to the
first. tifffile would go through them all, several times; nobody has a field of view like that.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import decoding
from napari_dualgland.memory import require

MAX_PAGES = 2**17
"""A time series of an hour, a frame a second, with four channels and nine planes."""
MAX_DESCRIPTION = 2**25
"""Bytes of text of a page that are looked at."""
_MAX_TAGS = 4096  # as tifffile has it
_DESCRIPTION, _SUBIFDS = 270, 330
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_TYPE_BYTES |= {16: 8, 17: 8, 18: 8}
_NUMBER_BYTES = 48
"""A number of a tag as Python holds it."""
_MANY_NUMBERS = 10**6
"""Beyond these it is asked whether there is memory; that takes longer than to read a page."""


@dataclass(frozen=True)
class Survey:
    """Where the pages of a file are, and the bytes of the first one's description."""

    offsets: tuple[int, ...]
    description: bytes


@dataclass(frozen=True)
class _Layout:
    """How offsets and counts are written: byte order, 32 bits or BigTIFF's 64."""

    order: str
    big: bool

    @property
    def head(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.big else "H"))

    @property
    def tag(self) -> struct.Struct:
        return struct.Struct(self.order + ("HHQ8s" if self.big else "HHI4s"))

    @property
    def offset(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.big else "I"))


def survey(path: Path, file: BinaryIO) -> Survey:
    """Walk the chain of pages of a TIFF.

    Parameters
    ----------
    path : pathlib.Path
        For messages.
    file : binary file
        Of the TIFF, unpacked.

    Returns
    -------
    Survey

    Raises
    ------
    DualglandError
        If it is no TIFF, the chain is cut off or goes round in a circle, or there are more
        pages than an image has.
    """
    size = file.seek(0, 2)
    layout, offset = _beginning(path, file)
    offsets: dict[int, None] = {}
    description, numbers, subpages = b"", 0, 0
    while offset:
        part = f"page {len(offsets) + 1}"
        if offset in offsets:
            found = f"the pages go round in a circle, back to page {[*offsets].index(offset) + 1}"
            raise DualglandError(Kind.DAMAGED, path, found, part=part)
        tags, onward = _directory(path, file, layout, offset, size, part)
        for code, width, count, value in tags:
            long_value = count * width > layout.offset.size
            if code == _SUBIFDS:
                subpages += count
            if code == _DESCRIPTION and not offsets:
                at = layout.offset.unpack(value)[0] if long_value else None
                description = _text(file, at, min(count, MAX_DESCRIPTION + 1), value)
            elif long_value and width > 1:
                numbers += min(count, size)
        offsets[offset] = None
        if max(len(offsets), subpages) > MAX_PAGES:
            raise DualglandError(
                Kind.TOO_LARGE,
                path,
                f"has more than {MAX_PAGES} pages",
                expected="one field of view, z-stack or time series",
                way_out="split it",
            )
        if numbers > _MANY_NUMBERS:
            require(numbers * _NUMBER_BYTES, path, part)
        offset = onward
    if not offsets:
        raise DualglandError(Kind.EMPTY, path, "the TIFF holds no image")
    return Survey(tuple(offsets), description)


def _beginning(path: Path, file: BinaryIO) -> tuple[_Layout, int]:
    file.seek(0)
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    version = struct.unpack(order + "H", head[2:4])[0] if order and len(head) >= 8 else None
    if order is None or version not in (42, 43) or (version == 43 and len(head) < 16):
        found = f"is no TIFF, or a damaged one (begins with {head[:4]!r})"
        raise DualglandError(Kind.DAMAGED, path, found, way_out="fetch or export it again")
    layout = _Layout(order, big=version == 43)
    at = 8 if layout.big else 4
    return layout, layout.offset.unpack(head[at : at + layout.offset.size])[0]


def _directory(
    path: Path, file: BinaryIO, layout: _Layout, offset: int, size: int, part: str
) -> tuple[Iterator[tuple[int, int, int, bytes]], int]:
    """Return (code, bytes of an item, count, value or its offset) of every tag, and the next page.

    The list of tags is read whole: it is at most 80 kB long.
    """
    if offset + layout.head.size > size:
        raise _cut_off(path, f"it begins {offset - size} bytes behind the end of the file", part)
    file.seek(offset)
    (count,) = layout.head.unpack(file.read(layout.head.size))
    if not 0 < count <= _MAX_TAGS:
        raise _cut_off(path, f"it has {count} tags", part)
    body = file.read(count * layout.tag.size + layout.offset.size)
    if len(body) < count * layout.tag.size + layout.offset.size:
        raise _cut_off(path, "its list of tags is cut off", part)
    tags = layout.tag.iter_unpack(body[: -layout.offset.size])
    (onward,) = layout.offset.unpack(body[-layout.offset.size :])
    if onward >= size:
        raise _cut_off(path, "the next page lies behind the end of the file", part)
    return ((code, _TYPE_BYTES.get(kind, 1), n, value) for code, kind, n, value in tags), onward


def _text(file: BinaryIO, at: int | None, count: int, value: bytes) -> bytes:
    if at is None:
        return value[:count]
    file.seek(at)
    return file.read(count)


def _cut_off(path: Path, found: str, part: str) -> DualglandError:
    return DualglandError(
        Kind.DAMAGED,
        path,
        f"the file is truncated or damaged: {found}",
        part=part,
        way_out="fetch or export it again",
    )


def survey_file(path: Path) -> Survey:
    """Walk the chain of pages of a TIFF that lies on the disk, as :func:`survey` does."""
    with decoding(path, "TIFF"):
        file = path.open("rb")
    with file:
        return survey(path, file)
