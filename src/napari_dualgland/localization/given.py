"""Labels that a person brings, fitted to the stack that they belong to; they keep their numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from napari_dualgland.errors import DualglandError
from napari_dualgland.stack import Stack
from napari_dualgland.typing import LabelArray

LARGEST_LABEL = int(np.iinfo(np.int32).max)


def given_planes(cells: Any, stack: Stack) -> Callable[[int, int], LabelArray]:
    """Fit labels to a stack.

    Parameters
    ----------
    cells : array_like
        Integers, (Y, X) for all frames, or the shape of ``stack`` without ``C``; lazy arrays
        are read plane by plane.
    stack : Stack
        What the labels are for.

    Returns
    -------
    callable
        Takes (t, z) and returns the (Y, X) int32 labels of that frame; raises DualglandError
        for labels that are no positive int32.

    Raises
    ------
    DualglandError
        If the shape does not fit or the values are no integers.
    """
    where = stack.source or stack.name
    array = cells if hasattr(cells, "dask") else np.asarray(cells)
    if array.dtype.kind not in "ui":
        raise DualglandError(
            f"{where}: cells must be labels, integers with a number for each cell and 0 "
            f"for background; these are {array.dtype}"
        )
    sizes, axes = stack.sizes, stack.axes.replace("C", "")
    ways = {a: tuple(sizes[letter] for letter in a) for a in dict.fromkeys((axes, "YX"))}
    fitting = [a for a, shape in ways.items() if tuple(array.shape) == shape]
    if not fitting:
        accepted = " or ".join(f"{a} {shape}" for a, shape in ways.items())
        raise DualglandError(
            f"{where}: cells of shape {tuple(array.shape)} do not fit the stack, "
            f"{stack.axes} {stack.shape}; accepted are {accepted}"
        )
    axes = fitting[0]
    array = array.transpose([axes.index(a) for a in "TZYX" if a in axes])
    planes = array[tuple(slice(None) if a in axes else None for a in "TZYX")]
    planes = np.broadcast_to(planes, [sizes.get(a, 1) for a in "TZYX"])

    def plane(t: int, z: int) -> LabelArray:
        found = np.asarray(planes[t, z])
        low, high = int(found.min()), int(found.max())
        if low < 0 or high > LARGEST_LABEL:
            raise DualglandError(
                f"{where}: cells have the label {low if low < 0 else high}; labels are between "
                f"0 and {LARGEST_LABEL}"
            )
        return found.astype(np.int32)

    return plane
