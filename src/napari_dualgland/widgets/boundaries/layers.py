"""The layers that boundaries leave in the viewer: compartments, boundary map, cells.

Five layers of probabilities would bury the field: there is one of a compartment only when a
person asks for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from napari.layers import Image, Labels
from napari.utils.colormaps import Colormap

from napari_dualgland.io.boundaries_writing import COMPARTMENT_COLORS
from napari_dualgland.io.layer_tag import Kind, LayerTag, metadata_of, tag_of
from napari_dualgland.stack import from_canonical, to_canonical
from napari_dualgland.typing import LazyArray
from napari_dualgland.widgets.boundaries.drawing import Drawn, cycled
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.layers.looks import placement
from napari_dualgland.widgets.layers.over_source import lacking_axis, like_source
from napari_dualgland.widgets.layers.own_layers import own_layers, put_layer, tag_for

SPOKEN = "#FF4FD8"
"""Where a model named the compartments."""
OUTLINE = "#B8BEC9"
_LEAST = 60.0
"""Pixels across what is flown to, so that its surroundings are seen."""
_CONTRAST = (0.08, 0.95)
"""Of the boundary map: the inside of a compartment is dark, an edge bright."""


class BoundaryLayers:
    """Layers of one run.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they are shown.
    source : Source
        What was looked at.
    drawn : Drawn
        What was found.
    """

    def __init__(self, viewer: Any, source: Source, drawn: Drawn) -> None:
        self._viewer, self._source, self._drawn = viewer, source, drawn
        self.result = drawn.result
        self.compartments: Labels | None = None
        self.cells: Labels | None = None

    def show(self) -> Iterator[None]:
        """Show them, one at a time, in the place of those of an earlier run on the same layers."""
        for k in self.places():
            self.hide_place(k)
        on_top = {"blending": "translucent_no_depth"}
        named = list(COMPARTMENT_COLORS.items())[:-1]
        self.compartments = self._put(
            "compartments",
            self._drawn.labels,
            Labels,
            colormap=cycled([color for _, color in named]),
            features={
                "index": [0, *range(1, len(named) + 1)],
                "compartment": ["background", *(name for name, _ in named)],
            },
            opacity=0.4,
            **on_top,
        )
        yield
        if self._drawn.spoken is not None:
            self._put(
                "named by the model",
                self._drawn.spoken,
                Labels,
                colormap=cycled([SPOKEN]),
                features={"index": [1], "compartments": ["named by the model, not measured"]},
                opacity=0.35,
                **on_top,
            )
        else:
            for layer in self._own("named by the model"):
                self._viewer.layers.remove(layer)
        yield
        self._put(
            "boundary map",
            self._drawn.edges,
            Image,
            colormap="inferno",
            contrast_limits=_CONTRAST,
            blending="additive",
            opacity=0.8,
        )
        yield
        cells = self._put(
            "cells", self.result.cells, Labels, colormap=cycled([OUTLINE] * 2), **on_top
        )
        cells.contour = 1
        cells.opacity = 0.7
        self.cells = cells
        # So that a click on a cell is not a click for some other layer's brush.
        self._viewer.layers.selection.active = cells

    def are_there(self) -> bool:
        """Tell whether the person has left the compartments in the viewer."""
        return self.compartments is not None and self.compartments in self._viewer.layers

    def cells_layer(self) -> Any:
        """Return the layer of the cells, None where it is gone."""
        return self.cells if self.cells in self._viewer.layers else None

    def view_of(self, row: Any) -> tuple[Any, list[float], float]:
        """Return a layer, where in its pixels a row of a table lies, and how wide that is."""
        known = {a: float(row.get(a.lower(), 0)) for a in "TZYX"}
        place = [known.get(axis, 0.0) for axis in self._source.axes.removeprefix("C")]
        across = math.sqrt(float(row["area_um2"])) / self.result.pixel_um
        return self.compartments, place, max(across, _LEAST)

    def frame_of(self, place: tuple[int, ...]) -> dict[str, int]:
        """Return ``t``, ``z``, ``y`` and ``x`` of a place in pixels of the layers."""
        axes = self._source.axes.removeprefix("C")
        return {a.lower(): at for a, at in zip(axes, place, strict=True) if a != "C"}

    def places(self) -> set[int]:
        """Return the compartments whose probabilities are shown in a layer."""
        return {t.place for t in map(tag_of, self._own("compartment")) if t.place is not None}

    def show_place(self, k: int) -> None:
        """Add the layer of a compartment, black to its colour."""
        result = self.result
        soft = to_canonical(result.compartments, result.compartment_axes)[:, :, k : k + 1]
        pixels = from_canonical(soft, result.cell_axes)
        name, color = list(COMPARTMENT_COLORS.items())[k]
        if pixels.ndim == 2:  # a stack is computed plane by plane, as it is looked at
            pixels = np.asarray(pixels)
        tag = self._tag("compartment", f"{name} probability", place=k)
        layer = Image(
            self._laid(pixels),
            name=tag.name,
            metadata=metadata_of(tag),
            rgb=False,
            **_ramp(name, color),
            contrast_limits=(0, 1),
            blending="additive",
            **placement(self._source.first, lacking_axis(self._source)),
        )
        layers = self._viewer.layers
        top = layers.index(self.cells) if self.cells in layers else len(layers)
        layers.insert(top, layer)

    def hide_place(self, k: int) -> None:
        """Remove the layer of a compartment."""
        for layer in self._own("compartment", place=k):
            self._viewer.layers.remove(layer)

    def _put(self, kind: Kind, pixels: LazyArray, make: Any, **looks: Any) -> Any:
        return put_layer(
            self._viewer,
            self._source,
            self._tag(kind, kind),
            self._laid(pixels),
            make,
            without=lacking_axis(self._source),
            **looks,
        )

    def _laid(self, pixels: LazyArray) -> LazyArray:
        return like_source(pixels, self._source, len(self.result.stack.channels))

    def _own(self, kind: Kind, **fields: Any) -> list[Any]:
        return own_layers(self._viewer, self._source, kind, **fields)

    def _tag(self, kind: Kind, name: str, **more: Any) -> LayerTag:
        return tag_for(self._source, kind, name, provenance=self.result.provenance, **more)


def _ramp(name: str, color: str) -> dict[str, Any]:
    return {"colormap": Colormap(["#000000", color], name=name)}
