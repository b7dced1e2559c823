"""Which pixels of each frame are missing, kept packed: eight to a byte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np

from napari_dualgland.imputation.frames import StackFrames
from napari_dualgland.imputation.tiling.boxes import Box
from napari_dualgland.intensities import measurable
from napari_dualgland.stack import from_canonical
from napari_dualgland.typing import AnyArray, BoolArray, ByteArray, LazyArray


class PackedMasks:
    """Masks of the frames of a stack.

    Parameters
    ----------
    shape : tuple of int
        (T, Z, C, Y, X) of the stack.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._frames: list[ByteArray] = []

    def add(self, mask: BoolArray) -> None:
        """Keep the mask of the next frame, (C, Y, X); time is outermost, then z."""
        self._frames.append(np.packbits(mask))

    def __getitem__(self, frame: int) -> BoolArray:
        """Return the mask of a frame, (C, Y, X)."""
        return _unpacked(self._frames[frame], self._shape[2:])

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
            for frame in range(len(self._frames)):
                whole[divmod(frame, shape[1])] = self[frame]
            return from_canonical(whole, axes)
        import dask.array as da
        from dask.base import tokenize

        def unpack(block_info: Any = None) -> BoolArray:
            (t, _), (z, _) = block_info[None]["array-location"][:2]
            return self[t * shape[1] + z][None, None]

        chunks = [(1,) * shape[0], (1,) * shape[1], *((s,) for s in shape[2:])]
        name = f"missing-{tokenize(shape, self._frames)}"  # type: ignore[no-untyped-call]
        mask = da.map_blocks(unpack, chunks=chunks, dtype=bool, name=name)  # type: ignore[no-untyped-call]
        return from_canonical(mask, axes)


class HiddenMasks(Sequence[BoolArray]):
    """What must not be looked at: missing pixels of the four roles, and all that no camera counts.

    Parameters
    ----------
    masks : PackedMasks
        Missing pixels.
    frames : StackFrames
        What they belong to.
    """

    def __init__(self, masks: PackedMasks, frames: StackFrames) -> None:
        self.masks, self.frames = masks, frames
        self._unmeasured: dict[int, ByteArray] = {}

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.frames)

    @overload
    def __getitem__(self, frame: int) -> BoolArray: ...
    @overload
    def __getitem__(self, frame: slice) -> list[BoolArray]: ...
    def __getitem__(self, frame: int | slice) -> BoolArray | list[BoolArray]:
        """Return what is hidden of a frame, (4, Y, X), in the order of ROLES."""
        if isinstance(frame, slice):
            return [self[f] for f in range(*frame.indices(len(self)))]
        if frame >= len(self):
            raise IndexError(frame)
        missing = self.masks[frame][self.frames.index]
        if self.frames.dtype.kind != "f":
            return missing
        self.look_at(frame)
        missing |= _unpacked(self._unmeasured[frame], missing.shape)
        return missing

    def look_at(self, frame: int) -> None:
        """Find out which pixels of a frame cannot have been measured, once; integers all can."""
        if self.frames.dtype.kind == "f" and frame not in self._unmeasured:
            pixels = self.frames.roles(frame, self.frames.whole)
            self._unmeasured[frame] = np.packbits(~measurable(pixels))

    def windows(self, frame: int, boxes: Sequence[Box]) -> Iterator[tuple[AnyArray, BoolArray]]:
        """Look at parts of a frame, loading no more than those.

        Parameters
        ----------
        frame : int
            Its number.
        boxes : sequence of Box
            The parts.

        Yields
        ------
        pixels : numpy.ndarray
            (4, h, w), in the order of ROLES and the units of the stack.
        hidden : numpy.ndarray
            (4, h, w), boolean.
        """
        missing = self.masks[frame][self.frames.index]
        for box in boxes:
            pixels = self.frames.roles(frame, box)
            yield pixels, missing[(slice(None), *box.slices)] | ~measurable(pixels)


def _unpacked(packed: ByteArray, shape: tuple[int, ...]) -> BoolArray:
    # Unpacking gives zeros and ones of one byte: booleans already.
    return np.unpackbits(packed, count=int(np.prod(shape))).view(bool).reshape(shape)
