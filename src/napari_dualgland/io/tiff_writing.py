"""OME-TIFF out: the stack, what of it is estimated, how sure, and by what, in one file.

Everything goes through frame by frame and tile by tile, so that a lazy result is computed
once and never held whole. Deflate, with the integer predictor and without the
floating-point one, is what every TIFF reader opens.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt
import tifffile

from napari_dualgland.errors import DualglandError
from napari_dualgland.io.atomic import replacing
from napari_dualgland.io.ome import MISSING, SAMPLE, SAMPLES, UNCERTAINTY
from napari_dualgland.io.ome_writing import OmeImage, build_ome_xml, pixel_type
from napari_dualgland.provenance import Provenance
from napari_dualgland.results import Imputation
from napari_dualgland.stack import Stack, to_canonical

if TYPE_CHECKING:
    import dask.array as da

log = logging.getLogger(__name__)

ENDINGS = (".ome.tif", ".ome.tiff")
TILE = 512
PYRAMID_ABOVE = 4096
"""A plane with a longer side gets reduced copies, halved until both sides are ≤ 1024."""
_SMALLEST = 1024
_FRAME_BYTES = 256 * 2**20
"""A lazy frame up to this size is computed in memory, a larger one by way of the disk."""
_BIGTIFF_ABOVE = 3 * 2**30


def write_ome_tiff(result: Imputation | Stack, path: Path) -> Path:
    """Write a result or a stack as OME-TIFF.

    Axes are written in the order T, Z, C, Y, X, as OME wants them: a stack whose axes stand
    in another order comes back transposed to that one, with the same axes and content.
    The mask is a further image ``missing`` (uint8, 255 where a pixel is estimated, 0 where
    it was measured), the uncertainty a further image ``uncertainty`` (float32, in the units
    of the intensities), plausible pictures further images ``sample 1``, ``sample 2`` …, the
    provenance a map annotation of the OME-XML.

    Parameters
    ----------
    result : Imputation or Stack
        A stack that was itself read from a file of ours keeps its mask and provenance.
    path : pathlib.Path
        Ends in ``.ome.tif`` or ``.ome.tiff``. An older file is replaced once the new one is
        whole.

    Returns
    -------
    pathlib.Path
        ``path``.

    Raises
    ------
    DualglandError
        If the ending is another, the path is the source of the stack, the dtype is none of
        OME's, or the file cannot be written; then no trace of it is left.
    """
    if not path.name.lower().endswith(ENDINGS):
        raise DualglandError(f"{path}: results are written as OME-TIFF; end the name in .ome.tif")
    stack = result.stack if isinstance(result, Imputation) else result
    refuse_source(stack, path)
    parts, provenance = _parts(result)
    with replacing(path) as temporary:
        write_parts(stack, parts, provenance, temporary)
    return path


@dataclass(frozen=True)
class Part:
    """One image of a file.

    Attributes
    ----------
    name : str
        Name of the image.
    data : numpy.ndarray or dask.array.Array
        (T, Z, C, Y, X).
    is_mask : bool
        Written as 0 and 255; a reduced copy has a pixel where any of its four has one.
    is_labels : bool
        Numbers of objects, which have no mean: a reduced copy has one of its four pixels.
    is_many : bool
        Many channels that are computed apart: no more of them at once than lie in a chunk.
    """

    name: str
    data: npt.NDArray[Any] | da.Array
    is_mask: bool = False
    is_labels: bool = False
    is_many: bool = False

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint8) if self.is_mask else np.dtype(self.data.dtype).newbyteorder("=")

    def encoded(self, block: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return pixels as the file holds them."""
        if self.is_mask:
            return np.where(block, np.uint8(255), np.uint8(0))
        return np.ascontiguousarray(block, self.dtype)


def write_parts(
    stack: Stack, parts: Sequence[Part], provenance: Provenance | None, path: Path
) -> None:
    """Write images of the size and placement of a stack as one OME-TIFF.

    Parameters
    ----------
    stack : Stack
        Sizes, channels, pixel size and metadata of all the images.
    parts : sequence of Part
        At least one.
    provenance : Provenance or None
        Goes into the OME-XML.
    path : pathlib.Path
        Any name; the caller renames it when all is well.
    """
    images, pages = _layout(stack, parts)
    xml = build_ome_xml(stack, images, provenance, _creator())
    _write_pages(path, stack, parts, pages, xml)


def _parts(result: Imputation | Stack) -> tuple[list[Part], Provenance | None]:
    missing: Any
    provenance: Provenance | None
    if isinstance(result, Imputation):
        stack, provenance = result.stack, result.provenance
        # What an earlier run filled is no measurement either.
        earlier = stack.imputed
        missing = result.missing if earlier is None else result.missing | earlier
        uncertainty, samples = result.uncertainty, result.samples
    else:
        stack, missing, provenance = result, result.imputed, result.provenance
        uncertainty = stack.metadata.get(UNCERTAINTY)
        samples = stack.metadata.get(SAMPLES, ())
    parts = [Part(stack.name, to_canonical(stack.data, stack.axes))]
    if missing is not None:
        parts.append(Part(MISSING, _fitting(missing, stack, MISSING), is_mask=True))
    if uncertainty is not None:
        values = _fitting(uncertainty, stack, UNCERTAINTY).astype(np.float32, copy=False)
        parts.append(Part(UNCERTAINTY, values))
    for number, sample in enumerate(samples, 1):
        name = f"{SAMPLE} {number}"
        parts.append(Part(name, _fitting(sample, stack, name)))
    return parts, provenance


