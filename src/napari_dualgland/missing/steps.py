"""Steps of an image amid flat surroundings, by which the grid of a coder's blocks is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_dualgland.missing.windows import running
from napari_dualgland.typing import AnyArray, Float64Array, IndexArray

LOW = 0.25
"""Share of the channel's range below which steps are those of blocks; damage steps higher."""
LINES = 512
"""Rows, and columns, of a plane that are looked at."""
CHUNK = 64
"""So many of them at a time; they stay in the processor's cache."""


@dataclass(frozen=True)
class QuietSteps:
    """How far an image rises or falls where it does so amid flat surroundings.

    Attributes
    ----------
    at : numpy.ndarray
        (N,), int64: before which pixel along its line. A step at j is one from pixel j − 1
        to j + 2: a line that lies between the pixels of a shrunk image makes two of one.
    height : numpy.ndarray
        (N,), float64, more than 0.
    lines, length : int
        So many lines were looked at, at so many places each.
    """

    at: IndexArray
    height: Float64Array
    lines: int
    length: int

    @classmethod
    def of(cls, plane: AnyArray, axis: int) -> QuietSteps:
        """Return the steps along an axis, on :data:`LINES` of its lines.

        Parameters
        ----------
        plane : numpy.ndarray
            (Y, X), finite.
        axis : int

        Returns
        -------
        QuietSteps
        """
        every = max(1, plane.shape[1 - axis] // LINES)
        some = plane[:, ::every].T if axis == 0 else plane[::every]
        lines, length = some.shape
        at, height = [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
        if length >= 8:
            span = float(some.max()) - float(some.min())
            for i in range(0, lines, CHUNK):
                rise = _quiet_rise(some[i : i + CHUNK], span)
                there = np.nonzero(rise)
                at.append(there[1])
                height.append(rise[there].astype(np.float64))
        return cls(np.concatenate(at), np.concatenate(height), lines, max(0, length - 1))


def _quiet_rise(some: AnyArray, span: float) -> AnyArray:
    """Return (lines, length − 1): how high the quiet steps of some lines are, 0 elsewhere.

    ``span`` is that of all values of the plane.
    """
    values = countable(some)
    count = values.shape[1] - 1
    steps = np.zeros((len(values), count + 4), dtype=values.dtype)
    np.subtract(values[:, 1:], values[:, :-1], out=steps[:, 2:-2])
    there = (np.abs(steps) > 1e-6 * span).view(np.uint8)
    around = running(there, np.add, 2, 2, axis=1)[:, 2:-2]
    rise = np.abs(steps[:, 1 : 1 + count] + steps[:, 2 : 2 + count] + steps[:, 3 : 3 + count])
    return np.asarray(rise * ((there[:, 2:-2] > 0) & (around <= 2) & (rise < LOW * span)))


def countable(some: AnyArray) -> AnyArray:
    """Return pixels in the smallest dtype in which a few add up without rounding."""
    small = some.dtype.kind != "f" and some.dtype.itemsize <= 2
    return some.astype(np.int32 if small else np.float64, order="C")
