"""From a row to its place in the image, and from a click in the image to its row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakMethod, finalize

import numpy as np

from napari_dualgland.widgets.layers.camera import camera_of

_SMALLEST, _WANTED, _LARGEST = 0.12, 0.3, 0.6
"""Share of the canvas that a cell takes: below and above it is brought to the one between."""
_CANVAS = 700
"""Pixels across the canvas where napari does not tell (before 0.9)."""
_STILL = 4
"""Pixels that the pointer may move between press and release of a click."""


def fly_to(viewer: Any, layer: Any, position: Any, diameter: float) -> None:
    """Show what lies at a position of a layer.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Its sliders and camera are moved; the zoom only where the thing would be too small or
        too large to be looked at.
    layer : napari.layers.Layer
        Whose pixels are counted.
    position : sequence of float
        In pixels of the layer, an entry per axis.
    diameter : float
        Of the thing, in pixels of the layer.
    """
    lacking = viewer.dims.ndim - layer.ndim
    world = np.asarray(layer.data_to_world(position))
    shown = tuple(viewer.dims.displayed)
    for axis, value in enumerate(world, lacking):
        if axis not in shown:
            viewer.dims.set_point(axis, float(value))
    camera = camera_of(viewer)
    center = [float(world[axis - lacking]) if axis >= lacking else 0.0 for axis in shown]
    camera.center = tuple([0.0] * (3 - len(center)) + center)
    beside = np.array(position, float)
    beside[-1] += diameter
    size = float(np.linalg.norm(np.asarray(layer.data_to_world(beside)) - world))
    canvas = min(getattr(getattr(viewer, "canvas", None), "size", (_CANVAS, _CANVAS)))
    if size > 0 and not _SMALLEST <= size * camera.zoom / canvas <= _LARGEST:
        camera.zoom = _WANTED * canvas / size


class ClickWatch:
    """Tells which label is clicked, until it is told to stop or nobody holds it any more.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose canvas is watched. All clicks are seen, whichever layer is selected, unless that
        layer is being painted or drawn on.
    layer : callable
        Returns the Labels layer that counts, or None.
    tell : callable
        Called with the label and its position in pixels of that layer.
    """

    def __init__(
        self,
        viewer: Any,
        layer: Callable[[], Any],
        tell: Callable[[int, tuple[int, ...]], None],
    ) -> None:
        self._viewer, self._layer, self._tell = viewer, layer, tell
        # napari holds its callbacks, and would hold with this one whoever listens.
        callbacks, callback = viewer.mouse_drag_callbacks, _weakly(WeakMethod(self._on_press))
        callbacks.append(callback)
        self.stop = finalize(self, _take_out, callbacks, callback)
        """Call it to listen no longer; that nobody holds the watch any more does the same."""
        self.stop.atexit = False

    def _on_press(self, viewer: Any, event: Any) -> Iterator[None]:
        began = np.asarray(event.pos)
        yield
        while event.type == "mouse_move":
            yield
        if np.abs(np.asarray(event.pos) - began).max() > _STILL or self._is_drawing():
            return
        layer = self._layer()
        if layer is None or not layer.visible:
            return
        label = layer.get_value(
            event.position,
            view_direction=event.view_direction,
            dims_displayed=event.dims_displayed,
            world=True,
        )
        place = _place_of(layer, event, label) if label else None
        if place is not None:
            self._tell(int(label), place)

    def _is_drawing(self) -> bool:
        active = self._viewer.layers.selection.active
        mode = str(getattr(active, "mode", "pan_zoom")).lower()
        return mode not in ("pan_zoom", "transform", "pick")


def _place_of(layer: Any, event: Any, label: int) -> tuple[int, ...] | None:
    """Return the pixel of a layer under the pointer: in three dimensions the first in sight."""
    lacking = len(event.position) - layer.ndim
    position = event.position[lacking:]
    place = np.array([round(float(v)) for v in layer.world_to_data(position)])
    if len(event.dims_displayed) < 3:
        return tuple(place.tolist())
    shown = [axis - lacking for axis in event.dims_displayed]
    view = np.asarray(event.view_direction)[lacking:]
    near, far = layer.get_ray_intersections(position, view, shown)
    if near is None or far is None:
        return None
    # napari tells the axes that are not shown in the units of the world: those of above count.
    way = (far - near)[shown]
    steps = np.linspace(0, 1, 2 * math.ceil(np.linalg.norm(way)) + 2)[:, None]
    places = np.repeat(place[None], len(steps), 0)
    places[:, shown] = np.round(near[shown] + steps * way)
    places = places[((places >= 0) & (places < layer.data.shape)).all(1)]
    lazy = hasattr(layer.data, "vindex")
    found = np.asarray((layer.data.vindex if lazy else layer.data)[tuple(places.T)])
    hits = places[found == label]
    return tuple(hits[0].tolist()) if len(hits) else None


def _weakly(method: WeakMethod[Any]) -> Callable[[Any, Any], Any]:
    """Return a function that calls a method as long as somebody holds what it belongs to."""

    def call(viewer: Any, event: Any) -> Any:
        alive = method()
        return None if alive is None else alive(viewer, event)

    return call


def _take_out(callbacks: list[Any], callback: Any) -> None:
    if callback in callbacks:
        callbacks.remove(callback)
