"""What an OME-Zarr says of its image: axes, scales and channels, read tolerantly.

What tells where the pixels are has to be sound; the rest is what people and programs write, and
where it makes no sense it is left out with a note.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.pixel_sizes import believed, believed_step
from napari_dualgland.pixel_size import PixelSize
from napari_dualgland.stack import Channel


@dataclass(frozen=True)
class ImageMetadata:
    """Where the full resolution lies, and what is said of it."""

    level: str
    image: Mapping[str, Any]
    dataset: Mapping[str, Any]
    name: str | None
    notes: tuple[str, ...]


def image_metadata(path: Path, said: Mapping[str, Any]) -> ImageMetadata:
    """Return the first image of a group and its full resolution.

    Parameters
    ----------
    path : pathlib.Path
        For the message.
    said : mapping
        The OME metadata of the group.

    Returns
    -------
    ImageMetadata

    Raises
    ------
    DualglandError
        Of kind ``damaged`` where they do not say which array it is.
    """
    images = _list(path, said.get("multiscales"), "multiscales")
    image = _mapping(path, images[0], "multiscales[0]")
    datasets = _list(path, image.get("datasets"), "multiscales[0].datasets")
    dataset = _mapping(path, datasets[0], "multiscales[0].datasets[0]")
    level = dataset.get("path")
    if isinstance(level, int):
        level = str(level)
    parts = PurePosixPath(level).parts if isinstance(level, str) else ()
    if not parts or ".." in parts or parts[0] == "/" or "\0" in str(level):
        raise _damaged(path, "multiscales[0].datasets[0].path", level, "the name of an array")
    notes = []
    if len(images) > 1:
        notes.append(f"the group holds {len(images)} images; the first was taken")
    name = image.get("name")
    return ImageMetadata(
        "/".join(parts), image, dataset, None if name is None else str(name), tuple(notes)
    )


def spacing(told: ImageMetadata, axes: str) -> tuple[PixelSize | None, float | None, list[str]]:
    """Return the size of a pixel, the time between frames in seconds, and notes.

    Parameters
    ----------
    told : ImageMetadata
    axes : str
        Their letters.

    Returns
    -------
    PixelSize or None
    float or None
    list of str
    """
    named = told.image.get("axes")
    units = [a.get("unit") if isinstance(a, Mapping) else None for a in named or axes]
    said = dict(zip(axes, zip(_scales(told, len(axes)), units, strict=True), strict=True))
    size, odd_sizes = believed("the OME-Zarr", said)
    step, odd_step = believed_step("the OME-Zarr", said.get("T", (None, None)))
    return size, step, [*odd_sizes, *odd_step]


def _scales(told: ImageMetadata, count: int) -> list[Any]:
    """Return the scale along each axis: that of the level times the image's, or what it is not."""
    product: list[Any] = [1.0] * count
    for holder in (told.dataset, told.image):
        steps = holder.get("coordinateTransformations")
        for step in steps if isinstance(steps, list) else ():
            if not isinstance(step, Mapping) or step.get("type") != "scale":
                continue
            scale = step.get("scale")
            if not isinstance(scale, list) or len(scale) != count:
                return [str(scale)] * count
            product = [_times(a, b) for a, b in zip(product, scale, strict=True)]
    return product


def _times(before: Any, scale: Any) -> Any:
    numbers = isinstance(before, float) and type(scale) in (int, float)
    return before * float(scale) if numbers else scale


def channels_of(said: Mapping[str, Any], count: int) -> tuple[Channel, ...]:
    """Return the channels by name and colour; numbered ones where they are not told.

    Parameters
    ----------
    said : mapping
        The OME metadata of the group.
    count : int
        How many there are.

    Returns
    -------
    tuple of Channel
    """
    shown = said.get("omero")
    told = shown.get("channels") if isinstance(shown, Mapping) else None
    if not isinstance(told, list) or len(told) != count:
        told = [None] * count
    entries = [entry if isinstance(entry, Mapping) else {} for entry in told]
    return tuple(
        Channel(str(entry.get("label") or f"channel {i}"), None, _colour(entry.get("color")))
        for i, entry in enumerate(entries)
    )


def _colour(text: Any) -> str | None:
    digits = str(text or "").removeprefix("#")
    try:
        return f"#{int(digits, 16):06X}" if len(digits) == 6 else None
    except ValueError:
        return None


def _list(path: Path, value: Any, part: str) -> Sequence[Any]:
    if not isinstance(value, list) or not value:
        raise _damaged(path, part, value, "a list that holds something")
    return value


def _mapping(path: Path, value: Any, part: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _damaged(path, part, value, "an object")
    return value


def _damaged(path: Path, part: str, value: Any, expected: str) -> DualglandError:
    found = f"the metadata say {str(value)[:80]!r}"
    return DualglandError(Kind.DAMAGED, path, found, part=part, expected=expected)
