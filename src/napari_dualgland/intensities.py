"""Which numbers of an image may be an intensity that was measured, and what is dark and white."""

from __future__ import annotations

import numpy as np

from napari_dualgland.typing import AnyArray, BoolArray

LARGEST = 1e30
"""No camera counts so far, and what is computed from numbers beyond it runs over in float32.
Programs mark pixels that hold nothing by the largest float there is."""

DARK, WHITE = 0.5, 99.8
"""Percentiles of a plane that are 0 and 1 to a model."""


def measurable(pixels: AnyArray) -> BoolArray:
    """Return which pixels may have been measured: not NaN, not infinite, not beyond LARGEST."""
    if pixels.dtype.kind != "f":
        return np.ones(pixels.shape, bool)
    # Infinity is more than the largest number of the dtype, NaN is never less.
    limit = pixels.dtype.type(min(LARGEST, float(np.finfo(pixels.dtype).max)))
    return np.asarray(np.abs(pixels) <= limit)
