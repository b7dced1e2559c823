"""Labels that a person brings, fitted to the stack that they belong to.

They keep their numbers, and these may be anything (Cellpose counts, a tracker gives
millions): inside, cells are numbered by their rank in the frame, so that no table grows
with the largest label.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_dualgland.errors import DualglandError
from napari_dualgland.stack import Stack

LARGEST_LABEL = int(np.iinfo(np.int32).max)

Window = tuple[slice, slice]


@dataclass(frozen=True)
class Ranked:
    """The labels of a frame, and where each is.

    Attributes
    ----------
    labels : numpy.ndarray
        (N,) int64, ascending; 0 is not among them.
    rank : numpy.ndarray
        (Y, X) int32: 0 for background, else 1 + the position in ``labels``.
    windows : tuple of (slice, slice)
        (y, x) bounding boxes, in the order of ``labels``.
    """

    labels: npt.NDArray[np.int64]
    rank: npt.NDArray[np.int32]
    windows: tuple[Window, ...]


def ranked(plane: npt.NDArray[Any]) -> Ranked:
    """Return the labels of a (Y, X) plane of integers, 0 for background."""
    values = np.unique(plane)
    labels = values[values != 0].astype(np.int64)
    rank = np.searchsorted(labels, plane).astype(np.int32) + 1
    rank[plane == 0] = 0
    return Ranked(labels, rank, tuple(ndimage.find_objects(rank, max_label=len(labels))))


class GivenCells:
    """Checked labels, frame by frame.

    Parameters
    ----------
    cells : array_like
        Integers, (Y, X) for all frames, or the shape of ``stack`` without ``C``.
    stack : Stack
        What the labels are for.

    Raises
    ------
    DualglandError
        If the shape does not fit or the values are no integers.
    """

    def __init__(self, cells: Any, stack: Stack) -> None:
        array = cells if hasattr(cells, "dask") else np.asarray(cells)
        self._where = stack.source or stack.name
        if array.dtype.kind not in "ui":
            raise DualglandError(
                f"{self._where}: cells must be labels, integers with a number for each cell and 0 "
                f"for background; these are {array.dtype}"
            )
        sizes, axes = stack.sizes, stack.axes.replace("C", "")
        ways = {a: tuple(sizes[letter] for letter in a) for a in dict.fromkeys((axes, "YX"))}
        fitting = [a for a, shape in ways.items() if tuple(array.shape) == shape]
        if not fitting:
            accepted = " or ".join(f"{a} {shape}" for a, shape in ways.items())
            raise DualglandError(
                f"{self._where}: cells of shape {tuple(array.shape)} do not fit the stack, "
                f"{stack.axes} {stack.shape}; accepted are {accepted}"
            )
        axes = fitting[0]
        array = array.transpose([axes.index(a) for a in "TZYX" if a in axes])
        self._planes = array[tuple(slice(None) if a in axes else None for a in "TZYX")]

    def plane(self, t: int, z: int) -> npt.NDArray[np.int32]:
        """Return the (Y, X) labels of a frame."""
        times, slices = self._planes.shape[:2]
        plane = np.asarray(self._planes[min(t, times - 1), min(z, slices - 1)])
        low, high = int(plane.min()), int(plane.max())
        if low < 0 or high > LARGEST_LABEL:
            odd = low if low < 0 else high
            raise DualglandError(
                f"{self._where}: cells have the label {odd}; labels are between 0 and "
                f"{LARGEST_LABEL}"
            )
        return plane.astype(np.int32)
