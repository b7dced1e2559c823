"""Before and after side by side: a curtain of the sources, drawn over the results from the left.

Layers of their own show the left part of each source, on top of the results; the lowest covers
what is beneath it, the others add to it. So neither sources nor results are touched, and whatever
reads them reads what they hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari.layers import Image

from napari_dualgland.io.layer_tag import LayerTag, metadata_of
from napari_dualgland.widgets.layers.looks import image_looks, placement


class Curtain:
    """The left part of some source layers, drawn over their results.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where it hangs.
    pairs : sequence of (layer or None, layer)
        Source and result, as for :class:`.Compare`.
    axes : str
        Of each layer.
    """

    def __init__(self, viewer: Any, pairs: Sequence[tuple[Any, Any]], axes: str) -> None:
        self._viewer, self._axes = viewer, axes
        seen = [source for source, result in pairs if source is not None and result.visible]
        self._sources = list(dict.fromkeys(seen))
        self._layers: list[Image] = []
        self._share = 0.0

    def draw(self, share: float) -> None:
        """Cover this share of the width, 0 to 1; it is opened with the first."""
        self._share = share
        if not self._layers:
            self._hang()
            return
        for source, layer in zip(self._sources, self._layers, strict=True):
            if layer in self._viewer.layers:
                layer.data = self._cut(source)

    def close(self) -> None:
        """Take it away."""
        for layer in self._layers:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        self._layers = []

    def _hang(self) -> None:
        selected = self._viewer.layers.selection.active
        for number, source in enumerate(self._sources):
            looks = {**image_looks(source), "visible": True}
            looks |= {} if number else {"blending": "opaque", "opacity": 1.0}
            layer = Image(
                self._cut(source),
                name=f"{source.name} before",
                multiscale=source.multiscale,
                rgb=False,
                metadata=metadata_of(LayerTag(kind="working")),
                **placement(source),
                **looks,
            )
            self._layers.append(self._viewer.add_layer(layer))
        self._viewer.layers.selection.active = selected

    def _cut(self, source: Image) -> Any:
        """Return the left part of a source, at each of its resolutions; never without a column."""
        axis = self._axes.index("X")

        def left(level: Any) -> Any:
            last = max(1, round(self._share * level.shape[axis]))
            return level[(slice(None),) * axis + (slice(0, last),)]

        return [left(level) for level in source.data] if source.multiscale else left(source.data)
