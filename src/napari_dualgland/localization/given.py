"""Labels that a person brings, fitted to the stack that they belong to; they keep their numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.mask import LARGEST_LABEL, as_mask
from napari_dualgland.stack import Stack, to_canonical
from napari_dualgland.typing import LabelArray


def given_planes(cells: Any, stack: Stack) -> Callable[[int, int], LabelArray]:
    """Fit labels to a stack.

    Parameters
    ----------
    cells : array_like or Mask
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
    mask = as_mask(cells)
    planes = to_canonical(mask.labels(stack), stack.axes.replace("C", ""))

    def plane(t: int, z: int) -> LabelArray:
        found = np.asarray(planes[t, z, 0])
        low, high = int(found.min()), int(found.max())
        if low < 0 or high > LARGEST_LABEL:
            odd = low if low < 0 else high
            raise DualglandError(
                Kind.WRONG_CONTENT,
                mask.name or stack.where,
                f"cells have the label {odd}",
                expected=f"labels between 0 and {LARGEST_LABEL}",
                way_out="number the cells anew",
            )
        return found.astype(np.int32)

    return plane
