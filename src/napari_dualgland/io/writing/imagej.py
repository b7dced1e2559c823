"""A hyperstack as ImageJ and Fiji write it themselves, mask and uncertainty in files beside it.

It opens by a double click in Fiji, coloured, with its pixel size and channel names. ImageJ
knows no further images in a file, so those lie beside; *Image ▸ Show Info* says which they are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import override

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.frame_store import FrameStore, Part, read_frame
from napari_dualgland.io.hpa import parse_name
from napari_dualgland.io.record import Record
from napari_dualgland.io.tiff.headers import header_of
from napari_dualgland.io.tiff.opening import examined
from napari_dualgland.io.tiff.series import own_series
from napari_dualgland.io.writing.content import Content
from napari_dualgland.io.writing.contrast import range_of
from napari_dualgland.io.writing.format import Format
from napari_dualgland.io.writing.planned import PlannedFile
from napari_dualgland.io.writing.raw_tiff import RawTiff, planes_before
from napari_dualgland.io.writing.words import image_words, word_for
from napari_dualgland.stack import Stack

_DTYPES = ("uint8", "uint16", "float32")
_MOST_BYTES = 2**32 - 2**24
"""Offsets in such a file have 32 bits."""


class ImageJTiff(Format):
    """Writes TIFFs that ImageJ takes for its own."""

    name = "ImageJ hyperstack"
    endings = (".tif", ".tiff")
    about = (
        "For Fiji and ImageJ: opens by a double click, with colours, names and pixel size. Mask "
        "and uncertainty lie in files beside it. Not compressed."
    )

    @override
    def refuse(self, content: Content, path: Path) -> None:
        """Refuse what ImageJ cannot hold; see :class:`.format.Format`."""
        stack, other = content.stack, "choose OME-TIFF"
        named = parse_name(path.name)
        if named is not None:
            found = "a name that ends so is that of one channel of an HPA set"
            raise DualglandError(Kind.BAD_VALUE, path, found, way_out="give another name")
        dtype = content.parts[0].dtype
        if dtype.name not in _DTYPES:
            raise DualglandError(
                Kind.UNSUPPORTED,
                stack.where,
                f"ImageJ cannot hold {dtype.name}",
                part="dtype",
                expected=", ".join(_DTYPES),
                way_out=other,
            )
        for part in content.parts:
            if part.nbytes > _MOST_BYTES:
                found = "an ImageJ hyperstack holds 4 GiB at most"
                raise DualglandError(Kind.TOO_LARGE, stack.where, found, way_out=other)
        # A painted mask may be called as ours would be; a person is asked for the main file alone.
        others = [place for place in _paths(content, path)[1:] if place.exists()]
        own = _named_in(path) if others else set()
        taken = next((place for place in others if place.name not in own), None)
        if taken is not None:
            found = f"would be replaced, and no {path.name} says that it goes with it"
            raise DualglandError(Kind.CONFLICT, taken, found, way_out="choose another name")

    @override
    def files(self, content: Content, path: Path) -> list[PlannedFile]:
        """Return what will be written; see :class:`.format.Format`."""
        paths = _paths(content, path)
        words = [image_words(content), *(word_for(part.name) for part in content.parts[1:])]
        return [
            PlannedFile.of_pixels(place, word, content.axes, content.shape, part.dtype)
            for place, word, part in zip(paths, words, content.parts, strict=True)
        ]

    @override
    def fill(self, content: Content, beside: Mapping[Path, Path]) -> None:
        """Write it; see :class:`.format.Format`."""
        stack, targets = content.stack, list(beside.values())
        names = [place.name for place in beside]
        record = Record.of(
            stack,
            {p.name: (name,) for p, name in zip(content.parts[1:], names[1:], strict=True)},
            whole=False,
        )
        lengths = tuple(content.parts[0].data.shape[:3])
        files: list[RawTiff] = []
        with contextlib.ExitStack() as opened:
            for t, z in stack.frames():
                with contextlib.ExitStack() as frame:
                    stores = read_frame(content.parts, t, z, targets[0].parent, frame)
                    if not files:
                        for part, store, place in zip(content.parts, stores, targets, strict=True):
                            is_image = part is content.parts[0]
                            told = _header(stack, part, store, record if is_image else None)
                            shape = tuple(part.data.shape)
                            files.append(RawTiff(place, shape, part.dtype, imagej=True, **told))
                            opened.callback(files[-1].close)
                    for file, store in zip(files, stores, strict=True):
                        for c in range(lengths[2]):
                            content.pause()
                            file.put(planes_before(lengths, (t, z, c)), store, c)


def _paths(content: Content, path: Path) -> list[Path]:
    stem = path.name[: -len(path.suffix)]
    names = [f"{stem}_{part.name.replace(' ', '_')}{path.suffix}" for part in content.parts[1:]]
    return [path, *(path.with_name(name) for name in names)]


def _named_in(path: Path) -> set[str]:
    """Return the files that an older file of this name says lie beside it."""
    with contextlib.suppress(DualglandError), examined(path) as found:
        header = header_of(found.tif, found.described, own_series(path, found.tif))
        return {name for names in header.files.values() for name in names}
    return set()


def _header(stack: Stack, part: Part, store: FrameStore, record: Record | None) -> dict[str, Any]:
    """Return what ImageJ is told of an image, whose first frame is at hand."""
    frames, planes, count = part.data.shape[:3]
    said: dict[str, Any] = {"axes": "TZCYX", "Labels": _labels(stack, frames * planes)}
    if count > 1:
        said["mode"] = "composite" if part.name == stack.name else "grayscale"
    ranges = [(0.0, 255.0) if part.is_mask else range_of(store, c) for c in range(count)]
    known = [(low, high) if high > low else (0.0, 1.0) for low, high in ranges]
    said["Ranges"] = tuple(value for pair in known for value in pair)
    if record is not None:
        said["LUTs"] = [_table(channel.color) for channel in stack.channels]
    if record is not None:
        said["Info"] = record.as_info()
    size = stack.pixel_size
    if size is not None:
        said["unit"] = "um"
        said |= {"spacing": size.z} if size.z is not None else {}
    if stack.time_step is not None:
        said |= {"finterval": stack.time_step, "tunit": "s"}
    resolution = {"resolution": (1 / size.x, 1 / size.y)} if size is not None else {}
    return {"metadata": said, **resolution}


def _labels(stack: Stack, frames: int) -> list[str]:
    return [channel.name.replace("\n", " ") for channel in stack.channels] * frames


def _table(color: str | None) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return 256 shades from black to a colour, (3, 256)."""
    top = np.frombuffer(bytes.fromhex((color or "#FFFFFF")[1:]), np.uint8)
    return np.rint(np.linspace(0, 1, 256) * top[:, None]).astype(np.uint8)
