"""Which pixels of each frame are missing, and all of them as one array."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_dualgland.imputation.tiling.boxes import Box, bands
from napari_dualgland.packed import PackedMask
from napari_dualgland.stack import from_canonical
from napari_dualgland.typing import BoolArray, LazyArray


class PackedMasks:
    """Masks of the frames of a stack.

    Parameters
    ----------
    shape : tuple of int
        (T, Z, C, Y, X) of the stack.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._frames: list[PackedMask] = []

    def begin(self) -> PackedMask:
        """Return the mask of the next frame, to be filled in; time is outermost, then z."""
        self._frames.append(PackedMask(self._shape[2:]))
        return self._frames[-1]

    def add(self, mask: BoolArray) -> None:
        """Keep the mask of the next frame, (C, Y, X)."""
        self.begin().put(0, mask)

    def number(self, t: int, z: int) -> int:
        """Return the number of a frame.

        Parameters
        ----------
        t, z : int
            Which one.

        Returns
        -------
        int
        """
        return t * self._shape[1] + z

    def __getitem__(self, frame: int) -> PackedMask:
        """Return the mask of a frame."""
        return self._frames[frame]

    def like(self, data: LazyArray, axes: str) -> Any:
        """Return the masks of all frames as one array, lazy where the data are.

        Parameters
        ----------
        data : numpy.ndarray or dask.array.Array
            (T, Z, C, Y, X), the pixels that the masks belong to.
        axes : str
            Of the stack; the result has them.

        Returns
        -------
        numpy.ndarray or dask.array.Array
            Boolean.
        """
        shape = self._shape
        if isinstance(data, np.ndarray):
            whole = np.empty(shape, bool)
            for number, frame in enumerate(self._frames):
                for band in bands(shape[2:]):
                    at = (slice(None), *band.slices)
                    whole[divmod(number, shape[1])][at] = frame[at]
            return from_canonical(whole, axes)
        import dask.array as da
        from dask.base import tokenize

        def unpack(block_info: Any = None) -> BoolArray:
            (t, _), (z, _), _, rows, columns = block_info[None]["array-location"]
            frame = self[self.number(t, z)]
            return frame[(slice(None), *Box(*rows, *columns).slices)][None, None]

        # A chunk of the mask for each of the pixels, so that they are written side by side.
        chunks = [(1,) * shape[0], (1,) * shape[1], (shape[2],), *data.chunks[3:]]
        bits = [frame.bits for frame in self._frames]
        name = f"missing-{tokenize(shape, chunks, bits)}"  # type: ignore[no-untyped-call]
        mask = da.map_blocks(unpack, chunks=chunks, dtype=bool, name=name)  # type: ignore[no-untyped-call]
        return from_canonical(mask, axes)
