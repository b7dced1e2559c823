"""Outlines of what was filled in, as thick as they must be to be seen at this zoom.

A line of two pixels breaks up where a pixel of the screen shows three of the image; so it grows as
the person zooms out, and where a whole field of many thousand pixels is in sight the marks are
filled. Three-dimensional views have no outlines: napari warns there, once a layer, and draws none.
"""

from __future__ import annotations

import math
import weakref
from typing import Any
from weakref import WeakKeyDictionary

from qtpy.QtCore import QTimer

from napari_dualgland.io.layer_tag import tag_of
from napari_dualgland.io.missing_looks import FILLED, OUTLINED
from napari_dualgland.widgets.layers.camera import camera_of
from napari_dualgland.widgets.layers.hiding import bare

THINNEST, THICKEST = 2, 4
SEEN = 1.6
"""How thick an outline is to be, in pixels of the screen."""
_SETTLE_MS = 120

_OF_VIEWER: WeakKeyDictionary[Any, Outlines] = WeakKeyDictionary()


def keep_outlined(viewer: Any, layer: Any) -> None:
    """Outline the marks of a layer, at this zoom and at every later one.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where it is shown.
    layer : napari.layers.Labels
        Marks what was filled in.
    """
    viewer = bare(viewer)
    if viewer not in _OF_VIEWER:
        _OF_VIEWER[viewer] = Outlines(viewer)
    _OF_VIEWER[viewer].fit(layer)


def thickness(pixels: float) -> int:
    """Return how thick an outline must be, 0 for marks that are to be filled.

    Parameters
    ----------
    pixels : float
        Of the screen, that show one pixel of the image.

    Returns
    -------
    int
        In pixels of the image; napari adds one outside.
    """
    needed = math.ceil(SEEN / pixels) - 1 if pixels > 0 else THICKEST + 1
    return 0 if needed > THICKEST else max(THINNEST, needed)


class Outlines:
    """The outlined layers of a viewer.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Held weakly.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = weakref.ref(viewer)
        self._given: WeakKeyDictionary[Any, tuple[int, float]] = WeakKeyDictionary()
        self._settled = QTimer()
        self._settled.setSingleShot(True)
        self._settled.setInterval(_SETTLE_MS)
        self._settled.timeout.connect(self._fit_all)
        camera_of(viewer).events.zoom.connect(self._on_zoom)
        # Before napari slices the layers anew: later callbacks are called first.
        viewer.dims.events.ndisplay.connect(self._on_ndisplay)

    def fit(self, layer: Any) -> None:
        """Give a layer the outline that is seen now."""
        viewer = self._viewer()
        if viewer is None:
            return
        flat = viewer.dims.ndisplay == 2
        pixels = camera_of(viewer).zoom * float(abs(layer.scale[-1]))
        wanted = thickness(pixels) if flat else 0
        looks = wanted, OUTLINED if wanted else FILLED
        now = layer.contour, layer.opacity
        given = self._given.get(layer)
        if given not in (None, now) and flat:  # a person has set it so
            return
        self._given[layer] = looks
        if now != looks:
            layer.contour, layer.opacity = looks

    def _on_zoom(self, event: Any = None) -> None:
        self._settled.start()

    def _on_ndisplay(self, event: Any = None) -> None:
        self._fit_all()

    def _fit_all(self) -> None:
        viewer = self._viewer()
        for layer in () if viewer is None else viewer.layers:
            tag = tag_of(layer)
            if tag.kind == "missing" and tag.provenance is not None and layer.visible:
                self.fit(layer)