def _fitting(array: Any, stack: Stack, what: str) -> Any:
    if tuple(array.shape) != stack.shape:
        raise DualglandError(
            f"{stack.name}: the {what} image has shape {tuple(array.shape)}, "
            f"the stack {stack.shape}; they must be the same"
        )
    return to_canonical(array, stack.axes)


def refuse_source(stack: Stack, path: Path) -> None:
    """Raise DualglandError if a path is a file that the stack was read from."""
    for source in (stack.source, *stack.metadata.get("files", ())):
        if source and os.path.exists(source) and path.exists() and os.path.samefile(source, path):
            raise DualglandError(f"{path}: is the source of the stack; give another name")


def _creator() -> str:
    from napari_dualgland import __version__

    return f"napari-dualgland {__version__}"


def _layout(
    stack: Stack, parts: Sequence[Part]
) -> tuple[list[OmeImage], list[tuple[int, int, int, int]]]:
    """Return the images with their IFDs, and (t, z, part, c) of every page in file order.

    All parts of a frame lie together: they often share their computation.
    """
    ifds: list[dict[tuple[int, int, int], int]] = [{} for _ in parts]
    pages: list[tuple[int, int, int, int]] = []
    for t, z in stack.frames():
        for p, part in enumerate(parts):
            for c in range(part.data.shape[2]):
                ifds[p][t, z, c] = len(pages)
                pages.append((t, z, p, c))
    for part in parts:
        pixel_type(part.dtype, stack.name)
    return [OmeImage(p.name, p.dtype, i) for p, i in zip(parts, ifds, strict=True)], pages


def _write_pages(
    path: Path,
    stack: Stack,
    parts: Sequence[Part],
    pages: Sequence[tuple[int, int, int, int]],
    xml: str,
) -> None:
    total = sum(part.data.size * part.dtype.itemsize for part in parts)
    frame: list[_Store] = []
    at = None
    description: bytes | None = xml.encode()
    with (
        contextlib.ExitStack() as opened,
        tifffile.TiffWriter(path, bigtiff=total * 4 // 3 > _BIGTIFF_ABOVE) as tif,
    ):
        for t, z, p, c in pages:
            if at != (t, z):
                opened.close()
                frame = _frame(parts, t, z, path.parent, opened)
                at = (t, z)
            _write_page(tif, stack, parts[p], frame[p], c, description, path.parent)
            description = None


def _write_page(
    tif: tifffile.TiffWriter,
    stack: Stack,
    part: Part,
    store: _Store,
    c: int,
    description: bytes | None,
    folder: Path,
) -> None:
    height, width = store.shape[1:]
    levels = _levels(height, width)
    size = stack.pixel_size
    for level in range(levels + 1):
        step = 2**level
        tiled = max(store.shape[1:]) > TILE
        tif.write(
            _tiles(store, c) if tiled else store[c, 0, store.shape[1]],
            shape=store.shape[1:],
            dtype=part.dtype,
            photometric="minisblack",
            tile=(TILE, TILE) if tiled else None,
            rowsperstrip=None if tiled else store.shape[1],
            compression="zlib",
            predictor=2 if part.dtype.kind in "ui" and part.dtype.itemsize <= 2 else None,
            subifds=levels if level == 0 and levels else None,
            subfiletype=1 if level else 0,
            description=description if level == 0 else None,
            metadata=None,
            software=_creator() if level == 0 else False,
            resolution=(1e4 / size.x / step, 1e4 / size.y / step) if size else None,
            resolutionunit="CENTIMETER" if size else None,
        )
        if level < levels:
            store, c = _halved(store, c, part, folder), 0


def _levels(height: int, width: int) -> int:
    if max(height, width) <= PYRAMID_ABOVE:
        return 0
    return math.ceil(math.log2(max(height, width) / _SMALLEST))


class _Store:
    """The (C, Y, X) pixels of one frame, in memory or in an unnamed file beside the output."""

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        pixels: npt.NDArray[Any] | None = None,
        file: BinaryIO | None = None,
    ) -> None:
        self.shape, self.dtype = shape, dtype
        self._pixels, self._file = pixels, file

    @classmethod
    def empty(cls, shape: tuple[int, ...], dtype: np.dtype[Any], folder: Path | None) -> _Store:
        """Return a store to be filled: in memory, or in a file where a folder is given."""
        if folder is None:
            return cls(shape, dtype, pixels=np.empty(shape, dtype))
        return cls(shape, dtype, file=tempfile.TemporaryFile(dir=folder))  # type: ignore[arg-type]

    def close(self) -> None:
        """Give the disk space back."""
        if self._file is not None:
            self._file.close()

    def __getitem__(self, at: tuple[int, int, int]) -> npt.NDArray[Any]:
        """Return rows ``start`` to ``stop`` of a channel: ``store[channel, start, stop]``."""
        c, start, stop = at
        stop = min(stop, self.shape[1])
        if self._pixels is not None:
            return self._pixels[c, start:stop]
        count = (stop - start) * self.shape[2] * self.dtype.itemsize
        flat = np.frombuffer(self._at(c, start).read(count), self.dtype)
        return flat.reshape(stop - start, self.shape[2])

    def put(self, c: int, start: int, rows: npt.NDArray[Any]) -> None:
        """Set rows of a channel from ``start`` on."""
        if self._pixels is not None:
            self._pixels[c, start : start + len(rows)] = rows
            return
        self._at(c, start).write(np.ascontiguousarray(rows, self.dtype).tobytes())

    def _at(self, c: int, row: int) -> BinaryIO:
        assert self._file is not None
        self._file.seek((c * self.shape[1] + row) * self.shape[2] * self.dtype.itemsize)
        return self._file


