"""The layers that boundaries leave in the viewer: compartments, boundary map, cells.

Five layers of probabilities would bury the field: there is one of a compartment only when a
person asks for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.layers import Image, Labels
from napari.utils.colormaps import Colormap

from napari_dualgland.io.boundaries_writing import COMPARTMENT_COLORS
from napari_dualgland.io.carried import Carried, carried_by, carry
from napari_dualgland.io.layer_tag import Kind, LayerTag, metadata_of, tag_of
from napari_dualgland.results import Boundaries
from napari_dualgland.stack import from_canonical, to_canonical
from napari_dualgland.typing import LazyArray
from napari_dualgland.widgets.boundaries.drawing import Drawn, cycled
from napari_dualgland.widgets.cells.over_source import lacking_axis, like_source
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.layers.looks import placement
from napari_dualgland.widgets.layers.own_layers import own_layers, put_layer, tag_for

SPOKEN = "#FF4FD8"
"""Where a model named the compartments."""
OUTLINE = "#B8BEC9"
_LEAST = 60.0
"""Pixels across what is flown to, so that its surroundings are seen."""
_CONTRAST = (0.08, 0.95)
"""Of the boundary map: the inside of a compartment is dark, an edge bright."""


@dataclass(frozen=True, eq=False)
class Seen(Carried):
    """A run as its layers carry it: enough to show all of it again, or to export it.

    Attributes
    ----------
    source : Source
        What was looked at.
    drawn : Drawn
        What was found.
    said : str
        What the dock said of it.
    """

    source: Source
    drawn: Drawn
    said: str

    @property
    def result(self) -> Boundaries:
        """The boundaries."""
        return self.drawn.result


class BoundaryLayers:
    """Layers of one run.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they are shown.
    seen : Seen
        What they carry.
    """

    def __init__(self, viewer: Any, seen: Seen) -> None:
        self._viewer, self.seen = viewer, seen
        self._source, self._drawn, self.result = seen.source, seen.drawn, seen.result

    @property
    def compartments(self) -> Labels | None:
        """The layer of the compartments, if the person has left it there."""
        own = self._own("compartments")
        return next((layer for layer in own if carried_by(layer) is self.seen), None)

    @property
    def cells(self) -> Labels | None:
        """The layer of the cells, if the person has left it there."""
        return next(iter(self._own("cells")), None)

    def show(self) -> Iterator[None]:
        """Show them one by one, in the place of those of an earlier run on the same layers.

        Each takes napari a tenth of a second: between two, others may have their turn.

        Yields
        ------
        None
            After each layer.
        """
        for k in self.places():
            self.hide_place(k)
        on_top = {"blending": "translucent_no_depth"}
        named = list(COMPARTMENT_COLORS.items())[:-1]
        self._put(
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
            yield
        else:
            for layer in self._own("named by the model"):
                self._viewer.layers.remove(layer)
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
        # They may be those of a localization, and go on to carry it.
        cells = self._lay(
            "cells", self.result.cells, Labels, colormap=cycled([OUTLINE] * 2), **on_top
        )
        cells.contour = 1
        cells.opacity = 0.7
        # So that a click on a cell is not a click for some other layer's brush.
        self._viewer.layers.selection.active = cells

    def are_there(self) -> bool:
        """Tell whether the person has left the compartments in the viewer."""
        return self.compartments is not None

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
        carry(layer, self.seen)
        layers, cells = self._viewer.layers, self.cells
        top = layers.index(cells) if cells is not None else len(layers)
        layers.insert(top, layer)

    def hide_place(self, k: int) -> None:
        """Remove the layer of a compartment."""
        for layer in self._own("compartment", place=k):
            self._viewer.layers.remove(layer)

    def _put(self, kind: Kind, pixels: LazyArray, make: Any, **looks: Any) -> None:
        carry(self._lay(kind, pixels, make, **looks), self.seen)

    def _lay(self, kind: Kind, pixels: LazyArray, make: Any, **looks: Any) -> Any:
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


def seen_in(viewer: Any, before: Seen | None) -> BoundaryLayers | None:
    """Return the run that a person looks at, None where no layer shows one.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where it is shown.
    before : Seen or None
        What was looked at.

    Returns
    -------
    BoundaryLayers or None
        Of the selected layer, else of the run that was looked at before, else of the topmost.
    """
    active = viewer.layers.selection.active
    carried = [carried_by(layer) for layer in reversed(viewer.layers)]
    for seen in (None if active is None else carried_by(active), before, *carried):
        if isinstance(seen, Seen):
            layers = BoundaryLayers(viewer, seen)
            if layers.are_there():
                return layers
    return None


def _ramp(name: str, color: str) -> dict[str, Any]:
    return {"colormap": Colormap(["#000000", color], name=name)}
