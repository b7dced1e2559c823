"""Arrays by what they hold: one name each, so that an annotation reads like a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import dask.array as da

BoolArray: TypeAlias = npt.NDArray[np.bool_]
ByteArray: TypeAlias = npt.NDArray[np.uint8]
Float32Array: TypeAlias = npt.NDArray[np.float32]
Float64Array: TypeAlias = npt.NDArray[np.float64]
FloatArray: TypeAlias = npt.NDArray[np.floating]
"""Floats of any width."""
LabelArray: TypeAlias = npt.NDArray[np.int32]
"""Numbers of cells, 0 for background."""
IndexArray: TypeAlias = npt.NDArray[np.int64]
AnyArray: TypeAlias = npt.NDArray[Any]
"""An array in memory, in the dtype of its source."""
LazyArray: TypeAlias = "npt.NDArray[Any] | da.Array"
"""An array in memory, or a promise of one: dask's."""
