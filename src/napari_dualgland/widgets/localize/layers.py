"""The layers that a localization leaves in the viewer: cells, the coloured picture, and places."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from napari.layers import Image, Points
from typing_extensions import override

from napari_dualgland.classes import CLASSES, COLORS, SHORT_NAMES
from napari_dualgland.io.carried import carried_by
from napari_dualgland.results import Localization
from napari_dualgland.stack import to_canonical
from napari_dualgland.typing import LazyArray
from napari_dualgland.widgets.cells.layers import ON_TOP, RunLayers
from napari_dualgland.widgets.cells.run import Run
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.layers.own_layers import own_layers
from napari_dualgland.widgets.localize.painting import Painted

_BEHIND = 0.35
"""Opacity of the picture while places are looked at one by one."""


class LocalizationLayers(RunLayers[Localization]):
    """The layers of one localization."""

    RESULT = Localization
    HOMES = ("cells", "localization")
    SHOWN = ("localization",)
    PLACE = "probability"

    @override
    def put(self, source: Source, drawn: Painted) -> Iterator[None]:
        """Lay picture and cells over the source, which is hidden: the picture shows it too."""
        run = self.run
        self._take_out(source, "probability", "cell numbers")
        for layer in own_layers(self._viewer, source, "localization"):
            before = carried_by(layer)
            if isinstance(before, Run):  # else what it has hidden would stay so
                run.hidden.extend(before.hidden)
        for layer in source.distinct_layers:
            run.hide(layer)
        yield
        self._put(source, "localization", drawn.picture, Image, blending=ON_TOP, rgb=True)
        yield
        numbers = run.result.table["cell"].unique()
        cells = self._put_cells(source, numbers, contour=2, opacity=0.9)
        cells.features = _features(run.result)
        yield

    @override
    def width_of(self, row: Any) -> float:
        """Return the diameter of the cell in a row."""
        result = self.run.result
        plane = to_canonical(result.cells, result.cell_axes)
        at = int(row.get("t", 0)), int(row.get("z", 0)), 0
        return 2 * math.sqrt((plane[at] == row["cell"]).sum() / math.pi)

    @override
    def place_shown(self, k: int) -> tuple[str, str, LazyArray]:
        """Return name, colour and probabilities of a class; computed when they are seen."""
        result = self.run.result
        maps = to_canonical(result.maps, result.map_axes)[:, :, k : k + 1]
        return SHORT_NAMES.get(CLASSES[k], CLASSES[k]), COLORS[k], maps

    @override
    def show_place(self, k: int) -> None:
        super().show_place(k)
        self._dim_picture()

    @override
    def hide_place(self, k: int) -> None:
        super().hide_place(k)
        self._dim_picture()

    def show_original(self, wanted: bool) -> None:
        """Show what was looked at in place of the picture of what was found, or the picture."""
        self.run.show_hidden(self._viewer.layers, wanted)
        for layer in self.of("localization"):
            layer.visible = not wanted

    def show_numbers(self, wanted: bool) -> None:
        """Write the number of each cell into the image, or take the numbers away."""
        for layer in self.of("cell numbers"):
            self._viewer.layers.remove(layer)
        if wanted:
            table = self.run.result.table
            at = [self.run.place_of(cell) for _, cell in table.iterrows()]
            self._add(
                "cell numbers",
                "cell numbers",
                Points,
                np.array(at).reshape(-1, len(self.run.layer_axes)),
                features={"cell": table["cell"].to_numpy()},
                text={"string": "{cell}", "color": "white", "size": 10},
                size=1,
                opacity=1.0,
                face_color="transparent",
                border_color="transparent",
            )

    def _dim_picture(self) -> None:
        """Let places that are looked at stand out from the picture of them all."""
        for layer in self.of("localization"):
            if layer.opacity in (1.0, _BEHIND):  # else the person has set it
                layer.opacity = _BEHIND if self.places() else 1.0


def _features(result: Localization) -> dict[str, list[Any]]:
    """What napari's status bar says of the cell under the pointer.

    Nothing where there are several frames, for a label means another cell in each.
    """
    if len(list(result.stack.frames())) > 1:
        return {}
    said = [str(text) or "no class over its threshold" for text in result.table["classes"]]
    return {"index": result.table["cell"].tolist(), "protein in": said}
