"""What must not be looked at of a stack, and what of it is to be filled, window by window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

from napari_dualgland.imputation.boxes_by_place import BoxesByPlace
from napari_dualgland.imputation.frames import StackFrames
from napari_dualgland.imputation.packed import PackedMasks
from napari_dualgland.imputation.tiling.boxes import Box, bands
from napari_dualgland.intensities import measurable
from napari_dualgland.packed import PackedMask
from napari_dualgland.typing import AnyArray, BoolArray


class HiddenMask:
    """What must not be looked at of a frame; cut like an array.

    Parameters
    ----------
    missing : PackedMask
        Of all channels.
    index : list of int
        Positions of the roles among them.
    unmeasured : PackedMask, optional
        Of the roles: what no camera counts.
    apart : PackedMask, optional
        Of the roles: what else is neither looked at nor filled.
    """

    def __init__(
        self,
        missing: PackedMask,
        index: list[int],
        unmeasured: PackedMask | None = None,
        apart: PackedMask | None = None,
    ) -> None:
        self.missing, self.index, self.unmeasured = missing, index, unmeasured
        self.shape = (len(index), *missing.shape[1:])
        self._beside = [mask for mask in (unmeasured, apart) if mask is not None]

    def __getitem__(self, at: tuple[Any, slice, slice]) -> BoolArray:
        """Return a part of it, (4, h, w), in the order of ROLES, that may be written to."""
        channels, rows, columns = at
        cut = self.missing[self.index, rows, columns]
        for mask in self._beside:
            cut |= mask[slice(None), rows, columns]
        part: BoolArray = cut[channels]
        return part


class WantedMask:
    """The pixels of a frame that are to be filled; cut like an array.

    Parameters
    ----------
    hidden : HiddenMask
        What cannot be looked at: filled where one of the roles is missing.
    finished : BoxesByPlace, optional
        What is filled already.
    """

    def __init__(self, hidden: HiddenMask, finished: BoxesByPlace[None] | None = None) -> None:
        self.hidden, self.shape = hidden, hidden.shape
        self.finished = BoxesByPlace() if finished is None else finished

    def __getitem__(self, at: tuple[Any, slice, slice]) -> BoolArray:
        """Return a part of it, (4, h, w), in the order of ROLES."""
        channels, rows, columns = at
        missing = self.hidden.missing[self.hidden.index, rows, columns]
        cut = self.hidden[slice(None), rows, columns] & missing.any(0)
        y0, y1, _ = rows.indices(self.shape[1])
        x0, x1, _ = columns.indices(self.shape[2])
        here = Box(y0, y1, x0, x1)
        for _, shared, _ in self.finished.touching(here):
            cut[(slice(None), *shared.inside(here))] = False
        part: BoolArray = cut[channels]
        return part


class HiddenMasks(Sequence[HiddenMask]):
    """What must not be looked at of the four roles.

    These are missing pixels, all that no camera counts, and what is set apart: damage where
    nothing is to be filled, and what an earlier run has estimated, which is no measurement.

    Parameters
    ----------
    masks : PackedMasks
        Missing pixels.
    frames : StackFrames
        What they belong to.
    """

    def __init__(self, masks: PackedMasks, frames: StackFrames) -> None:
        self.masks, self.frames = masks, frames
        self._unmeasured: dict[int, PackedMask] = {}
        self._apart: dict[int, PackedMask] = {}
        self._shape = (len(frames.index), frames.whole.y1, frames.whole.x1)

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.frames)

    @overload
    def __getitem__(self, frame: int) -> HiddenMask: ...
    @overload
    def __getitem__(self, frame: slice) -> list[HiddenMask]: ...
    def __getitem__(self, frame: int | slice) -> HiddenMask | list[HiddenMask]:
        """Return what is hidden of a frame."""
        if isinstance(frame, slice):
            return [self[f] for f in range(*frame.indices(len(self)))]
        if frame >= len(self):
            raise IndexError(frame)
        self.look_at(frame)
        beside = self._unmeasured.get(frame), self._apart.get(frame)
        return HiddenMask(self.masks[frame], self.frames.index, *beside)

    def holes(self, frame: int) -> HiddenMask:
        """Return what is hidden of a frame without what is set apart."""
        self.look_at(frame)
        return HiddenMask(self.masks[frame], self.frames.index, self._unmeasured.get(frame))

    def marked(self, frame: int) -> HiddenMask:
        """Return what is hidden of a frame without what its pixels tell, which are not read."""
        return HiddenMask(self.masks[frame], self.frames.index, None, self._apart.get(frame))

    def set_apart(self, frame: int, first: int, rows: BoolArray) -> None:
        """Neither look at some pixels of a frame nor fill them.

        Parameters
        ----------
        frame : int
            Its number.
        first : int
            The first of the rows.
        rows : numpy.ndarray
            (4, h, X), boolean, in the order of ROLES.
        """
        if rows.any():
            mask = self._apart.setdefault(frame, PackedMask(self._shape))
            box = Box(first, first + rows.shape[1], 0, self._shape[2])
            mask.put(first, rows | mask[(slice(None), *box.slices)])

    def set_all_apart(self, frame: int) -> None:
        """Look at no pixel of a frame, and fill none."""
        self._apart.setdefault(frame, PackedMask(self._shape)).mark_all()

    @property
    def apart(self) -> list[tuple[int, AnyArray]]:
        """What is set apart, by frame, packed; of those where something is."""
        return [(frame, mask.bits) for frame, mask in sorted(self._apart.items())]

    def look_at(self, frame: int) -> None:
        """Find out which pixels of a frame cannot have been measured, once; integers all can."""
        if self.frames.dtype.kind != "f" or frame in self._unmeasured:
            return
        odd = PackedMask(self._shape)
        for band in bands(odd.shape):
            odd.put(band.y0, ~measurable(self.frames.roles(frame, band)))
        self._unmeasured[frame] = odd

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
        for box in boxes:
            pixels = self.frames.roles(frame, box)
            yield pixels, self.marked(frame)[(slice(None), *box.slices)] | ~measurable(pixels)
