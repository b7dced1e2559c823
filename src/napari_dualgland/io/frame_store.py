"""The pixels of a frame on their way into a file: in memory, or in an unnamed file beside it.

A lazy frame may be larger than the memory. It is computed once, some chunks at a time, put
down here, and taken up again tile by tile and halved for the pyramid.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from napari_dualgland.culling import culled

if TYPE_CHECKING:
    import dask.array as da

TILE = 512
"""Side of a tile in the file, in pixels."""

FRAME_BYTES = 64 * 2**20
"""A lazy frame up to this size is computed in memory, a larger one by way of the disk."""


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

    @property
    def nbytes(self) -> int:
        """Bytes in the file, before compression."""
        return int(self.data.size * self.dtype.itemsize)

    def encoded(self, block: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return pixels as the file holds them."""
        if self.is_mask:
            return np.where(block, np.uint8(255), np.uint8(0))
        return np.ascontiguousarray(block, self.dtype)


class FrameStore:
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
    def empty(cls, shape: tuple[int, ...], dtype: np.dtype[Any], folder: Path | None) -> FrameStore:
        """Return a store to be filled: in memory, or in a file where a folder is given.

        Parameters
        ----------
        shape : tuple of int
            (C, Y, X).
        dtype : numpy.dtype
        folder : pathlib.Path
            Where a scratch file may lie.

        Returns
        -------
        FrameStore
        """
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
        out = np.empty((stop - start, self.shape[2]), self.dtype)
        for left in range(0, self.shape[2], TILE):
            wanted = out[:, left : left + TILE]
            flat = np.frombuffer(self._at(c, start, left).read(wanted.nbytes), self.dtype)
            wanted[:] = flat.reshape(wanted.shape)
        return out

    def put(self, c: int, start: int, rows: npt.NDArray[Any], left: int = 0) -> None:
        """Set rows of a channel, or a part of them.

        Parameters
        ----------
        c : int
            Channel.
        start : int
            First row.
        rows : numpy.ndarray
            (h, w).
        left : int
            Column where they begin.
        """
        if self._pixels is not None:
            self._pixels[c, start : start + len(rows), left : left + rows.shape[1]] = rows
            return
        right = left + rows.shape[1]
        for panel in range(left - left % TILE, right, TILE):
            first, last = max(left, panel), min(right, panel + TILE)
            part = np.ascontiguousarray(rows[:, first - left : last - left], self.dtype)
            if last - first == self._width(panel):
                self._at(c, start, panel).write(part.tobytes())
                continue
            for row, pixels in enumerate(part, start):
                self._at(c, row, first).write(pixels.tobytes())

    def _width(self, panel: int) -> int:
        return min(TILE, self.shape[2] - panel)

    def _at(self, c: int, row: int, column: int) -> BinaryIO:
        """Return the file at a pixel; it holds panels of TILE columns, each row by row."""
        assert self._file is not None
        inside = column % TILE
        panel = column - inside
        place = (c * self.shape[2] + panel) * self.shape[1] + row * self._width(panel) + inside
        self._file.seek(place * self.dtype.itemsize)
        return self._file


def read_frame(
    parts: Sequence[Part], t: int, z: int, folder: Path, opened: contextlib.ExitStack
) -> list[FrameStore]:
    """Return the pixels of one frame of every part, computing what is lazy once.

    Parameters
    ----------
    parts : sequence of Part
    t, z : int
        Which frame.
    folder : pathlib.Path
        Where scratch files may lie.
    opened : contextlib.ExitStack
        Closes them.

    Returns
    -------
    list of FrameStore
        One for each part.
    """
    frames = [part.data[t, z] for part in parts]
    lazy = [i for i, frame in enumerate(frames) if not isinstance(frame, np.ndarray)]
    size = sum(frames[i].size * parts[i].dtype.itemsize for i in lazy)
    stores = []
    for i, (part, frame) in enumerate(zip(parts, frames, strict=True)):
        if i in lazy:
            on_disk = folder if size > FRAME_BYTES else None
            stores.append(FrameStore.empty(frame.shape, part.dtype, on_disk))
        else:
            stores.append(FrameStore(frame.shape, part.dtype, pixels=part.encoded(frame)))
        opened.callback(stores[-1].close)
    if lazy:
        for group in _together(parts, lazy):
            for (i, first, _), start, left, block in _blocks(frames, group):
                for c, rows in enumerate(parts[i].encoded(np.asarray(block)), first):
                    stores[i].put(c, start, rows, left)
    return stores


def _blocks(
    frames: Sequence[Any], group: Sequence[tuple[int, int, int]]
) -> Iterator[tuple[tuple[int, int, int], int, int, npt.NDArray[Any]]]:
    """Yield what is computed at once of some frames, with the row and column where it begins."""
    from dask.base import compute

    _, heights, widths = frames[group[0][0]].chunks
    for start, stop in _bands(heights):
        band = [culled(frames[i][first:last, start:stop]) for i, first, last in group]
        for left, right in _bands(widths):
            blocks = compute(*(part[:, :, left:right] for part in band))  # type: ignore[no-untyped-call]
            for which, block in zip(group, blocks, strict=True):
                yield which, start, left, block


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


def _bands(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield runs of rows or columns that end where chunks end: no chunk is computed twice."""
    start = stop = 0
    for height in sizes:
        stop += height
        if stop - start >= TILE:
            yield start, stop
            start = stop
    if stop > start:
        yield start, stop


def tiles_of(store: FrameStore, c: int) -> Iterator[npt.NDArray[Any]]:
    """Yield the tiles of a channel row by row; what they lack at the border is 0.

    Parameters
    ----------
    store : FrameStore
    c : int
        Channel.

    Returns
    -------
    iterator of numpy.ndarray
        (tile, tile) each.
    """
    height, width = store.shape[1:]
    for y in range(0, height, TILE):
        rows = store[c, y, y + TILE]
        for x in range(0, width, TILE):
            tile = rows[:, x : x + TILE]
            short = TILE - tile.shape[0], TILE - tile.shape[1]
            if any(short):
                tile = np.pad(tile, ((0, short[0]), (0, short[1])))
            yield np.ascontiguousarray(tile)


def halved(store: FrameStore, c: int, part: Part, folder: Path) -> FrameStore:
    """Return a channel at half the size: the mean of 2 × 2 pixels.

    Of a mask the maximum, of labels one of the four.

    Parameters
    ----------
    store : FrameStore
    c : int
        Channel.
    part : Part
        What it is of; a mask is halved otherwise than an image.
    folder : pathlib.Path
        Where a scratch file may lie.

    Returns
    -------
    FrameStore
        Of one channel.
    """
    height, width = store.shape[1:]
    large = height * width * part.dtype.itemsize > FRAME_BYTES
    shape = 1, -(-height // 2), -(-width // 2)
    half = FrameStore.empty(shape, part.dtype, folder if large else None)
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
