"""The pixels of a zarr array on the disk, chunk by chunk, each looked at before it is decoded."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_dualgland import memory
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.files import decoding, regular
from napari_dualgland.io.zarr_frames import refuse_frame

if TYPE_CHECKING:
    import zarr

MOST_CHUNKS = 2**20
"""Nobody waits for more; a size that was mistyped or made up has any number."""
_COUNTED = 2**17
_NOWHERE = 2**64 - 1
"""Offset and size of a chunk that a shard does not hold."""


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
        self._codecs = _Codecs(array)
        if "pickle" in self._codecs.names:
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


class _Codecs:
    """What of the codecs of an array has to be known to look at its chunks."""

    compressor: str | None = None
    """The one that was applied last; None where nothing can be asked of it."""

    def __init__(self, array: zarr.Array[Any]) -> None:
        self._itemsize = np.dtype(array.dtype).itemsize
        self.is_sharded = array.shards is not None
        self._trailer = 0
        metadata: Any = array.metadata
        if metadata.zarr_format == 2:
            used = (*(metadata.filters or ()), metadata.compressor)
            self.names = {codec.codec_id for codec in used if codec is not None}
            if metadata.compressor is not None and not metadata.filters:
                self.compressor = metadata.compressor.codec_id
            return
        codecs = metadata.codecs
        self.names = {_name(codec).removeprefix("numcodecs.") for codec in codecs}
        if self.is_sharded:
            self.names |= {_name(codec).removeprefix("numcodecs.") for codec in codecs[0].codecs}
            self._at_end = codecs[0].index_location.value == "end"
            self._has_plain_index = [_name(c) for c in codecs[0].index_codecs] == [
                "bytes",
                "crc32c",
            ]
            codecs = codecs[0].codecs
            if not self._has_plain_index:
                return
        after = [_name(codec) for codec in codecs]
        after = after[after.index("bytes") + 1 :] if "bytes" in after else []
        if after[-1:] == ["crc32c"]:
            self._trailer, after = 4, after[:-1]
        if len(after) == 1:
            self.compressor = after[0]

    def size(self, chunk: tuple[int, ...]) -> int:
        """Return the size of a decoded chunk in bytes."""
        return math.prod(chunk) * self._itemsize

    def frames(
        self, content: bytes, stored: tuple[int, ...], inner: tuple[int, ...]
    ) -> Iterator[bytes]:
        """Yield the compressed chunks in a file, less their checksums.

        Parameters
        ----------
        content : bytes
            Of the file.
        stored, inner : tuple of int
            Shapes of the whole and, where it is a shard, of the chunks in it.
        """
        if not self.is_sharded:
            yield content[: len(content) - self._trailer]
            return
        count = math.prod(n // c for n, c in zip(stored, inner, strict=True))
        index = content[-16 * count - 4 : -4] if self._at_end else content[: 16 * count]
        # A short one, or one that points nowhere, is told by zarr, which has its checksum.
        if len(index) == 16 * count:
            for offset, length in struct.iter_unpack("<QQ", index):
                if offset != _NOWHERE:
                    yield content[offset : offset + length - self._trailer]


def _name(codec: Any) -> str:
    return str(codec.to_dict()["name"])
