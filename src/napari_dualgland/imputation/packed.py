"""Which pixels of each frame are missing, kept packed: eight to a byte."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_dualgland.stack import from_canonical

Mask = npt.NDArray[np.bool_]


class PackedMasks:
    """Masks of the frames of a stack.

    Parameters
    ----------
    shape : tuple of int
        (T, Z, C, Y, X) of the stack.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._frames: list[npt.NDArray[np.uint8]] = []

    def add(self, mask: Mask) -> None:
        """Keep the mask of the next frame, (C, Y, X); time is outermost, then z."""
        self._frames.append(np.packbits(mask))

    def __getitem__(self, frame: int) -> Mask:
        """Return the mask of a frame, (C, Y, X)."""
        shape = self._shape[2:]
        count = int(np.prod(shape))
        return np.unpackbits(self._frames[frame], count=count).astype(bool).reshape(shape)

    def like(self, data: Any, axes: str) -> Any:
        """Return the masks of all frames as one array, lazy where the data are.

        Parameters
        ----------
        data : numpy.ndarray or dask.array.Array
            (T, Z, C, Y, X), the pixels that the masks belong to.
        axes : str
            Of the stack; the result has them.
        """
        shape = self._shape
        if isinstance(data, np.ndarray):
            frames = [self[f] for f in range(shape[0] * shape[1])]
            return from_canonical(np.stack(frames).reshape(shape), axes)
        import dask.array as da

        def unpack(block_info: Any = None) -> Mask:
            (t, _), (z, _) = block_info[None]["array-location"][:2]
            return self[t * shape[1] + z][None, None]

        chunks = [(1,) * shape[0], (1,) * shape[1], *((s,) for s in shape[2:])]
        mask = da.map_blocks(unpack, chunks=chunks, dtype=bool)  # type: ignore[no-untyped-call]
        return from_canonical(mask, axes)
