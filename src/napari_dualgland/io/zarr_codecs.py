"""How the chunks of a zarr array are encoded: what can be asked of them before they are decoded."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import zarr

_NOWHERE = 2**64 - 1
"""Offset and size of a chunk that a shard does not hold."""


class Codecs:
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

        Yields
        ------
        bytes
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
