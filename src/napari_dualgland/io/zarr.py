"""OME-Zarr: images of the NGFF specification, on disk, from version 0.1 to 0.5.

The full resolution of an image becomes a stack; a large one stays lazy. zarr itself is no
base dependency: it comes with the extra ``zarr`` and is asked for only where a path is one.
"""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import decoding, regular
from napari_dualgland.io.own_images import with_images
from napari_dualgland.io.record import KEY, Record
from napari_dualgland.io.tiff import LAZY_BYTES
from napari_dualgland.io.zarr_axes import letters_of_axes
from napari_dualgland.io.zarr_chunks import ZarrPixels
from napari_dualgland.io.zarr_metadata import (
    channels_of,
    image_metadata,
    spacing,
)
from napari_dualgland.stack import Stack, from_canonical, to_canonical
from napari_dualgland.typing import LazyArray

if TYPE_CHECKING:
    import zarr

log = logging.getLogger(__name__)

METADATA = (".zgroup", ".zattrs", ".zarray", "zarr.json")
_MOST_METADATA = 64 * 2**20
"""Bytes of one file of metadata; they are read whole."""


def is_ome_zarr(path: Path) -> bool:
    """Whether a folder is a zarr group or array, by its name or by what lies in it."""
    if not os.path.isdir(path):
        return False
    return path.suffix == ".zarr" or any(os.path.lexists(path / mark) for mark in METADATA)


def require_zarr(path: Path) -> None:
    """Refuse an OME-Zarr where zarr is not installed."""
    if importlib.util.find_spec("zarr") is None:
        raise DualglandError(
            Kind.NOT_INSTALLED,
            path,
            "OME-Zarr needs zarr",
            way_out="pip install 'napari-dualgland[zarr]'",
        )


def read_ome_zarr(path: Path) -> Stack:
    """Read the full resolution of an OME-Zarr image; channels get no role.

    Parameters
    ----------
    path : pathlib.Path
        Of the image: a ``.zarr`` folder, or the folder of a field inside a plate.

    Returns
    -------
    Stack
        Axes and dtype of the file; a dask array above 64 MB, whose chunks raise the same
        errors when they are computed.

    Raises
    ------
    DualglandError
        If zarr is not installed, the folder holds no image or several, or it is damaged.
    """
    require_zarr(path)
    import zarr

    image, group = path, _opened(path, "")
    if isinstance(group, zarr.Array):
        found = "is a zarr array by itself"
        raise DualglandError(Kind.WRONG_CONTENT, path, found, way_out="give the folder above it")
    said = _said(group)
    if "plate" in said or "well" in said:
        field = path / ("A/1/0" if "plate" in said else "0")
        found, way_out = "is a plate or a well", f"give the folder of one field, such as {field}"
        raise DualglandError(Kind.WRONG_CONTENT, path, found, way_out=way_out)
    if "multiscales" not in said and any(os.path.lexists(path / "0" / m) for m in METADATA):
        # What bioformats2raw writes: a folder of series, the image is the first.
        image, group = path / "0", _opened(path / "0", "")
        said = _said(group)
    if "multiscales" not in said:
        found = "holds no OME-Zarr image (no multiscales)"
        raise DualglandError(Kind.WRONG_CONTENT, path, found)
    stack = _stack_of(path, image, said)
    ours = group.attrs.asdict().get(KEY)
    record = None if ours is None or image != path else Record.parsed(ours)
    return stack if record is None else _recorded(path, stack, record)


def _recorded(path: Path, stack: Stack, record: Record) -> Stack:
    """Return an image of ours as it was written, with mask, uncertainty and history."""
    if set(record.axes) != set(stack.axes) or len(record.channels) != len(stack.channels):
        return stack  # somebody has put other pixels there
    said = record.as_header()
    stack = replace(
        stack,
        data=from_canonical(to_canonical(stack.data, stack.axes), record.axes),
        axes=record.axes,
        channels=said.channels,
        pixel_size=said.pixel_size,
        time_step=said.time_step,
        name=path.name.split(".", 1)[0],
        kind=said.kind,
        provenance=said.provenance,
        header=said.besides,
    )
    stack, notes = with_images(
        stack, {name: _beside(path, places[0]) for name, places in record.files.items()}
    )
    return replace(stack, notes=(*stack.notes, *notes))


def _beside(path: Path, place: str) -> Stack | None:
    """Return a further image of a group; None where it is not there any more."""
    image = path / place
    if not is_ome_zarr(image):
        return None
    return _stack_of(path, image, _said(_opened(image, "")))


def _stack_of(path: Path, image: Path, said: Mapping[str, Any]) -> Stack:
    import zarr

    told = image_metadata(path, said)
    array = _opened(image, told.level)
    if not isinstance(array, zarr.Array):
        found = "the metadata name a group, not an array"
        raise DualglandError(Kind.DAMAGED, path, found, part=told.level)
    pixels = ZarrPixels(array, image, told.level)
    axes, notes = letters_of_axes(path, told.image.get("axes"), pixels.ndim)
    size, step, more = spacing(told, axes)
    notes += more
    lost = pixels.not_stored()
    if lost:
        notes.append(f"{lost} chunks are not stored; their pixels read as {pixels.fill}")
    for note in notes:
        log.warning("%s: %s", path, note)
    return Stack(
        _pixels(pixels),
        axes,
        channels_of(said, dict(zip(axes, pixels.shape, strict=True)).get("C", 1)),
        size,
        step,
        name=told.name or path.name.split(".", 1)[0],
        source=str(path),
        notes=(*told.notes, *notes),
    )


def _opened(image: Path, level: str) -> zarr.Group | zarr.Array[Any]:
    """Open a group or an array; its metadata are regular files of a size that can be read."""
    import zarr

    folder = image / level
    for name in METADATA:
        if os.path.lexists(folder / name):
            size = regular(folder / name, "file of metadata").stat().st_size
            if size > _MOST_METADATA:
                raise DualglandError(
                    Kind.TOO_LARGE, folder / name, f"{size} bytes of metadata", part=level
                )
    with decoding(image, "OME-Zarr", level):
        return zarr.open(folder, mode="r", use_consolidated=False)


def _said(group: zarr.Group | zarr.Array[Any]) -> Mapping[str, Any]:
    """Return the OME metadata of a group; since 0.5 they stand under a key of their own."""
    said: Any = group.attrs.asdict()
    ours = said.get("ome", said)
    return ours if isinstance(ours, Mapping) else {}


def _pixels(pixels: ZarrPixels) -> LazyArray:
    if pixels.nbytes <= LAZY_BYTES:
        return pixels[(slice(None),) * pixels.ndim]
    import dask.array as da

    lazy: LazyArray = da.from_array(  # type: ignore[no-untyped-call]
        pixels, chunks=pixels.chunks, name=False, asarray=False, fancy=False
    )
    return lazy
