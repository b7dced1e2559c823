"""OME-Zarr: images of the NGFF specification, on disk, from version 0.1 to 0.5.

The full resolution of an image becomes a stack; a large one stays lazy. zarr itself is no
base dependency: it comes with the extra ``zarr`` and is asked for only where a path is one.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import decoding, regular
from napari_dualgland.io.tiff import LAZY_BYTES
from napari_dualgland.io.zarr_axes import letters_of_axes
from napari_dualgland.io.zarr_chunks import ZarrPixels
from napari_dualgland.io.zarr_metadata import (
    channels_of,
    image_metadata,
    spacing,
)
from napari_dualgland.stack import Stack
from napari_dualgland.typing import LazyArray

if TYPE_CHECKING:
    import zarr

log = logging.getLogger(__name__)

_METADATA = (".zgroup", ".zattrs", ".zarray", "zarr.json")
_MOST_METADATA = 64 * 2**20
"""Bytes of one file of metadata; they are read whole."""


def is_ome_zarr(path: Path) -> bool:
    """Whether a folder is a zarr group or array, by its name or by what lies in it."""
    if not os.path.isdir(path):
        return False
    return path.suffix == ".zarr" or any(os.path.lexists(path / mark) for mark in _METADATA)


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
    try:
        import zarr
    except ImportError:
        raise DualglandError(
            Kind.NOT_INSTALLED,
            path,
            "reading OME-Zarr needs zarr",
            way_out="pip install 'napari-dualgland[zarr]'",
        ) from None
    image, group = path, _opened(path, "")
    if isinstance(group, zarr.Array):
        found = "is a zarr array by itself"
        raise DualglandError(Kind.WRONG_CONTENT, path, found, way_out="give the folder above it")
    said = _said(group)
    if "plate" in said or "well" in said:
        field = path / ("A/1/0" if "plate" in said else "0")
        found, way_out = "is a plate or a well", f"give the folder of one field, such as {field}"
        raise DualglandError(Kind.WRONG_CONTENT, path, found, way_out=way_out)
    if "multiscales" not in said and any(os.path.lexists(path / "0" / m) for m in _METADATA):
        # What bioformats2raw writes: a folder of series, the image is the first.
        image, group = path / "0", _opened(path / "0", "")
        said = _said(group)
    if "multiscales" not in said:
        found = "holds no OME-Zarr image (no multiscales)"
        raise DualglandError(Kind.WRONG_CONTENT, path, found)
    return _stack_of(path, image, said)


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
    for name in _METADATA:
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
