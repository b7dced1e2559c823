"""What is marked of a stack, frame by frame: by a mask, as found in it, or by an earlier run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from napari_dualgland.findings import Finding
from napari_dualgland.imputation.frames import StackFrames
from napari_dualgland.imputation.notes import Notes
from napari_dualgland.imputation.tiling.boxes import Box, bands
from napari_dualgland.mask import Mask
from napari_dualgland.missing import MissingParams
from napari_dualgland.missing.detect import find_in_planes
from napari_dualgland.missing.mosaic import find_in_frame
from napari_dualgland.missing.parts import is_large
from napari_dualgland.stack import Stack, to_canonical
from napari_dualgland.typing import AnyArray, BoolArray


class Marks:
    """Marks in the channels of a stack, some rows at a time.

    Parameters
    ----------
    source : Stack
        What they are in.
    given : Mask or None
        What is missing; found frame by frame if None.
    frames : StackFrames
        Of the completed stack, which has the channels of the source first.
    notes : Notes
        Keep what is found.

    Raises
    ------
    DualglandError
        If the mask does not fit, or its bounds lie beside the stack.
    """

    def __init__(
        self, source: Stack, given: Mask | None, frames: StackFrames, notes: Notes
    ) -> None:
        self._source, self._frames, self._notes = source, frames, notes
        self._given: Any = None
        self._bounds: Box | None = None
        if given is not None:
            self._given = to_canonical(given.unbounded().fitted(source), source.axes)
            self._bounds = None if given.bounds is None else Box(*given.bounds_in(source))
        earlier = source.imputed
        self._earlier: Any = None if earlier is None else to_canonical(earlier, source.axes)

    def loads_pixels(self, frame: int) -> bool:
        """Tell whether the pixels of a frame are loaded for its mask."""
        if self._given is None:
            return True
        return self._frames.shares_loads_with(self._given[self._frames.place(frame)])

    def rows(
        self, frame: int, should_stop: Callable[[], bool]
    ) -> Iterator[tuple[int, BoolArray, BoolArray | None]]:
        """Yield what is missing of a frame, some rows at a time where it is not found in all of it.

        Parameters
        ----------
        frame : int
            Its number.
        should_stop : callable
            Asked between parts of a large frame in which it is looked for.

        Yields
        ------
        first : int
            Number of the first row.
        missing : numpy.ndarray
            (C, h, X), boolean: to be filled.
        beyond : numpy.ndarray or None
            As ``missing``: damaged, and beyond the bounds of the mask; None if it has none.
        """
        if self._given is None:
            found = self._found(frame, should_stop)
        else:
            found = self._rows_of(self._given, frame)
        for first, rows in found:
            if self._bounds is None:
                yield first, rows, None
                continue
            inside = np.zeros_like(rows)
            top, bottom, left, right = self._bounds
            here = slice(max(top - first, 0), max(bottom - first, 0)), slice(left, right)
            inside[(slice(None), *here)] = rows[(slice(None), *here)]
            yield first, inside, rows & ~inside

    def earlier(self, frame: int) -> Iterator[tuple[int, BoolArray]]:
        """Yield what an earlier run has estimated of a frame: first row, and (C, h, X) marks."""
        if self._earlier is not None:
            yield from self._rows_of(self._earlier, frame)

    def estimated(self, role: int, places: Mapping[int, Sequence[Box]]) -> AnyArray:
        """Return what an earlier run has estimated of a role.

        Parameters
        ----------
        role : int
            Its number in the order of ROLES.
        places : mapping of int to sequence of Box
            Where to look, by frame.

        Returns
        -------
        numpy.ndarray
            (N,), in the units of the stack.
        """
        channel, found = self._frames.index[role], [np.zeros(0, self._frames.dtype)]
        if self._earlier is not None and channel < self._earlier.shape[2]:
            for frame, boxes in places.items():
                estimated = self._earlier[self._frames.place(frame)][channel]
                for box in boxes:
                    pixels = self._frames.roles(frame, box)[role]
                    found.append(pixels[np.asarray(estimated[box.slices])])
        return np.concatenate(found)

    def _rows_of(self, masks: Any, frame: int) -> Iterator[tuple[int, BoolArray]]:
        """Yield the rows of a frame of (T, Z, C, Y, X) masks."""
        mask = masks[self._frames.place(frame)]
        if self._frames.shares_loads_with(mask):
            yield 0, self._frames.load_with(frame, mask)
            return
        if hasattr(mask, "dask"):  # no chunk of it is made twice
            ends = np.cumsum(mask.chunks[1]).tolist()
            rows = list(pairwise([0, *ends]))
        else:
            rows = [(band.y0, band.y1) for band in bands(mask.shape)]
        for first, last in rows:
            yield first, np.asarray(mask[:, first:last])

    def _found(
        self, frame: int, should_stop: Callable[[], bool]
    ) -> Iterator[tuple[int, BoolArray]]:
        count = len(self._source.channels)

        def read(rows: slice, columns: slice) -> AnyArray:
            box = Box(rows.start, rows.stop, columns.start, columns.stop)
            return self._frames.channels(frame, box)[:count]

        whole = self._frames.whole
        shape = (count, whole.y1, whole.x1)
        how = (MissingParams(), self._source.channel_keys, self._frames.place(frame))
        if not is_large(shape):
            yield 0, find_in_planes(read(*whole.slices), *how, self._note)
            return
        found = find_in_frame(read, shape, *how, self._note, should_stop)
        for band in bands(shape):
            yield band.y0, found[slice(None), *band.slices]

    def _note(self, finding: Finding) -> None:
        self._notes.add(finding.sentence())
