"""The layers that boundaries leave in the viewer: compartments, boundary map, cells."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from napari.layers import Image, Labels
from typing_extensions import override

from napari_dualgland.io.boundaries_writing import COMPARTMENT_COLORS
from napari_dualgland.io.carried import carried_by
from napari_dualgland.io.layer_tag import tag_of
from napari_dualgland.results import Boundaries, Localization
from napari_dualgland.stack import to_canonical
from napari_dualgland.typing import LazyArray
from napari_dualgland.widgets.boundaries.drawing import Drawn, cycled
from napari_dualgland.widgets.cells.layers import ON_TOP, RunLayers
from napari_dualgland.widgets.cells.over_source import same_cells
from napari_dualgland.widgets.cells.run import Run
from napari_dualgland.widgets.field.source import Source

SPOKEN = "#FF4FD8"
"""Where a model named the compartments."""
_LEAST = 60.0
"""Pixels across what is flown to, so that its surroundings are seen."""
_CONTRAST = (0.08, 0.95)
"""Of the boundary map: the inside of a compartment is dark, an edge bright."""


class BoundaryLayers(RunLayers[Boundaries]):
    """The layers of the boundaries of one run."""

    RESULT = Boundaries
    HOMES = ("compartments",)
    SHOWN = ("compartments", "named by the model", "boundary map")
    PLACE = "compartment"

    @override
    def put(self, source: Source, drawn: Drawn) -> Iterator[None]:
        """Lay compartments, boundary map and cells over the source."""
        named = list(COMPARTMENT_COLORS.items())[:-1]
        self._take_out(source, "compartment")
        self._put(
            source,
            "compartments",
            drawn.labels,
            Labels,
            colormap=cycled([color for _, color in named]),
            features={
                "index": [0, *range(1, len(named) + 1)],
                "compartment": ["background", *(name for name, _ in named)],
            },
            opacity=0.4,
            blending=ON_TOP,
        )
        yield
        if drawn.spoken is None:
            self._take_out(source, "named by the model")
        else:
            self._put(
                source,
                "named by the model",
                drawn.spoken,
                Labels,
                colormap=cycled([SPOKEN]),
                features={"index": [1], "compartments": ["named by the model, not measured"]},
                opacity=0.35,
                blending=ON_TOP,
            )
            yield
        self._put(
            source,
            "boundary map",
            drawn.edges,
            Image,
            colormap="inferno",
            contrast_limits=_CONTRAST,
            blending="additive",
            opacity=0.8,
        )
        yield
        numbers = self.run.result.set_points["cell"].unique()
        self._put_cells(source, numbers[numbers > 0], contour=1, opacity=0.7)
        yield

    @override
    def _carry(self, layer: Any) -> None:
        # The cells of a localization that are ours, too, go on to carry it.
        if not isinstance(getattr(carried_by(layer), "result", None), Localization):
            super()._carry(layer)

    @property
    @override
    def cells(self) -> Labels | None:
        """The layer of the cells, if the person has left it there."""
        if (own := super().cells) is not None:
            return own
        made_from = None if self.home is None else tag_of(self.home).sources
        shared = (
            layer
            for layer in self._viewer.layers
            if tag_of(layer).kind == "cells" and tag_of(layer).sources == made_from
            if isinstance(run := carried_by(layer), Run) and same_cells(run, self.run)
        )
        return next(shared, None)

    @override
    def width_of(self, row: Any) -> float:
        """Return the width of a cell or a hole, no less than what shows its surroundings."""
        return max(math.sqrt(float(row["area_um2"])) / self.run.result.pixel_um, _LEAST)

    @override
    def place_shown(self, k: int) -> tuple[str, str, LazyArray]:
        """Return name, colour and probabilities of a compartment."""
        result = self.run.result
        soft = to_canonical(result.compartments, result.compartment_axes)[:, :, k : k + 1]
        if soft.shape[:2] == (1, 1):  # a stack is computed plane by plane, as it is looked at
            soft = np.asarray(soft)
        return (*list(COMPARTMENT_COLORS.items())[k], soft)