def _frame(
    parts: Sequence[Part], t: int, z: int, folder: Path, opened: contextlib.ExitStack
) -> list[_Store]:
    """Return the pixels of one frame of every part, computing what is lazy once."""
    frames = [part.data[t, z] for part in parts]
    lazy = [i for i, frame in enumerate(frames) if not isinstance(frame, np.ndarray)]
    size = sum(frames[i].size * parts[i].dtype.itemsize for i in lazy)
    stores = []
    for i, (part, frame) in enumerate(zip(parts, frames, strict=True)):
        if i in lazy:
            on_disk = folder if size > _FRAME_BYTES else None
            stores.append(_Store.empty(frame.shape, part.dtype, on_disk))
        else:
            stores.append(_Store(frame.shape, part.dtype, pixels=part.encoded(frame)))
        opened.callback(stores[-1].close)
    if lazy:
        from dask.base import compute

        for group in _together(parts, lazy):
            for start, stop in _bands(frames[group[0][0]].chunks[1]):
                wanted = (frames[i][first:last, start:stop] for i, first, last in group)
                blocks = compute(*wanted)  # type: ignore[no-untyped-call]
                for (i, first, _), block in zip(group, blocks, strict=True):
                    for c, rows in enumerate(parts[i].encoded(np.asarray(block)), first):
                        stores[i].put(c, start, rows)
    return stores


def _together(parts: Sequence[Part], lazy: Sequence[int]) -> Iterator[list[tuple[int, int, int]]]:
    """Yield what is computed at once: groups of (part, first channel, last channel + 1)."""
    shared = [(i, 0, parts[i].data.shape[2]) for i in lazy if not parts[i].is_many]
    if shared:
        yield shared
    for i in lazy:
        if parts[i].is_many:
            first = 0
            for count in parts[i].data.chunks[2]:  # type: ignore[union-attr]
                yield [(i, first, first + count)]
                first += count


def _bands(heights: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield runs of rows that end where chunks end, so that no chunk is computed twice."""
    start = stop = 0
    for height in heights:
        stop += height
        if stop - start >= TILE:
            yield start, stop
            start = stop
    if stop > start:
        yield start, stop


def _tiles(store: _Store, c: int) -> Iterator[npt.NDArray[Any]]:
    height, width = store.shape[1:]
    for y in range(0, height, TILE):
        rows = store[c, y, y + TILE]
        for x in range(0, width, TILE):
            tile = rows[:, x : x + TILE]
            short = TILE - tile.shape[0], TILE - tile.shape[1]
            if any(short):
                tile = np.pad(tile, ((0, short[0]), (0, short[1])))
            yield np.ascontiguousarray(tile)


def _halved(store: _Store, c: int, part: Part, folder: Path) -> _Store:
    """Return a channel at half the size: the mean of 2 × 2 pixels.

    Of a mask the maximum, of labels one of the four.
    """
    height, width = store.shape[1:]
    large = height * width * part.dtype.itemsize > _FRAME_BYTES
    shape = 1, -(-height // 2), -(-width // 2)
    half = _Store.empty(shape, part.dtype, folder if large else None)
    for y in range(0, height, TILE):
        rows = store[c, y, y + TILE]
        rows = np.pad(rows, ((0, len(rows) % 2), (0, width % 2)), mode="edge")
        blocks = rows.reshape(len(rows) // 2, 2, -1, 2)
        if part.is_mask:
            small = blocks.max(axis=(1, 3))
        elif part.is_labels:
            small = blocks[:, 0, :, 0]
        else:
            small = blocks.mean(axis=(1, 3), dtype=np.float64)
            if part.dtype.kind in "ui":
                small = np.rint(small)
        half.put(0, y // 2, small.astype(part.dtype))
    return half
