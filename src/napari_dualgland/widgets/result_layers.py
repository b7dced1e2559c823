"""The layers that a run leaves in the viewer, from the first tile to the last.

While the work goes on, one live layer per result shows the source with the finished
tiles over it; at the end the same layers take the final pixels, or disappear without a
trace if the work was cancelled. Sources are hidden meanwhile, never changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
from napari.layers import Image, Labels
from napari.utils.colormaps import Colormap

from napari_dualgland.imputation.progress import Patch
from napari_dualgland.io.napari_io import METADATA_KEY
from napari_dualgland.results import Imputation
from napari_dualgland.stack import ROLE_COLORS, ROLES, from_canonical
from napari_dualgland.widgets.guess import told_by
from napari_dualgland.widgets.layers import Source, as_array
from napari_dualgland.widgets.live import LiveArray
from napari_dualgland.widgets.looks import full_resolution, image_looks, placement
from napari_dualgland.widgets.masks import is_coded
from napari_dualgland.widgets.missing_layer import find_own, missing_codes, show_missing
from napari_dualgland.widgets.pixels import (
    cast,
    padded,
    plane_at,
    put_scaled,
    pyramid_like,
    with_axes,
)
from napari_dualgland.widgets.planes import put_plane
from napari_dualgland.widgets.roles import ESTIMATE_NOTE


@dataclass(frozen=True)
class _View:
    """One result layer: which channel it shows (None: all) and what it stands beside."""

    name: str
    axes: str
    role: str | None
    channel: int | None
    source: Image | None


def views_of(source: Source) -> list[_View]:
    """Return the result layers that a source calls for: one per role, or one for all."""
    if source.one_layer:
        layer = source.first
        return [_View(f"{layer.name} imputed", source.axes, None, None, layer)]
    present = [role for role in ROLES if role in source.layers]
    # The order of Stack.completed(): what is there, then what is absent.
    order = present + [role for role in ROLES if role not in source.layers]
    views = []
    for role in ROLES:
        own = source.layers.get(role)
        name = own.name if own is not None else role
        views.append(_View(f"{name} imputed", source.axes, role, order.index(role), own))
    return views


class ResultLayers:
    """Result layers of one run.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they are shown.
    source : Source
        What is being repaired.
    frame : dict of str to int or None
        The plane that is repaired, None for all.
    """

    def __init__(self, viewer: Any, source: Source, frame: dict[str, int] | None) -> None:
        self._viewer = viewer
        self._source = source
        self._frame = frame
        self._views = views_of(source)
        self._hidden: list[Any] = []
        self.layers: list[Image] = []
        self.missing: Labels | None = None
        self.uncertainty: list[Image] = []

    def open(self, marked_in: Any = None) -> None:
        """Show the source once more, in layers that will take the tiles.

        The layer that the person has marked what is missing in is hidden meanwhile.
        """
        earlier = [own for own in map(self._earlier, self._views) if own is not None]
        visible = {id(view): view.source is None or view.source.visible for view in self._views}
        # Marks of what is missing would hide the tiles that are to be seen.
        marks = [layer for layer in self._viewer.layers if is_coded(layer)]
        marks += [marked_in] if marked_in is not None and marked_in not in marks else []
        for layer in (*self._source.distinct_layers, *earlier, *marks):
            if layer.visible:
                self._hidden.append(layer)
                layer.visible = False
        for view in self._views:
            layer = Image(
                self._live_pixels(view),
                name=f"{view.name} (working)",
                metadata={METADATA_KEY: {"kind": "working", "role": view.role}},
                multiscale=view.source is not None and view.source.multiscale,
                **placement(self._source.first),
                **{**self._looks(view), "visible": visible[id(view)]},
            )
            self.layers.append(self._viewer.add_layer(layer))

    def put(self, patch: Patch) -> None:
        """Lay a finished tile over the live layers; :meth:`refresh` shows it."""
        frame = self._frame or {"T": patch.t, "Z": patch.z}
        starts = {**frame, "C": 0, "Y": patch.y.start, "X": patch.x.start}
        for view, layer in zip(self._views, self.layers, strict=True):
            values = patch.values if view.channel is None else patch.values[view.channel][None]
            box = from_canonical(values[None, None], view.axes)
            start = tuple(starts[axis] for axis in view.axes)
            levels = layer.data if layer.multiscale else [layer.data]
            for level in levels:
                put_scaled(level, levels[0].shape, start, cast(box, level.dtype))

    def refresh(self) -> None:
        """Draw what was put since the last time."""
        for layer in self.layers:
            if layer.visible:
                layer.refresh(thumbnail=False, extent=False)

    def pairs(self) -> list[tuple[Image | None, Image]]:
        """Return each source layer with its result; None where the channel was absent."""
        return [(view.source, layer) for view, layer in zip(self._views, self.layers, strict=True)]

    def discard(self) -> None:
        """Take everything of this run out of the viewer and show the sources again."""
        for layer in self.layers:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        self.layers = []
        for layer in self._hidden:
            layer.visible = True
        self._hidden = []

    def finish(self, result: Imputation) -> None:
        """Give the layers their final pixels, names and provenance.

        Results of an earlier run on the same layers are replaced, unless the person has
        renamed them.
        """
        for view, layer in zip(self._views, self.layers, strict=True):
            if layer not in self._viewer.layers:
                continue
            earlier = self._earlier(view)
            if earlier is not None:
                self._viewer.layers.remove(earlier)
            pixels = self._final_pixels(view, result)
            layer.data = pyramid_like(pixels, layer) if layer.multiscale else pixels
            layer.metadata = {METADATA_KEY: self._told(result, "imputed", view.role)}
            layer.name = view.name
            if view.source is None:
                layer.contrast_limits = _limits(pixels)
        self._add_uncertainty(result)
        codes = missing_codes(self._source, result.stack, result.missing, self._frame)
        self.missing = show_missing(
            self._viewer, self._source, codes, self._told(result, "missing", None), outline=True
        )

    def _looks(self, view: _View) -> dict[str, Any]:
        if view.source is not None:
            return image_looks(view.source)
        # A channel that was never recorded is shown as the atlas shows it.
        like = image_looks(self._source.first)
        color = ROLE_COLORS[view.role or "protein"]
        return {**like, "colormap": Colormap(["#000000", color], name=view.role), "gamma": 1.0}

    def _earlier(self, view: _View) -> Any:
        return find_own(self._viewer, "imputed", view.name, self._source)

    def _shape(self, view: _View) -> tuple[int, ...]:
        shape = list(full_resolution(self._source.first).shape)
        if view.channel is None:
            shape[view.axes.index("C")] += len(ROLES) - len(self._source.layers)
        return tuple(shape)

    def _live_pixels(self, view: _View) -> Any:
        dtype = full_resolution(view.source or self._source.first).dtype
        if view.source is None:
            return LiveArray(None, self._shape(view), dtype)
        levels = view.source.data if view.source.multiscale else [view.source.data]
        extra = self._shape(view)[view.axes.index("C")] if view.channel is None else None
        live = []
        for level in levels:
            shape = list(level.shape)
            if extra is not None:
                shape[view.axes.index("C")] = extra
            live.append(LiveArray(level, tuple(shape), dtype))
        return live if view.source.multiscale else live[0]

    def _final_pixels(self, view: _View, result: Imputation) -> Any:
        """Return the pixels of one result layer, in its source's dtype and axes."""
        stack, missing = result.stack, result.missing
        if view.channel is None:
            pixels = with_axes(stack.data, stack, None, view.axes)
            original = as_array(full_resolution(self._source.first))
            if self._frame is None:
                return pixels
            return put_plane(padded(original, self._shape(view)), pixels, self._frame, view.axes)
        pixels = with_axes(stack.data, stack, view.channel, view.axes)
        if view.source is None:
            dtype = full_resolution(self._source.first).dtype
            pixels = cast(pixels, dtype)
            if self._frame is None:
                return pixels
            blank = padded(
                as_array(full_resolution(self._source.first))[..., :0], self._shape(view)
            )
            return put_plane(blank, pixels, self._frame, view.axes)
        original = as_array(full_resolution(view.source))
        if pixels.dtype != original.dtype:
            # Layers of several dtypes met in one stack; observed pixels return as they were.
            mask = with_axes(missing, stack, view.channel, view.axes)
            here = original if self._frame is None else plane_at(original, self._frame, view.axes)
            xp: Any = da if isinstance(pixels, da.Array) else np
            pixels = xp.where(mask, cast(pixels, original.dtype), here)
        if self._frame is None:
            return pixels
        return put_plane(original, pixels, self._frame, view.axes)

    def _add_uncertainty(self, result: Imputation) -> None:
        """Show the uncertainty where the model gives one; nothing where it does not."""
        if result.uncertainty is None:
            return
        for view in self._views:
            name = view.name.removesuffix(" imputed") + " uncertainty"
            pixels = with_axes(result.uncertainty, result.stack, view.channel, view.axes)
            if self._frame is not None:
                blank = da.zeros(self._shape(view), dtype=pixels.dtype)
                pixels = put_plane(blank, pixels, self._frame, view.axes)
            earlier = find_own(self._viewer, "uncertainty", name, self._source)
            if earlier is not None:
                self._viewer.layers.remove(earlier)
            layer = Image(
                pixels,
                name=name,
                colormap="inferno",
                blending="additive",
                visible=False,
                metadata={METADATA_KEY: self._told(result, "uncertainty", view.role)},
                **placement(self._source.first),
            )
            self.uncertainty.append(self._viewer.add_layer(layer))

    def _told(self, result: Imputation, kind: str, role: str | None) -> dict[str, Any]:
        """Return what a layer carries into a saved file."""
        like = self._source.layers.get(role or "", self._source.first)
        told = {
            **told_by(like),
            "kind": kind,
            "role": role,
            "axes": self._source.axes,
            "sources": [layer.name for layer in self._source.distinct_layers],
            "note": ESTIMATE_NOTE,
            "provenance": result.provenance.model_dump(mode="json"),
        }
        if role not in self._source.layers:
            told["channel"] = role
        if self._source.one_layer:
            told["roles"] = [channel.role for channel in result.stack.channels]
        if self._frame is not None:
            told["plane"] = dict(self._frame)
        return told


def _limits(pixels: Any) -> tuple[float, float]:
    """Return contrast limits from the middle plane of a channel that had none."""
    middle = np.asarray(pixels[tuple(n // 2 for n in pixels.shape[:-2])], dtype=float)
    low, high = np.nanpercentile(middle, (0.1, 99.9))
    return (float(low), float(high)) if high > low else (float(low), float(low) + 1)
