"""Which result layers a source calls for, and the pixels that go into them.

A result has the axes and the dtype of the layer that it stands beside: a channel that was
measured in 8 bits comes back in 8 bits, whatever the channels beside it are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
from napari.layers import Image

from napari_dualgland.results import Imputation
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.field.planes import put_plane
from napari_dualgland.widgets.field.source import Source, as_array
from napari_dualgland.widgets.layers.live import LiveArray
from napari_dualgland.widgets.layers.looks import full_resolution
from napari_dualgland.widgets.layers.pixels import cast, padded, plane_at, with_axes


@dataclass(frozen=True)
class View:
    """One result layer: which channel it shows (None: all) and what it stands beside.

    Attributes
    ----------
    stem : str
        Name of the source layer, or of the role where there was none.
    axes : str
        Of the layer's pixels.
    role : str or None
        None where one layer holds all channels.
    channel : int or None
        Position in the result's stack.
    source : napari.layers.Image or None
        None where the channel was never recorded.
    """

    stem: str
    axes: str
    role: str | None
    channel: int | None
    source: Image | None

    @property
    def name(self) -> str:
        """What the result layer is called."""
        return f"{self.stem} imputed"


def views_of(source: Source) -> list[View]:
    """Return the result layers that a source calls for: one per role, or one for all."""
    if source.one_layer:
        layer = source.first
        return [View(layer.name, source.axes, None, None, layer)]
    present = [role for role in ROLES if role in source.layers]
    # The order of Stack.completed(): what is there, then what is absent.
    order = present + [role for role in ROLES if role not in source.layers]
    views = []
    for role in ROLES:
        own = source.layers.get(role)
        stem = own.name if own is not None else role
        views.append(View(stem, source.axes, role, order.index(role), own))
    return views


def shape_of(view: View, source: Source) -> tuple[int, ...]:
    """Return the shape of a result layer: the source's, and room for absent channels."""
    shape = list(full_resolution(source.first).shape)
    if view.channel is None:
        shape[view.axes.index("C")] += len(ROLES) - len(source.layers)
    return tuple(shape)


def live_pixels(view: View, source: Source) -> Any:
    """Return what a result layer shows while the work goes on, at every resolution."""
    dtype = full_resolution(view.source or source.first).dtype
    if view.source is None:
        return LiveArray(None, shape_of(view, source), dtype)
    levels = view.source.data if view.source.multiscale else [view.source.data]
    extra = shape_of(view, source)[view.axes.index("C")] if view.channel is None else None
    live = []
    for level in levels:
        shape = list(level.shape)
        if extra is not None:
            shape[view.axes.index("C")] = extra
        live.append(LiveArray(level, tuple(shape), dtype))
    return live if view.source.multiscale else live[0]


def picture_pixels(
    view: View, source: Source, frame: dict[str, int] | None, result: Imputation, picture: Any
) -> Any:
    """Return the pixels of a picture of a result, in its source's dtype and axes.

    Parameters
    ----------
    view : View
        The layer that they are for.
    source : Source
        What was repaired.
    frame : dict of str to int or None
        The plane that was repaired, None for all; the others are as they were.
    result : Imputation
        The result.
    picture : numpy.ndarray or dask.array.Array
        Its ``stack.data`` or one of its samples.
    """
    stack = result.stack
    first = as_array(full_resolution(source.first))
    pixels = with_axes(picture, stack, view.channel, view.axes)
    if view.channel is None:
        if frame is None:
            return pixels
        return put_plane(padded(first, shape_of(view, source)), pixels, frame, view.axes)
    if view.source is None:
        pixels = cast(pixels, first.dtype)
        if frame is None:
            return pixels
        blank = padded(first[..., :0], shape_of(view, source))
        return put_plane(blank, pixels, frame, view.axes)
    original = as_array(full_resolution(view.source))
    if pixels.dtype != original.dtype:
        # Layers of several dtypes met in one stack; observed pixels return as they were.
        mask = with_axes(result.missing, stack, view.channel, view.axes)
        here = original if frame is None else plane_at(original, frame, view.axes)
        xp: Any = da if isinstance(pixels, da.Array) else np
        pixels = xp.where(mask, cast(pixels, original.dtype), here)
    return pixels if frame is None else put_plane(original, pixels, frame, view.axes)


def uncertainty_pixels(
    view: View, source: Source, frame: dict[str, int] | None, result: Imputation
) -> Any:
    """Return the uncertainty of a result as :func:`picture_pixels` does; 0 in other planes."""
    pixels = with_axes(result.uncertainty, result.stack, view.channel, view.axes)
    if frame is None:
        return pixels
    blank = da.zeros(shape_of(view, source), dtype=pixels.dtype)
    return put_plane(blank, pixels, frame, view.axes)
