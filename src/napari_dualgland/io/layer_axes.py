"""The pixels of an open layer and which axis is which: told, or as napari's sliders suggest.

napari is not imported: a layer is what behaves like one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.layer_tag import tag_of
from napari_dualgland.stack import ROLES
from napari_dualgland.typing import LazyArray

_AXIS_WORDS = {
    "T": {"t", "time", "frame", "frames"},
    "Z": {"z", "depth", "plane", "slice"},
    "C": {"c", "ch", "channel", "channels"},
    "Y": {"y", "row", "rows"},
    "X": {"x", "column", "columns"},
}


def full_resolution(layer: Any) -> Any:
    """Return the pixels of a layer; of a multiscale layer, those of its finest level."""
    return layer.data[0] if layer.multiscale else layer.data


def pixels_of(layer: Any) -> LazyArray:
    """Return a layer's pixels as NumPy or, where lazy (dask, zarr, memory maps), as dask."""
    pixels = full_resolution(layer)
    if isinstance(pixels, np.ndarray) and not isinstance(pixels, np.memmap):
        return pixels
    import dask.array as da

    return pixels if isinstance(pixels, da.Array) else da.from_array(pixels)  # type: ignore[no-untyped-call,no-any-return]


def shape_of(layer: Any) -> tuple[int, ...]:
    """Return the shape of a layer, at its finest level."""
    return tuple(full_resolution(layer).shape)


def named_axes(layer: Any) -> str | None:
    """Return the axes of a layer as letters of TZCYX, None where nothing tells them.

    Told by our own record of the layer, else by its axis labels.
    """
    words = [str(label).lower() for label in layer.axis_labels or ()]
    letters = [next((a for a, known in _AXIS_WORDS.items() if w in known), "?") for w in words]
    for axes in (tag_of(layer).axes or "", "".join(letters)):
        known = {"Y", "X"} <= set(axes) <= set(_AXIS_WORDS) and len(set(axes)) == len(axes)
        if known and len(axes) == len(shape_of(layer)):
            return axes
    return None


def axes_of(layer: Any, channel_axis: int | None = None) -> str:
    """Return the axes of a layer as letters of TZCYX.

    Where nothing tells them, the last two axes are Y and X, the one before them is Z and
    the one before that T, as napari's own sliders suggest.

    Parameters
    ----------
    layer : napari.layers.Layer
        Its axis labels count where they are words.
    channel_axis : int, optional
        The axis that holds the channels; None where the layer shows one channel.

    Returns
    -------
    str

    Raises
    ------
    DualglandError
        If the layer has more axes than a stack can have, or a channel axis where one
        layer shows one channel.
    """
    named = named_axes(layer)
    if named is not None and "C" in named and channel_axis is None:
        raise DualglandError(
            Kind.WRONG_CONTENT,
            f"layer {layer.name!r}",
            "has a channel axis",
            way_out="choose “one layer with channels” above",
        )
    if named is not None and channel_axis in (None, named.find("C")):
        return named
    ndim = len(shape_of(layer))
    plain = ndim - (channel_axis is not None)
    if not 2 <= plain <= 4:
        raise DualglandError(
            Kind.AMBIGUOUS,
            f"layer {layer.name!r}",
            f"has {ndim} axes without names",
            expected="Y and X, and at most Z and T beside the channels",
            way_out="set its axis labels to some of t, z, c, y, x",
        )
    letters = list("TZYX"[-plain:])
    if channel_axis is not None:
        letters.insert(channel_axis, "C")
    return "".join(letters)


def guess_channel_axis(layer: Any) -> int | None:
    """Return the axis of a layer that holds the channels, None where there is none to see.

    An axis that is named so, or else the only axis that is as long as there are roles: beside
    Y and X, where those are the last, or the last behind them, as cameras for colours have it.
    """
    named = named_axes(layer)
    if named is not None:
        return named.index("C") if "C" in named else None
    shape = shape_of(layer)
    fitting = [i for i, n in enumerate(shape[:-2]) if n == len(ROLES)]
    if not fitting and len(shape) > 2 and shape[-1] == len(ROLES) < min(shape[-3:-1]):
        return len(shape) - 1
    return fitting[0] if len(fitting) == 1 else None
