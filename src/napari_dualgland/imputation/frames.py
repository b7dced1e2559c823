"""The pixels of a stack, frame by frame; what is lazy is loaded when its frame is due.

A frame that is due is loaded chunk by chunk, as far as it is asked for, each chunk once. As
soon as another frame is due, it is let go.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from napari_dualgland.culling import culled
from napari_dualgland.imputation.boxes_by_place import BoxesByPlace
from napari_dualgland.imputation.tiling.boxes import Box
from napari_dualgland.typing import AnyArray, LazyArray

KEPT = 128 * 2**20
"""Bytes of a frame that are held at most; of a larger one, the chunks used last."""

BANDS = 8
"""Rows of chunks of which it is known how each is loaded."""


class StackFrames:
    """The frames of a stack, time outermost, then z.

    Parameters
    ----------
    data : numpy.ndarray or dask.array.Array
        (T, Z, C, Y, X).
    index : sequence of int
        Positions of the four roles among the channels, in the order of ROLES.
    """

    def __init__(self, data: LazyArray, index: Sequence[int]) -> None:
        self.data: Any = data
        self.index = list(index)
        self.dtype = np.dtype(data.dtype)
        self.whole = Box(0, data.shape[3], 0, data.shape[4])
        self.lazy = not isinstance(data, np.ndarray)
        self._due = -1
        self._loaded: dict[Box, AnyArray] = {}
        self._bands: dict[int, Any] = {}
        self._chunks = BoxesByPlace(self._boxes_of_chunks() if self.lazy else ())

    def __len__(self) -> int:
        """Return the number of frames."""
        return int(self.data.shape[0] * self.data.shape[1])

    def place(self, frame: int) -> tuple[int, int]:
        """Return (t, z) of a frame."""
        depth: int = self.data.shape[1]
        return divmod(frame, depth)

    def channels(self, frame: int, box: Box) -> AnyArray:
        """Return the pixels of all channels in a part of a frame.

        Parameters
        ----------
        frame : int
            Its number.
        box : Box
            The part.

        Returns
        -------
        numpy.ndarray
            (C, h, w) in the stack's dtype; may be a view, not to be written to.
        """
        if not self.lazy:
            view: AnyArray = self.data[(*self.place(frame), slice(None), *box.slices)]
            return view
        self._turn_to(frame)
        if self.whole in self._loaded:
            return self._loaded[self.whole][(slice(None), *box.slices)]
        out = np.empty((self.data.shape[2], box.y1 - box.y0, box.x1 - box.x0), self.dtype)
        for chunk, shared, _ in self._chunks.touching(box):
            pixels = self._load(frame, chunk)[(slice(None), *shared.inside(chunk))]
            out[(slice(None), *shared.inside(box))] = pixels
        return out

    def roles(self, frame: int, box: Box) -> AnyArray:
        """Return the pixels of the four roles in a part of a frame.

        Parameters
        ----------
        frame : int
            Its number.
        box : Box
            The part.

        Returns
        -------
        numpy.ndarray
            (4, h, w) in the order of ROLES, a copy.
        """
        return self.channels(frame, box)[self.index]

    def shares_loads_with(self, lazily: Any) -> bool:
        """Tell whether something lazy is made from these very pixels, and both can be held."""
        _, _, *shape = self.data.shape
        size = math.prod(shape) * self.dtype.itemsize
        if not self.lazy or not hasattr(lazily, "dask") or size > KEPT:
            return False
        return not set(lazily.dask.layers).isdisjoint(self.data.dask.layers)

    def load_with(self, frame: int, lazily: Any) -> AnyArray:
        """Compute something that is made from the pixels of a frame, loading them once for both.

        Parameters
        ----------
        frame : int
            Its number; its pixels are then at hand.
        lazily : dask.array.Array
            What is to be computed.

        Returns
        -------
        numpy.ndarray
            What it is.
        """
        import dask

        self._turn_to(frame)
        computed: AnyArray
        computed, self._loaded[self.whole] = dask.compute(  # type: ignore[no-untyped-call]
            lazily, self.data[self.place(frame)]
        )
        return computed

    def _turn_to(self, frame: int) -> None:
        if frame != self._due:
            self._due = frame
            self._loaded.clear()
            self._bands.clear()

    def _load(self, frame: int, chunk: Box) -> AnyArray:
        """Return the pixels of a chunk; those used last are held."""
        pixels = self._loaded.pop(chunk, None)
        if pixels is None:
            rows, columns = chunk.slices
            pixels = np.asarray(self._band(frame, rows)[:, :, columns])
        self._loaded[chunk] = pixels
        while len(self._loaded) > 1 and sum(p.nbytes for p in self._loaded.values()) > KEPT:
            del self._loaded[next(iter(self._loaded))]
        return pixels

    def _band(self, frame: int, rows: slice) -> Any:
        """Return rows of a frame, lazily."""
        if rows.start not in self._bands:
            if len(self._bands) == BANDS:
                del self._bands[next(iter(self._bands))]
            band = self.data[(*self.place(frame), slice(None), rows)]
            self._bands[rows.start] = culled(band)
        return self._bands[rows.start]

    def _boxes_of_chunks(self) -> Iterator[tuple[Box, None]]:
        rows, columns = (np.cumsum([0, *sizes]).tolist() for sizes in self.data.chunks[3:])
        return ((Box(*y, *x), None) for y in pairwise(rows) for x in pairwise(columns))
