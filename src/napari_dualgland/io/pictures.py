"""PNG and JPEG files of one channel.

The atlas hands out its channels as pictures: grey ones, grey ones stored as RGB, and RGB
with only one lit component. All three are one channel; a picture with several different
components is not, and is refused.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt

from napari_dualgland.errors import DualglandError
from napari_dualgland.io.pixel_sizes import Said, believed
from napari_dualgland.stack import Channel, Stack

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_MAX_PIXELS = 2**31
_SAME = 0.1
"""Largest RMS, relative to the brightest component, of a component that is empty and of the
difference of two that are equal. JPEG at quality 60 leaves 0.07 in the blue of a yellow field."""


def is_picture(path: Path) -> bool:
    """Whether a file begins as PNG or JPEG do."""
    with path.open("rb") as file:
        head = file.read(8)
    return head == _PNG or head.startswith(_JPEG)


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
    pixels, sizes = _decode(path)
    return _as_stack(path, pixels, sizes)


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
        channels=(Channel(stack.name),),
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


def _decode(path: Path) -> tuple[npt.NDArray[Any], dict[str, Said]]:
    try:
        encoded = path.read_bytes()
    except OSError as error:
        raise DualglandError(f"{path}: cannot be read ({error.strerror})") from error
    if not encoded:
        raise DualglandError(f"{path}: the file is empty (0 bytes)")
    try:
        if encoded.startswith(_PNG):
            return _decode_png(path, encoded)
        if encoded.startswith(_JPEG):
            # libjpeg fills up what is cut off with grey; the end marker tells.
            if encoded.rfind(b"\xff\xd9") < encoded.rfind(b"\xff\xda"):
                raise DualglandError(f"{path}: the JPEG is truncated; fetch it again")
            return np.asarray(imagecodecs.jpeg_decode(encoded)), {}
    except (RuntimeError, ValueError, struct.error) as error:
        if isinstance(error, DualglandError):
            raise
        raise DualglandError(f"{path}: the picture is damaged or truncated ({error})") from error
    raise DualglandError(f"{path}: is neither PNG nor JPEG, whatever its name says")


def _decode_png(path: Path, encoded: bytes) -> tuple[npt.NDArray[Any], dict[str, Said]]:
    width, height = struct.unpack(">II", encoded[16:24])
    if width * height > _MAX_PIXELS:
        raise DualglandError(f"{path}: claims {width} × {height} pixels; no field is that large")
    return np.asarray(imagecodecs.png_decode(encoded)), _png_pixel_size(encoded)


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
