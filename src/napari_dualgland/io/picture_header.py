"""What the first bytes of a PNG or JPEG say of its size: asked before anything is decoded.

A file of 200 bytes can claim 65,500 × 65,500 pixels, and a decoder believes it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from napari_dualgland import memory
from napari_dualgland.errors import DualglandError, Kind

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"

_MAX_BYTES = 2**31
"""No picture of a field of view is larger."""
_PNG_COMPONENTS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}  # by colour type; a palette becomes colours
_PALETTE = 3
# Markers of JPEG: those that stand alone, those that begin a frame, and that of the pixels.
_ALONE = {0x01, *range(0xD0, 0xDA)}
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_SCAN = 0xDA
# What a byte can stand for at most: deflate repeats 258 bytes in two bits; of a block of 8 × 8
# pixels Huffman's code needs one bit, in one of components that are four times coarser.
_PNG_BYTES_PER_BYTE = 1032
_JPEG_PIXELS_PER_BYTE = 8 * 64 * 4


@dataclass(frozen=True)
class PictureHeader:
    """Size and storage of a picture: bits of a component, and whether a palette has the colours."""

    height: int
    width: int
    components: int
    bits: int
    has_palette: bool = False

    @property
    def nbytes(self) -> int:
        """Size once decoded."""
        return self.height * self.width * self.components * (1 if self.bits <= 8 else 2)


def checked_header(path: Path, encoded: bytes) -> PictureHeader:
    """Return the header of a picture whose pixels can be there and fit into memory.

    Parameters
    ----------
    path : pathlib.Path
        For the message.
    encoded : bytes
        The whole file, PNG or JPEG.

    Returns
    -------
    PictureHeader

    Raises
    ------
    DualglandError
        If the header is damaged, claims no pixel, more than a field has, more than fits into
        memory, or more than so many bytes can hold.
    """
    header = _png_header(encoded) if encoded.startswith(PNG) else _jpeg_header(encoded)
    if header is None:
        raise DualglandError(
            Kind.DAMAGED, path, "the header of the picture is damaged", way_out="fetch it again"
        )
    claim = f"claims {header.width} × {header.height} pixels of {header.components} × "
    claim += f"{header.bits} bits"
    if not header.nbytes:
        raise DualglandError(Kind.EMPTY, path, f"{claim}; there is no pixel to read")
    if header.nbytes > _MAX_BYTES:
        size = memory.in_words(header.nbytes)
        raise DualglandError(Kind.TOO_LARGE, path, f"{claim}, {size}; no field is that large")
    memory.require(2 * header.nbytes, path)
    if encoded.startswith(PNG):
        stored = header.height * header.width * header.bits // 8
        possible = stored <= _PNG_BYTES_PER_BYTE * len(encoded)
    else:
        possible = header.height * header.width <= _JPEG_PIXELS_PER_BYTE * len(encoded)
    if not possible:
        found = f"{claim}, and has {len(encoded)} bytes: it is damaged or truncated"
        raise DualglandError(Kind.DAMAGED, path, found, way_out="fetch it again")
    return header


def _png_header(encoded: bytes) -> PictureHeader | None:
    if len(encoded) < 33 or encoded[12:16] != b"IHDR":
        return None
    width, height, bits, colour = struct.unpack(">IIBB", encoded[16:26])
    if colour not in _PNG_COMPONENTS:
        return None
    # A chunk of transparency becomes one component more.
    clear = 1 if b"tRNS" in encoded[: encoded.find(b"IDAT")] else 0
    return PictureHeader(height, width, _PNG_COMPONENTS[colour] + clear, bits, colour == _PALETTE)


def _jpeg_header(encoded: bytes) -> PictureHeader | None:
    at = 2
    while at + 10 <= len(encoded):
        marker = encoded[at + 1]
        if encoded[at] != 0xFF or marker == 0xFF:  # filling
            at += 1
        elif marker in _FRAMES:
            bits, height, width, components = struct.unpack(">BHHB", encoded[at + 4 : at + 10])
            return PictureHeader(height, width, components, bits)
        elif marker in _ALONE:
            at += 2
        elif marker == _SCAN:
            return None
        else:
            at += 2 + int.from_bytes(encoded[at + 2 : at + 4], "big")
    return None
