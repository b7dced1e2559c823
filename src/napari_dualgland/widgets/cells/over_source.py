"""How pixels without channels are laid over layers that may hold several."""

from __future__ import annotations

import numpy as np

from napari_dualgland.typing import LazyArray
from napari_dualgland.widgets.field.source import Source


def lacking_axis(source: Source) -> int | None:
    """Return the axis of the source that layers without channels do not have.

    napari lines axes up from the last one on: one that is lacking must be the first.
    """
    return 0 if source.axes.startswith("C") else None


def like_source(pixels: LazyArray, source: Source, channels: int) -> LazyArray:
    """Repeat pixels along a channel axis that lies between others, so that all line up.

    Parameters
    ----------
    pixels : numpy.ndarray or dask.array.Array
        Axes of the source without ``C``.
    source : Source
        The layers.
    channels : int
        Of the stack that they hold.

    Returns
    -------
    numpy.ndarray or dask.array.Array
    """
    axis = source.axes.find("C")
    if axis < 1:
        return pixels
    return np.repeat(np.expand_dims(pixels, axis), channels, axis=axis)
