"""Pixels of a stack as a layer holds them: its dtype, and the levels of its pyramid."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_dualgland.typing import LazyArray


def cast(pixels: LazyArray, dtype: np.dtype[Any] | str) -> LazyArray:
    """Return estimates in an image's dtype, rounded and clipped where it is an integer.

    Parameters
    ----------
    pixels : numpy.ndarray or dask.array.Array
        Of any dtype.
    dtype : numpy.dtype
        Of the image.

    Returns
    -------
    numpy.ndarray or dask.array.Array
    """
    dtype = np.dtype(dtype)
    if pixels.dtype == dtype:
        return pixels
    if dtype.kind in "ui" and pixels.dtype.kind == "f":
        pixels = pixels.round()
    if dtype.kind in "ui":
        limits = np.iinfo(dtype)
        pixels = pixels.clip(limits.min, limits.max)
    return pixels.astype(dtype)


def pyramid_like(pixels: LazyArray, layer: Any) -> list[LazyArray]:
    """Return the levels of a multiscale result, as coarse as those of another.

    Parameters
    ----------
    pixels : numpy.ndarray or dask.array.Array
        The finest level.
    layer : napari.layers.Image
        Multiscale.

    Returns
    -------
    list of numpy.ndarray or dask.array.Array
    """
    full = layer.data[0].shape
    levels = []
    for level in layer.data:
        step = [max(1, round(f / n)) for f, n in zip(full, level.shape, strict=True)]
        levels.append(pixels[tuple(slice(None, None, s) for s in step)])
    return levels
