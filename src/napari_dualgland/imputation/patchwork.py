"""Put estimates into a stack so that every observed pixel keeps the source's own bits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_dualgland.imputation.boxes_by_place import BoxesByPlace
from napari_dualgland.imputation.packed import PackedMasks
from napari_dualgland.imputation.tiling.boxes import Box
from napari_dualgland.progress import Patch
from napari_dualgland.typing import AnyArray, LazyArray


class Patchwork:
    """Values that replace those of the missing pixels of (T, Z, C, Y, X) data.

    Of each patch nothing but these values is held, in the order of its mask, so memory grows
    with what is missing, not with the stack.

    Parameters
    ----------
    dtype : numpy.dtype
        Of what is laid over.
    masks : PackedMasks
        Which pixels are missing.
    """

    def __init__(self, dtype: np.dtype[Any], masks: PackedMasks) -> None:
        self.dtype, self.masks = dtype, masks
        self._frames: dict[int, BoxesByPlace[AnyArray]] = defaultdict(BoxesByPlace)

    def add(self, patch: Patch, values: AnyArray) -> None:
        """Add the missing pixels of a patch.

        Parameters
        ----------
        patch : Patch
            Says where, and which pixels are missing.
        values : numpy.ndarray
            (C, h, w), in the units of the stack.
        """
        box = Box(patch.y.start, patch.y.stop, patch.x.start, patch.x.stop)
        frame = self.masks.number(patch.t, patch.z)
        self._frames[frame].add(box, values[patch.missing].astype(self.dtype))

    def boxes(self, frame: int) -> list[Box]:
        """Return where there are patches in a frame, from top to bottom."""
        return [box for box, _ in self._frames[frame]] if frame in self._frames else []

    def part(self, frame: int, box: Box, values: AnyArray) -> AnyArray:
        """Return a part of a frame with the patches laid over.

        Parameters
        ----------
        frame : int
            Its number.
        box : Box
            The part.
        values : numpy.ndarray
            (C, h, w), what they are laid over.

        Returns
        -------
        numpy.ndarray
            A copy.
        """
        part = np.array(values, self.dtype)
        self._lay_frame(part, frame, box)
        return part

    def over(self, data: LazyArray) -> LazyArray:
        """Return ``data`` with the patches laid over: a copy, or lazily for dask data."""
        if isinstance(data, np.ndarray):
            return self._lay(np.array(data, self.dtype), [(0, size) for size in data.shape])
        import dask.array as da
        from dask.base import tokenize

        def lay(block: AnyArray, block_info: Any = None) -> AnyArray:
            return self._lay(np.array(block, self.dtype), block_info[0]["array-location"])

        blank = np.empty((0,) * 5, self.dtype)
        # Named for what it holds, so that the same work gives the same keys.
        held = [(frame, list(self._frames[frame])) for frame in sorted(self._frames)]
        token = tokenize(data.name, self.dtype, held)  # type: ignore[no-untyped-call]
        laid: da.Array = da.map_blocks(  # type: ignore[no-untyped-call]
            lay, data, dtype=self.dtype, meta=blank, name=f"imputed-{token}"
        )
        return laid

    def over_zeros(self, data: LazyArray) -> LazyArray:
        """Return the patches over zeros of the shape of ``data``, lazily for dask data."""
        if not isinstance(data, np.ndarray):
            return self.over(np.zeros_like(data, dtype=self.dtype))
        # Of zeros that were never touched the system holds nothing.
        return self._lay(np.zeros(data.shape, self.dtype), [(0, size) for size in data.shape])

    def _lay(self, out: AnyArray, place: Sequence[Any]) -> AnyArray:
        """Lay the patches over a block of its own, of which ``place`` says where it is."""
        (t0, t1), (z0, z1), channels, rows, columns = place
        block = Box(*rows, *columns)
        for t, z in np.ndindex(t1 - t0, z1 - z0):
            frame = self.masks.number(t0 + t, z0 + z)
            self._lay_frame(out[t, z], frame, block, slice(*channels))
        return out

    def _lay_frame(
        self, out: AnyArray, frame: int, block: Box, channels: slice = slice(None)
    ) -> None:
        """Lay the patches of a frame over a block of it, (C, h, w), of these channels."""
        if frame not in self._frames:
            return
        for box, shared, values in self._frames[frame].touching(block):
            missing = self.masks[frame][(slice(None), *box.slices)]
            whole = np.zeros(missing.shape, self.dtype)
            whole[missing] = values
            here = (channels, *shared.inside(box))
            view = out[(slice(None), *shared.inside(block))]
            np.copyto(view, whole[here], where=missing[here])
