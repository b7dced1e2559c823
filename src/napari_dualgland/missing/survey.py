"""What must be known of a large frame as a whole before its parts are searched.

Floor and ceiling are those of all its pixels; its noise, and the grid of a coder, are read
off a sample that is put together from the middles of its parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from napari_dualgland.intensities import measurable
from napari_dualgland.missing.cutouts import cut_away
from napari_dualgland.missing.measured import Measured, span
from napari_dualgland.missing.parts import STEP, Slices, parts
from napari_dualgland.typing import AnyArray

Read = Callable[[slice, slice], AnyArray]
"""Returns the pixels of all channels, (C, h, w), in some rows and columns."""

SAMPLE = 2048
"""Side of the sample in pixels, about."""
THIN = 2048
"""Side of the thinned frame in pixels, at most."""


@dataclass(frozen=True)
class Survey:
    """What is known of a frame.

    Attributes
    ----------
    known : list of Measured
        For every channel.
    spare : bool
        Whether a background may have been cut away.
    thin : numpy.ndarray
        (C, y, x): one pixel of every ``every`` in each direction.
    every : int
    """

    known: list[Measured]
    spare: bool
    thin: AnyArray
    every: int

    @classmethod
    def of(cls, read: Read, shape: tuple[int, ...]) -> Survey:
        """Look over a frame once.

        Parameters
        ----------
        read : callable
            Gives its pixels.
        shape : tuple of int
            (C, Y, X).

        Returns
        -------
        Survey
        """
        cores = [core for _, _, core in parts(shape)]
        rows = sum(core[1].start == 0 for core in cores)
        side = max(STEP, SAMPLE // max(rows, len(cores) // rows) // STEP * STEP)
        every = -(-max(shape[1:]) // THIN)
        middles, thin = [], []
        spans: list[list[AnyArray]] = [[] for _ in range(shape[0])]
        for core in cores:
            planes = read(*core)
            for plane, ends in zip(planes, spans, strict=True):
                finite = measurable(plane)
                if finite.any():
                    ends += span(plane, finite)
            middles.append(planes[:, *_middle(core, side)].copy())
            first = [-where.start % every for where in core]
            thin.append(planes[:, first[0] :: every, first[1] :: every].copy())
        sample = _put_together(middles, rows)
        lows = [min(ends, default=0) for ends in spans]
        highs = [max(ends, default=0) for ends in spans]
        known = []
        for plane, low, high in zip(sample, lows, highs, strict=True):
            finite = measurable(plane)
            values = plane if finite.all() else np.where(finite, plane, plane.dtype.type(0))
            known.append(Measured.of(values, finite, low, high))
        thinned = _put_together(thin, rows)
        floor = (thinned == np.array(lows)[:, None, None]).all(axis=0)
        return cls(known, bool(cut_away(floor).any()), thinned, every)


def _middle(core: Slices, side: int) -> Slices:
    """Return the middle of a core, within it, from multiples of STEP on."""
    starts = [(where.stop - where.start - side) // 2 // STEP * STEP for where in core]
    rows, columns = (slice(max(0, start), max(0, start) + side) for start in starts)
    return rows, columns


def _put_together(pieces: list[AnyArray], rows: int) -> AnyArray:
    """Return one plane of pieces that lie row by row, those of a row equally high."""
    width = len(pieces) // rows
    bands = pairwise(range(0, len(pieces) + 1, width))
    return np.concatenate([np.concatenate(pieces[i:j], axis=2) for i, j in bands], axis=1)
