"""Which result layers a source calls for, and the pixels that go into them.

A result has the axes and the dtype of the layer that it stands beside: a channel that was
measured in 8 bits comes back in 8 bits, whatever the channels beside it are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from napari.layers import Image

from napari_dualgland.io.layer_axes import full_resolution, pixels_of, shape_of
from napari_dualgland.results import Imputation
from napari_dualgland.stack import ROLES, Stack, from_canonical, to_canonical
from napari_dualgland.typing import LazyArray
from napari_dualgland.widgets.field.planes import put_plane
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.layers.fills import Fills
from napari_dualgland.widgets.layers.live import LiveArray
from napari_dualgland.widgets.layers.pixels import cast


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


def _shape(view: View, source: Source) -> tuple[int, ...]:
    """Return the shape of a result layer: the source's, and room for absent channels."""
    shape = list(shape_of(source.first))
    if view.channel is None:
        shape[view.axes.index("C")] += len(ROLES) - len(source.layers)
    return tuple(shape)


def live_pixels(view: View, source: Source) -> Any:
    """Return what a result layer shows while the work goes on, at every resolution.

    Parameters
    ----------
    view : View
        The layer.
    source : Source
        What is being repaired.

    Returns
    -------
    LiveArray or list of LiveArray
        The source's own pixels, to lay finished tiles over.
    """
    dtype = full_resolution(view.source or source.first).dtype
    shape = _shape(view, source)
    if view.source is None:
        return LiveArray(None, shape, dtype)
    levels = view.source.data if view.source.multiscale else [view.source.data]
    live = []
    for level in levels:
        # Levels are coarser along Y and X; absent channels are added to each.
        sizes = [
            whole if axis == "C" else n
            for axis, n, whole in zip(view.axes, level.shape, shape, strict=True)
        ]
        live.append(LiveArray(level, tuple(sizes), dtype))
    return live if view.source.multiscale else live[0]


@dataclass(frozen=True)
class ResultPixels:
    """The pixels of a result as layers show them: in the axes and dtype of their source.

    Attributes
    ----------
    source : Source
        What was repaired.
    frame : dict of str to int or None
        The plane that was repaired, None for all; the others are as they were.
    result : Imputation
        What came out.
    """

    source: Source
    frame: dict[str, int] | None
    result: Imputation

    def picture(self, view: View, picture: LazyArray) -> LazyArray:
        """Return the pixels of a picture.

        Parameters
        ----------
        view : View
            The layer that they are for.
        picture : numpy.ndarray or dask.array.Array
            The result's data or one of its samples.

        Returns
        -------
        numpy.ndarray or dask.array.Array
        """
        first, frame = pixels_of(self.source.first), self.frame
        pixels = _with_axes(picture, self.result, view.channel, view.axes)
        if view.channel is None:
            whole = first if frame is None else _padded(first, _shape(view, self.source))
        elif view.source is None:
            pixels, whole = cast(pixels, first.dtype), np.zeros_like(first)
        else:
            whole = pixels_of(view.source)
            if pixels.dtype != whole.dtype:
                # Layers of several dtypes met in one stack; observed pixels return as they were.
                mask = _with_axes(self.result.missing, self.result, view.channel, view.axes)
                here = whole if frame is None else _plane_at(whole, frame, view.axes)
                pixels = np.where(mask, cast(pixels, whole.dtype), here)
        return pixels if frame is None else put_plane(whole, pixels, frame, view.axes)

    def uncertainty(self, view: View) -> LazyArray:
        """Return the uncertainty, of a result that has one; 0 in other planes."""
        assert self.result.uncertainty is not None
        pixels = _with_axes(self.result.uncertainty, self.result, view.channel, view.axes)
        if self.frame is None:
            return pixels
        # Here and not above: it takes half a second to import, and a dock should open at once.
        import dask.array as da

        blank = da.zeros(_shape(view, self.source), dtype=pixels.dtype)
        return put_plane(blank, pixels, self.frame, view.axes)

    def fills(self, view: View) -> Fills:
        """Return what goes with a layer of the result, computed when it is asked for."""
        other, unsure = self.result.other, self.result.uncertainty
        return Fills(
            None if other is None else partial(self.picture, view, other),
            None if unsure is None else partial(self.uncertainty, view),
        )


def _with_axes(pixels: LazyArray, stack: Stack, channel: int | None, axes: str) -> LazyArray:
    """Return one channel (or all) of pixels shaped as ``stack``, with a layer's axes."""
    canonical = to_canonical(pixels, stack.axes)
    if channel is not None:
        canonical = canonical[:, :, channel : channel + 1]
    return from_canonical(canonical, axes)


def _plane_at(pixels: LazyArray, frame: dict[str, int], axes: str) -> LazyArray:
    return pixels[tuple(slice(frame[a], frame[a] + 1) if a in frame else slice(None) for a in axes)]


def _padded(pixels: LazyArray, shape: tuple[int, ...]) -> LazyArray:
    """Return pixels with zeros behind them along every axis, up to ``shape``."""
    by = [(0, n - m) for n, m in zip(shape, pixels.shape, strict=True)]
    if not any(after for _, after in by):
        return pixels
    return np.pad(pixels, by)
