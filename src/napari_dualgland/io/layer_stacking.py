"""The pixels of several layers as one array; of large ones none is copied."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_dualgland.mask import Cut
from napari_dualgland.typing import AnyArray, LazyArray

_COPIED = 2**22
"""Bytes up to which layers are put together at once; larger ones are when they are needed."""


def together(layers: Sequence[LazyArray], axis: int) -> LazyArray:
    """Return arrays of one shape stacked along a new axis.

    Parameters
    ----------
    layers : sequence of numpy.ndarray or dask.array.Array
        The last two axes are planes.
    axis : int
        Where the new one is to stand.

    Returns
    -------
    numpy.ndarray or dask.array.Array
        Lazy where a layer is, or where they are large.
    """
    size = sum(layer.size * layer.dtype.itemsize for layer in layers)
    lazy = any(hasattr(layer, "dask") for layer in layers)
    if size <= _COPIED and not lazy:
        whole: LazyArray = np.stack(layers, axis=axis)
        return whole
    import dask.array as da

    each = [_by_planes(x) if isinstance(x, np.ndarray) else x for x in layers]
    stacked: LazyArray = da.stack(each, axis=axis)  # type: ignore[no-untyped-call]
    return stacked


def _by_planes(layer: AnyArray) -> LazyArray:
    import dask.array as da

    chunks = (1,) * (layer.ndim - 2) + (-1, -1)
    lazy: LazyArray = da.from_array(  # type: ignore[no-untyped-call]
        Cut(layer), chunks=chunks, name=False, meta=np.empty((0,) * layer.ndim, layer.dtype)
    )
    return lazy
