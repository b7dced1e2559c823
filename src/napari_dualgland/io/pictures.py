"""PNG and JPEG files of one channel.

The atlas hands out its channels as pictures: grey ones, grey ones stored as RGB, and RGB
with only one lit component. All three are one channel; a picture with several different
components is not, and is refused. Where a picture is a mask or labels, its numbers count and
not its colours: :func:`read_numbers`.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import decoding, regular
from napari_dualgland.io.picture_header import JPEG, PNG, checked_header
from napari_dualgland.io.pixel_sizes import Said, believed
from napari_dualgland.memory import require
from napari_dualgland.stack import Channel, Stack

_SAME = 0.1
"""Largest RMS, relative to the brightest component, of a component that is empty and of the
difference of two that are equal. JPEG at quality 60 leaves 0.07 in the blue of a yellow field."""


def is_picture(path: Path) -> bool:
    """Whether a file begins as PNG or JPEG do."""
    with path.open("rb") as file:
        head = file.read(8)
    return head == PNG or head.startswith(JPEG)


def read_picture(path: Path) -> Stack:
    """Read a PNG or JPEG as it is, one channel per component.

    Returns
    -------
    Stack
        Axes ``YX`` for grey, ``CYX`` with channels red, green, blue for colour; no roles.

    Raises
    ------
    DualglandError
        If the file is missing, empty, truncated or too large to be one field of view.
    """
    encoded = _encoded(path)
    checked_header(path, encoded)
    if encoded.startswith(PNG):
        with decoding(path, "PNG"):
            pixels = np.asarray(imagecodecs.png_decode(encoded))
        return _as_stack(path, pixels, _png_pixel_size(encoded))
    # libjpeg fills up what is cut off with grey; the end marker tells.
    if encoded.rfind(b"\xff\xd9") < encoded.rfind(b"\xff\xda"):
        way_out = "fetch it again"
        raise DualglandError(Kind.DAMAGED, path, "the JPEG is truncated", way_out=way_out)
    with decoding(path, "JPEG"):
        pixels = np.asarray(imagecodecs.jpeg_decode(encoded))
    return _as_stack(path, pixels, {})


def read_numbers(path: Path) -> npt.NDArray[Any]:
    """Read a PNG that is a mask or labels: the numbers that are stored, not what they look like.

    The numbers of a palette point to colours, and those of 1, 2 or 4 bits are stretched to
    black and white, where a picture is to be seen.

    Returns
    -------
    numpy.ndarray
        (Y, X); of colours that are all alike, or of the one that is lit.

    Raises
    ------
    DualglandError
        If the file is missing, empty, damaged or too large; a JPEG, which keeps no number;
        or a picture in colours, or one whose marks are transparent.
    """
    encoded = _encoded(path)
    if not encoded.startswith(PNG):
        found = "a JPEG, which changes the numbers that it is given"
        raise DualglandError(
            Kind.WRONG_CONTENT, path, found, way_out="save it as PNG or TIFF where it was made"
        )
    header = checked_header(path, encoded)
    if header.has_palette:
        from PIL.PngImagePlugin import PngImageFile

        with decoding(path, "PNG"), PngImageFile(io.BytesIO(encoded)) as picture:
            return np.asarray(picture)
    with decoding(path, "PNG"):
        pixels = np.asarray(imagecodecs.png_decode(encoded))
    pixels = one_of_colours(path, pixels) if pixels.ndim == 3 else pixels
    return pixels // (255 // (2**header.bits - 1)) if header.bits < 8 else pixels


def one_of_colours(path: Path, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the numbers of a mask or labels that are stored as colours.

    Parameters
    ----------
    path : pathlib.Path
        For the message.
    pixels : numpy.ndarray
        (Y, X, components), transparency last where there is any.

    Returns
    -------
    numpy.ndarray
        (Y, X), of colours that are all alike, or of the one that is lit.

    Raises
    ------
    DualglandError
        If colours differ, or only the transparency varies.
    """
    count = pixels.shape[-1]
    colours = [pixels[..., i] for i in range(count - 1 if count in (2, 4) else count)]
    lit = [colour for colour in colours if colour.any()]
    if not lit and np.ptp(pixels[..., -1]):
        found = "its marks are in the transparency alone"
    elif any(not np.array_equal(lit[0], other) for other in lit[1:]):
        found = "a picture in colours"
    else:
        return lit[0] if lit else colours[0]
    raise DualglandError(
        Kind.WRONG_CONTENT, path, found, expected="one number a pixel", way_out="save it in grey"
    )


def one_channel(stack: Stack) -> Stack | None:
    """Return a colour picture as the one channel that it shows.

    Grey stored as RGB gives that grey; RGB with one lit component, or with the two equal
    ones of yellow, gives that component, bit for bit. Alpha is dropped. None where the
    components differ: then it is a composite.
    """
    if "C" not in stack.axes:
        return stack
    components = np.moveaxis(np.asarray(stack.data), stack.axes.index("C"), 0)
    components = components[:1] if len(components) < 3 else components[:3]  # less alpha
    energy = [_rms(component) for component in components]
    brightest = int(np.argmax(energy))
    lit = components[brightest]
    for component, strength in zip(components, energy, strict=True):
        empty = strength <= _SAME * energy[brightest]
        if not empty and _rms(component, lit) > _SAME * energy[brightest]:
            return None
    return Stack(
        data=np.ascontiguousarray(lit),
        axes=stack.axes.replace("C", ""),
        channels=(Channel(stack.name, described_at=stack.channels[brightest].described_at),),
        pixel_size=stack.pixel_size,
        time_step=stack.time_step,
        name=stack.name,
        source=stack.source,
        notes=stack.notes,
        header=stack.header,
    )


def _rms(a: npt.NDArray[Any], b: npt.NDArray[Any] | float = 0.0) -> float:
    difference = a.astype(np.float64) - b
    return float(np.sqrt(np.mean(difference * difference)))


def _encoded(path: Path) -> bytes:
    require(regular(path, "picture").stat().st_size, path)
    with decoding(path, "picture"):
        encoded = path.read_bytes()
    if not encoded.startswith((PNG, JPEG)):
        found = "is neither PNG nor JPEG, whatever its name says"
        raise DualglandError(Kind.WRONG_CONTENT, path, found)
    return encoded


def _png_pixel_size(encoded: bytes) -> dict[str, Said]:
    """Return what the ``pHYs`` chunk says of the pixel size: pixels per metre, or a ratio."""
    at = encoded.find(b"pHYs", 0, encoded.find(b"IDAT"))
    if at < 0:
        return {}
    across, down, unit = struct.unpack(">IIB", encoded[at + 4 : at + 13])
    if unit != 1 or 0 in (across, down):
        return {}
    return {"X": (1e6 / across, "µm"), "Y": (1e6 / down, "µm")}


def _as_stack(path: Path, pixels: npt.NDArray[Any], sizes: dict[str, Said]) -> Stack:
    axes, names = "YX", [path.stem]
    if pixels.ndim == 3:
        axes = "CYX"
        pixels = np.moveaxis(pixels, -1, 0)
        names = ["red", "green", "blue", "alpha"] if len(pixels) > 2 else ["grey", "alpha"]
    size, notes = believed("the PNG", sizes)
    return Stack(
        data=pixels,
        axes=axes,
        channels=tuple(Channel(name) for name in names[: len(pixels) if axes == "CYX" else 1]),
        pixel_size=size,
        name=path.stem,
        source=str(path),
        notes=notes,
    )
