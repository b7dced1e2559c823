"""Bring estimates to the dtype of a stack."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_dualgland.typing import AnyArray, FloatArray


def cast(values: FloatArray, dtype: np.dtype[Any]) -> AnyArray:
    """Return estimates in the dtype of the source: rounded to integers, clipped to its range.

    Parameters
    ----------
    values : numpy.ndarray
        Finite, in the units of the source.
    dtype : numpy.dtype
        Of the source: integers or floats.

    Returns
    -------
    numpy.ndarray
        Of that dtype and the shape of ``values``.
    """
    if dtype.kind == "f":
        largest = float(np.finfo(dtype).max)
        return np.clip(values, -largest, largest).astype(dtype)
    limits = np.iinfo(dtype)
    rounded = np.clip(np.rint(values), limits.min, limits.max)
    # The largest integers of 64 bits are no floats; a float above them would wrap around.
    top = rounded >= limits.max
    cast_down = np.where(top, 0, rounded).astype(dtype)
    return np.where(top, np.array(limits.max, dtype), cast_down)
