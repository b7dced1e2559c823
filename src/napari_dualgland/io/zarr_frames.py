"""How large a compressed chunk says to be, asked before it is decoded.

Blosc believes its header: where that claims more bytes than there are, what lies behind them in
memory is taken for pixels. And a stream of a few kilobytes can swell to any size. So the claim
is compared with the chunk, and nothing is decoded where they do not agree.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from napari_dualgland.errors import DualglandError, Kind

_BLOSC_HEADER = 16
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_SIZES = {0: 0, 1: 2, 2: 4, 3: 8}
_UNKNOWN = None


def refuse_frame(codec: str, frame: bytes, size: int, place: str, part: str) -> None:
    """Refuse a compressed chunk that does not say to be of the size that it must have.

    Parameters
    ----------
    codec : str
        As zarr or numcodecs names it; of others nothing is asked.
    frame : bytes
        The whole compressed chunk.
    size : int
        What it has to be, decoded, in bytes.
    place, part : str
        The file and the chunk, for the message.

    Raises
    ------
    DualglandError
        Of kind ``damaged``.
    """
    claim = _CLAIMS.get(codec.removeprefix("numcodecs."))
    if claim is None:
        return
    try:
        claimed = claim(frame, size)
    except (ValueError, IndexError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        found = f"the chunk is no {codec}, or a damaged one ({error})"
        raise DualglandError(Kind.DAMAGED, place, found, part=part) from error
    if claimed is not _UNKNOWN and claimed != size:
        found = f"the chunk says to be of {claimed} bytes"
        expected = f"{size}, as its array says"
        raise DualglandError(Kind.DAMAGED, place, found, part=part, expected=expected)


def _blosc(frame: bytes, _size: int) -> int:
    if len(frame) < _BLOSC_HEADER:
        raise ValueError(f"{len(frame)} bytes")
    decoded, compressed = (int.from_bytes(frame[at : at + 4], "little") for at in (4, 12))
    if compressed != len(frame):
        raise ValueError(f"{len(frame)} of {compressed} bytes are there")
    return decoded


def _zstd(frame: bytes, _size: int) -> int | None:
    if frame[:4] != _ZSTD_MAGIC:
        raise ValueError("no zstd frame")
    descriptor = frame[4]
    single = bool(descriptor & 0x20)
    length = _ZSTD_SIZES[descriptor >> 6] or int(single)
    if not length:
        return _UNKNOWN
    at = 5 + (not single) + (0, 1, 2, 4)[descriptor & 3]
    return int.from_bytes(frame[at : at + length], "little") + (256 if length == 2 else 0)


def _lz4(frame: bytes, _size: int) -> int:
    return int.from_bytes(frame[:4], "little")


def _unpacked(make: Callable[[], Any]) -> Callable[[bytes, int], int]:
    """Return what unpacks a stream that does not say its size, to one byte more than allowed."""

    def claim(frame: bytes, size: int) -> int:
        return len(make().decompress(frame, size + 1))

    return claim


_CLAIMS: Mapping[str, Callable[[bytes, int], int | None]] = {
    "blosc": _blosc,
    "zstd": _zstd,
    "lz4": _lz4,
    "zlib": _unpacked(zlib.decompressobj),
    "gzip": _unpacked(lambda: zlib.decompressobj(wbits=31)),
    "bz2": _unpacked(bz2.BZ2Decompressor),
    "lzma": _unpacked(lzma.LZMADecompressor),
}
