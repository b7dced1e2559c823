"""A file per channel under the names of the Human Protein Atlas, with masks and record beside.

``<stem>_red.png``, ``_green``, ``_blue`` and ``_yellow``, as any program opens them: PNG where
the dtype has 8 or 16 bits and there is one plane, else TIFF. ``<stem>_info.json`` says what
pictures cannot: pixel size, names, which files are masks, how estimated pixels came to be.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from typing_extensions import override

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.frame_store import FrameStore, Part, read_frame
from napari_dualgland.io.hpa import SUFFIXES, members_of
from napari_dualgland.io.hpa_record import info_of
from napari_dualgland.io.record import KEY, Record
from napari_dualgland.io.writing.content import Content
from napari_dualgland.io.writing.format import Format
from napari_dualgland.io.writing.planned import PlannedFile
from napari_dualgland.io.writing.raw_tiff import RawTiff, planes_before
from napari_dualgland.io.writing.words import fill_words, slug, word_for
from napari_dualgland.results import Imputation
from napari_dualgland.stack import Channel, Stack

_MOST_PNG = 2**28
"""Bytes of a plane; a PNG is encoded whole, so a larger one becomes a TIFF."""


class HpaFiles(Format):
    """Writes sets of pictures."""

    name = "PNG or TIFF per channel"
    endings = (".png",)
    about = (
        "A picture per channel under the names of the Human Protein Atlas (_red, _green, _blue, "
        "_yellow), masks beside them. PNG; TIFF where PNG cannot keep the numbers."
    )

    @override
    def refuse(self, content: Content, path: Path) -> None:
        """Refuse what would not come back; see :class:`.format.Format`."""
        stack = content.stack
        names = [_suffix(channel) for channel in stack.channels]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            found = f"two channels would both be called {_stem(path)}_{twice}"
            raise DualglandError(Kind.CONFLICT, stack.where, found, way_out="choose OME-TIFF")
        # A picture of an older set that stays would be read as a channel of this one.
        own = _names(content, path)[0]
        there = members_of(path.parent, _stem(path)) if path.parent.is_dir() else []
        stays = next((file for file in there if file.name not in own), None)
        if stays is not None:
            found = "is of another set of this name; it would stay, and be read as part of this one"
            raise DualglandError(Kind.CONFLICT, stays, found, way_out="choose another name")

    @override
    def files(self, content: Content, path: Path) -> list[PlannedFile]:
        """Return what will be written; see :class:`.format.Format`."""
        axes, shape = _plain(content)
        found = []
        for part, names in zip(content.parts, _names(content, path), strict=True):
            is_image = part is content.parts[0]
            for name, channel in zip(names, content.stack.channels, strict=True):
                word = channel.role or channel.name
                if is_image:
                    stack = content.stack
                    word += f", {fill_words(stack)}" if isinstance(stack, Imputation) else ""
                else:
                    word = f"{word_for(part.name)} of {word}"
                place = path.with_name(name)
                found.append(PlannedFile.of_pixels(place, word, axes, shape, part.dtype))
        info = info_of(path.parent, _stem(path))
        return [*found, PlannedFile(info, "channel names, pixel size, how it was made")]

    @override
    def fill(self, content: Content, beside: Mapping[Path, Path]) -> None:
        """Write it; see :class:`.format.Format`."""
        *images, info = beside
        targets = iter(beside[place] for place in images)
        count = len(content.stack.channels)
        grouped = [[next(targets) for _ in range(count)] for _ in content.parts]
        names = iter(place.name for place in images)
        named = {
            "image" if part is content.parts[0] else part.name: tuple(
                next(names) for _ in range(count)
            )
            for part in content.parts
        }
        record = {KEY: Record.of(content.stack, named).as_data()}
        beside[info].write_text(json.dumps(record, indent=1), encoding="utf-8")
        folder = beside[info].parent
        axes, shape = _plain(content)
        files: dict[Path, RawTiff] = {}
        with contextlib.ExitStack() as opened:
            for t, z in content.stack.frames():
                with contextlib.ExitStack() as frame:
                    stores = read_frame(content.parts, t, z, folder, frame)
                    for part, store, places in zip(content.parts, stores, grouped, strict=True):
                        for c, place in enumerate(places):
                            content.pause()
                            if _is_png(content.stack, part):
                                place.write_bytes(_png(store, c))
                                continue
                            if place not in files:
                                files[place] = _tiff(place, content.stack, part, axes, shape)
                                opened.callback(files[place].close)
                            lengths = tuple(part.data.shape[:2])
                            files[place].put(planes_before(lengths, (t, z)), store, c)


def _stem(path: Path) -> str:
    """Return what all files of a set share; a colour at its end is that of one of them."""
    stem = path.name[: -len(path.suffix)] if path.suffix else path.name
    color = next((c for c in SUFFIXES.values() if stem.lower().endswith(f"_{c}")), None)
    return stem[: -len(color) - 1] if color else stem


def _suffix(channel: Channel) -> str:
    return SUFFIXES[channel.role] if channel.role else slug(channel.name)


def _names(content: Content, path: Path) -> list[list[str]]:
    """Return the names of the files of each part."""
    named = []
    for part in content.parts:
        more = "" if part is content.parts[0] else f"_{part.name.replace(' ', '_')}"
        ending = ".png" if _is_png(content.stack, part) else ".tif"
        named.append([f"{_stem(path)}_{_suffix(c)}{more}{ending}" for c in content.stack.channels])
    return named


def _plain(content: Content) -> tuple[str, tuple[int, ...]]:
    """Return axes and shape of one channel."""
    axes = content.axes.replace("C", "")
    return axes, tuple(content.stack.sizes[a] for a in axes)


def _is_png(stack: Stack, part: Part) -> bool:
    one = len(list(stack.frames())) == 1 and not set(stack.axes) & set("TZ")
    plane = stack.sizes["Y"] * stack.sizes["X"] * part.dtype.itemsize
    return one and part.dtype.name in ("uint8", "uint16") and plane <= _MOST_PNG


def _png(store: FrameStore, c: int) -> bytes:
    return bytes(imagecodecs.png_encode(np.ascontiguousarray(store[c, 0, store.shape[1]])))


def _tiff(place: Path, stack: Stack, part: Part, axes: str, shape: tuple[int, ...]) -> RawTiff:
    size = stack.pixel_size
    said: dict[str, Any] = {"metadata": {"axes": axes}}
    if size is not None:
        said |= {"resolution": (1e4 / size.x, 1e4 / size.y), "resolutionunit": "CENTIMETER"}
    return RawTiff(place, shape, part.dtype, **said)
