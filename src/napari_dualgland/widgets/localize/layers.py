"""The layers that a localization leaves in the viewer: cells, the coloured picture, and places.

Nineteen layers of probabilities would bury everything else, so there is one for each class
only when a person asks for it; its pixels are computed when they are looked at.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from napari.layers import Image, Labels
from napari.utils.colormaps import Colormap, DirectLabelColormap

from napari_dualgland.classes import CLASSES, COLORS, SHORT_NAMES
from napari_dualgland.io.layer_tag import Kind, LayerTag, metadata_of, tag_of
from napari_dualgland.results import Localization
from napari_dualgland.stack import from_canonical, to_canonical
from napari_dualgland.typing import LazyArray
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.layers.looks import placement
from napari_dualgland.widgets.layers.own_layers import own_layers, put_layer, tag_for
from napari_dualgland.widgets.localize.painting import Painted

OUTLINE, CHOSEN = "#7D8594", "#FFFFFF"
"""Colours of the outlines of cells, and of the cell that is chosen."""
_BEHIND = 0.35
"""Opacity of the picture while places are looked at one by one."""


class LocalizationLayers:
    """Layers of one localization.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they are shown.
    source : Source
        What was looked at.
    painted : Painted
        What was found.
    """

    def __init__(self, viewer: Any, source: Source, painted: Painted) -> None:
        self._viewer = viewer
        self._source = source
        self._picture = painted.picture
        self.result: Localization = painted.result
        self.cells: Labels | None = None

    def show(self) -> None:
        """Show picture and cells, in the place of those of an earlier run on the same layers.

        The sources are hidden, for the picture shows them too; what a person has renamed is
        theirs and stays.
        """
        for k in self.places():
            self.hide_place(k)
        for layer in self._source.distinct_layers:
            layer.visible = False
        on_top = {"blending": "translucent_no_depth"}
        picture = self._put("localization", self._picture, Image, rgb=True, **on_top)
        picture.opacity = 1.0
        cells = self._put("cells", self.result.cells, Labels, **on_top)
        cells.contour = 2
        cells.opacity = 0.9
        cells.features = self._features()
        self.cells = cells
        self.choose(None)
        # So that a click on a cell is not a click for some other layer's brush.
        self._viewer.layers.selection.active = cells

    def is_there(self) -> bool:
        """Tell whether the person has left the cells in the viewer."""
        return self.cells is not None and self.cells in self._viewer.layers

    def choose(self, cell: int | None) -> None:
        """Let one cell stand out."""
        if self.cells is None:
            return
        colors: dict[int | None, str] = {None: OUTLINE, 0: "#00000000"}
        if cell:
            colors[cell] = CHOSEN
            self.cells.selected_label = cell
        self.cells.colormap = DirectLabelColormap(color_dict=colors)

    def place_of(self, cell: Any) -> tuple[list[float], float]:
        """Return where a row's cell lies in the layer of cells, and its diameter, in pixels."""
        known = {"T": cell.get("t", 0), "Z": cell.get("z", 0), "Y": cell["y"], "X": cell["x"]}
        plane = to_canonical(self.result.cells, self.result.cell_axes)
        pixels = (plane[int(known["T"]), int(known["Z"]), 0] == cell["cell"]).sum()
        return [float(known.get(axis, 0)) for axis in self._axes()], 2 * math.sqrt(pixels / math.pi)

    def row_of(self, label: int, place: tuple[int, ...]) -> int | None:
        """Return the row of the cell with a label in the frame that a place lies in.

        Parameters
        ----------
        label : int
            Of the cell.
        place : tuple of int
            In pixels of the layer of cells.

        Returns
        -------
        int or None
            None where there is no such cell.
        """
        table = self.result.table
        found = table["cell"] == label
        for axis, at in zip(self._axes(), place, strict=True):
            if axis.lower() in ("t", "z") and axis.lower() in table:
                found &= table[axis.lower()] == at
        rows = np.flatnonzero(found)
        return int(rows[0]) if len(rows) else None

    def _axes(self) -> str:
        """Axes of the layers: of the source, less a channel axis in front."""
        return self._source.axes.removeprefix("C")

    def places(self) -> set[int]:
        """Return the classes whose probabilities are shown in a layer."""
        return {tag.place for tag in map(tag_of, self._own("probability")) if tag.place is not None}

    def show_place(self, k: int) -> Image:
        """Add the layer of a class, black to its colour; its pixels are computed when seen."""
        maps = to_canonical(self.result.maps, self.result.map_axes)[:, :, k : k + 1]
        name = SHORT_NAMES.get(CLASSES[k], CLASSES[k])
        looks: dict[str, Any] = {
            "colormap": Colormap(["#000000", COLORS[k]], name=name),
            "contrast_limits": (0, 1),
            "blending": "additive",
        }
        tag = self._tag("probability", f"{name} probability", place=k)
        layer = Image(
            self._like_source(from_canonical(maps, self.result.cell_axes)),
            name=tag.name,
            metadata=metadata_of(tag),
            rgb=False,  # three or four columns are no colours
            **looks,
            **placement(self._source.first, self._lacking()),
        )
        layers = self._viewer.layers
        top = layers.index(self.cells) if self.is_there() else len(layers)
        layers.insert(top, layer)
        self._dim_picture()
        return layer

    def hide_place(self, k: int) -> None:
        """Remove the layer of a class."""
        for layer in self._own("probability", place=k):
            self._viewer.layers.remove(layer)
        self._dim_picture()

    def _dim_picture(self) -> None:
        """Let places that are looked at stand out from the picture of them all."""
        for layer in self._own("localization"):
            if layer.opacity in (1.0, _BEHIND):  # else the person has set it
                layer.opacity = _BEHIND if self.places() else 1.0

    def _put(self, kind: Kind, pixels: LazyArray, make: Any, **looks: Any) -> Any:
        """Give pixels to the layer of an earlier run, or to a new one, on top."""
        return put_layer(
            self._viewer,
            self._source,
            self._tag(kind, kind),
            self._like_source(pixels),
            make,
            without=self._lacking(),
            **looks,
        )

    def _own(self, kind: Kind, **fields: Any) -> list[Any]:
        return own_layers(self._viewer, self._source, kind, **fields)

    def _tag(self, kind: Kind, name: str, **more: Any) -> LayerTag:
        return tag_for(self._source, kind, name, provenance=self.result.provenance, **more)

    def _channel_axis(self) -> int | None:
        return self._source.axes.index("C") if "C" in self._source.axes else None

    def _lacking(self) -> int | None:
        """Return the axis of the source that the layers do not have."""
        # napari lines axes up from the last one on: one that is lacking must be the first.
        return 0 if self._channel_axis() == 0 else None

    def _like_source(self, pixels: LazyArray) -> LazyArray:
        """Repeat pixels along a channel axis that lies between others, so that all line up."""
        axis = self._channel_axis()
        if not axis:
            return pixels
        count = len(self.result.stack.channels)
        return np.repeat(np.expand_dims(pixels, axis), count, axis=axis)

    def _features(self) -> dict[str, list[Any]]:
        """What napari's status bar says of the cell under the pointer.

        Nothing where there are several frames, for a label means another cell in each.
        """
        table = self.result.table
        if len(list(self.result.stack.frames())) > 1:
            return {}
        said = [str(text) or "no class over its threshold" for text in table["classes"]]
        return {"index": table["cell"].tolist(), "protein in": said}
