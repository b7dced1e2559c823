"""The pixels of a zarr array on the disk, chunk by chunk, each looked at before it is decoded."""

from __future__ import annotations

import math
import os
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_dualgland import memory
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import decoding, regular
from napari_dualgland.io.zarr_codecs import Codecs
from napari_dualgland.io.zarr_frames import refuse_frame

if TYPE_CHECKING:
    import zarr

MOST_CHUNKS = 2**20
"""Nobody waits for more; a size that was mistyped or made up has any number."""
_COUNTED = 2**17


class ZarrPixels:
    """An array that reads what a slice asks for, and blames the chunk that cannot be read.

    Parameters
    ----------
    array : zarr.Array
        Of a group on the disk.
    image : pathlib.Path
        Folder of the group; the place that messages name.
    level : str
        Where the array lies in it.

    Raises
    ------
    DualglandError
        If sizes or chunks are none that pixels have; nothing is decoded for that.
    """

    def __init__(self, array: zarr.Array[Any], image: Path, level: str) -> None:
        self.shape = tuple(int(n) for n in array.shape)
        self.ndim = len(self.shape)
        self.dtype = np.dtype(array.dtype).newbyteorder("=")
        self._array, self._image, self._level = array, image, level
        self.chunks = tuple(int(n) for n in array.chunks)
        self._stored = tuple(int(n) for n in array.shards or array.chunks)
        if min((*self.chunks, *self._stored), default=1) < 1:
            found = f"its chunks are of size {self.chunks}"
            raise DualglandError(Kind.DAMAGED, image, found, part=level)
        self._grid = tuple(-(-n // c) for n, c in zip(self.shape, self._stored, strict=True))
        count = math.prod(-(-n // c) for n, c in zip(self.shape, self.chunks, strict=True))
        if count > MOST_CHUNKS:
            found = f"{count} chunks for {' × '.join(map(str, self.shape))} pixels"
            raise DualglandError(
                Kind.TOO_LARGE, image, found, part=level, expected=f"{MOST_CHUNKS} at most"
            )
        if self.dtype.kind not in "uif":  # Python objects among them, and nothing makes those here
            found = f"holds {self.dtype}"
            raise DualglandError(
                Kind.UNSUPPORTED, image, found, part="dtype", expected="integers or floats"
            )
        self._codecs = Codecs(array)
        if "pickle" in self._codecs.names:  # which not every version of zarr refuses
            found = "is encoded as pickles, which run whatever is written in them"
            raise DualglandError(Kind.UNSUPPORTED, image, found, part=level)
        self._looked_at: dict[tuple[int, ...], tuple[int, int]] = {}
        # Encoded and decoded, a chunk lies in memory twice.
        memory.require(2 * self._codecs.size(self.chunks), image, part=f"a chunk of {level}")

    @property
    def nbytes(self) -> int:
        """Size of all pixels in bytes."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __getitem__(self, index: tuple[slice, ...]) -> npt.NDArray[Any]:
        spans = [range(*s.indices(n)) for s, n in zip(index, self.shape, strict=True)]
        ranges = [
            range(span.start // c, -(-span.stop // c))
            for span, c in zip(spans, self._stored, strict=True)
        ]
        for at in product(*ranges):
            self._look_at(at)
        try:
            with decoding(self._image, "OME-Zarr", self._level):
                return self._native(self._array[index])
        except DualglandError:
            # Which of them it is, is worth a second look.
            for at in product(*ranges):
                self._blame(at)
            raise

    def not_stored(self) -> int:
        """Return how many chunks are not there and read as the fill value; 0 of very many."""
        count = math.prod(self._grid)
        if count > _COUNTED:
            return 0
        there = sum(
            not name.startswith(".") and name != "zarr.json"
            for _, _, names in os.walk(self._image / self._level)
            for name in names
        )
        return max(count - there, 0)

    @property
    def fill(self) -> Any:
        """What a chunk that is not stored reads as."""
        return self._array.metadata.fill_value

    def _native(self, pixels: Any) -> npt.NDArray[Any]:
        return np.asarray(pixels, self.dtype)

    def _file(self, at: tuple[int, ...]) -> Path:
        return self._image / self._level / self._array.metadata.encode_chunk_key(at)

    def _part(self, at: tuple[int, ...]) -> str:
        return f"chunk {self._level}/{self._array.metadata.encode_chunk_key(at)}"

    def _look_at(self, at: tuple[int, ...]) -> None:
        """Refuse a chunk, or a shard, that does not hold what it must; it may be absent."""
        file = self._file(at)
        if not os.path.lexists(file):
            return
        part, size = self._part(at), self._codecs.size(self._stored)
        try:
            seen = regular(file, "chunk").stat()
        except DualglandError as error:
            raise DualglandError(error.kind, self._image, error.found, part=part) from error
        if self._looked_at.get(at) == (seen.st_size, seen.st_mtime_ns):
            return
        if seen.st_size > 2 * size + 2**16:
            found = f"the chunk is of {seen.st_size} bytes"
            raise DualglandError(
                Kind.DAMAGED, self._image, found, part=part, expected=f"about {size}"
            )
        if self._codecs.compressor is None:
            return
        with decoding(self._image, "chunk", part):
            content = file.read_bytes()
        inner = self._codecs.size(self.chunks)
        for frame in self._codecs.frames(content, self._stored, self.chunks):
            refuse_frame(self._codecs.compressor, frame, inner, str(self._image), part)
        if self._codecs.is_sharded:  # which is come back to for each chunk in it
            self._looked_at[at] = seen.st_size, seen.st_mtime_ns

    def _blame(self, at: tuple[int, ...]) -> None:
        region = tuple(
            slice(i * c, min((i + 1) * c, n))
            for i, c, n in zip(at, self._stored, self.shape, strict=True)
        )
        with decoding(self._image, "chunk", self._part(at)):
            self._array[region]
