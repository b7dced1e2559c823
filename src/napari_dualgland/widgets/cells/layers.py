"""The layers that a run on cells leaves in the viewer, found again by the run that they carry.

A layer of probabilities for each place would bury everything else, so there is one only when a
person asks for it. For as long as one of its layers is there, a run can be shown again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Generic, Self

import numpy as np
from napari.layers import Image, Labels, Points
from napari.utils.colormaps import Colormap

from napari_dualgland.io.carried import carried_by, carry
from napari_dualgland.io.layer_tag import Kind, metadata_of, tag_of
from napari_dualgland.results import Boundaries, Localization
from napari_dualgland.stack import from_canonical
from napari_dualgland.typing import LazyArray
from napari_dualgland.widgets.cells.outlines import choose_cell, cycle_length, outline_colors
from napari_dualgland.widgets.cells.over_source import lacking_axis, like_source, same_cells
from napari_dualgland.widgets.cells.run import R, Run
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.layers.looks import placement
from napari_dualgland.widgets.layers.own_layers import keeps_name, own_layers, put_layer, tag_for

ON_TOP = "translucent_no_depth"
"""Blending of what must be seen in three dimensions, too."""


class RunLayers(ABC, Generic[R]):
    """The layers of one run that are in the viewer.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they are shown.
    run : Run
        What they carry.
    """

    RESULT: ClassVar[type[Localization | Boundaries]]
    HOMES: ClassVar[tuple[Kind, ...]]
    """Layers of which one must be left, that the run can be shown again; the best one first."""
    SHOWN: ClassVar[tuple[Kind, ...]]
    """What a run shows by itself beneath the cells, in the order in which it appears."""
    PLACE: ClassVar[Kind]
    """A layer that shows how probable a place is."""

    def __init__(self, viewer: Any, run: Run[R]) -> None:
        self._viewer, self.run = viewer, run

    @classmethod
    def looked_at(cls, viewer: Any, before: Run[R] | None) -> Self | None:
        """Return the layers of the run that a person looks at, None where there is none.

        Parameters
        ----------
        viewer : napari.viewer.Viewer
            Where it is shown.
        before : Run or None
            What was looked at.

        Returns
        -------
        RunLayers or None
            Of the selected layer, else of the run that was looked at before, else of the topmost.
        """
        active = viewer.layers.selection.active
        carried = [carried_by(layer) for layer in reversed(viewer.layers)]
        for run in (None if active is None else carried_by(active), before, *carried):
            if isinstance(run, Run) and isinstance(run.result, cls.RESULT):
                layers = cls(viewer, run)
                if layers.home is not None:
                    return layers
        return None

    @abstractmethod
    def put(self, source: Source, drawn: Any) -> Iterator[None]:
        """Lay what was found over the source, in the place of an earlier run on it.

        The layers are hidden yet: what shows them does so when there is time. What a person has
        renamed is theirs and stays.

        Parameters
        ----------
        source : Source
            What was looked at.
        drawn : object
            The pixels of the layers, as the steps of the dock return them.

        Yields
        ------
        None
            Where napari may draw before the next layer.
        """

    # --- which there are --------------------------------------------------------------

    def of(self, kind: Kind) -> list[Any]:
        """Return the layers of a kind, from the bottom up."""
        own = [layer for layer in self._viewer.layers if carried_by(layer) is self.run]
        return [layer for layer in own if tag_of(layer).kind == kind]

    @property
    def cells(self) -> Labels | None:
        """The layer of cells, if the person has left it there."""
        return next(iter(self.of("cells")), None)

    @property
    def home(self) -> Any:
        """A layer that lies where the source lies; None where nothing of the run is left."""
        return next((layer for kind in self.HOMES for layer in self.of(kind)), None)

    def veiled(self) -> list[Any]:
        """Return what the run shows by itself as far as it is not seen, in order."""
        own = [*(layer for kind in self.SHOWN for layer in self.of(kind)), self.cells]
        return [layer for layer in own if layer is not None and not layer.visible]

    def choose(self, cell: int | None) -> None:
        """Let one cell stand out."""
        if self.cells is not None:
            choose_cell(self.cells, cell)

    @abstractmethod
    def width_of(self, row: Any) -> float:
        """Return how wide what stands in a row of a table is, in pixels."""

    # --- places -----------------------------------------------------------------------

    @abstractmethod
    def place_shown(self, k: int) -> tuple[str, str, LazyArray]:
        """Return name and colour of a place, and its (T, Z, 1, Y, X) probabilities."""

    def places(self) -> set[int]:
        """Return the places whose probabilities are shown in a layer."""
        places = (tag_of(layer).place for layer in self.of(self.PLACE))
        return {place for place in places if place is not None}

    def show_place(self, k: int) -> None:
        """Add the layer of a place, black to its colour."""
        name, color, maps = self.place_shown(k)
        self._add(
            self.PLACE,
            f"{name} probability",
            Image,
            like_source(self.run, from_canonical(maps, self.run.result.cell_axes)),
            place=k,
            rgb=False,  # three or four columns are no colours
            colormap=Colormap(["#000000", color], name=name),
            contrast_limits=(0, 1),
            blending="additive",
        )

    def hide_place(self, k: int) -> None:
        """Remove the layer of a place."""
        for layer in self.of(self.PLACE):
            if tag_of(layer).place == k:
                self._viewer.layers.remove(layer)

    # --- how they are laid ------------------------------------------------------------

    def _put_cells(self, source: Source, numbers: Any, contour: int, opacity: float) -> Any:
        """Put the cells into the layer of an earlier run that has none of its own to lose."""
        for layer in own_layers(self._viewer, source, "cells"):
            if keeps_name(layer) and _painted_on(layer):
                layer.name = f"{layer.name} (edited)"  # it is the person's now, and stays
        looks = {"blending": ON_TOP, "opacity": opacity, "fits": self._may_take}
        cells = self._put(source, "cells", self.run.result.cells, Labels, **looks)
        cells.colormap = outline_colors(cycle_length(np.asarray(numbers)))
        cells.contour = contour
        # So that a click on a cell is not a click for some other layer's brush.
        self._viewer.layers.selection.active = cells
        return cells

    def _may_take(self, layer: Any) -> bool:
        """Tell whether a layer of cells is of such a run, or of another one on the same cells."""
        other = carried_by(layer)
        if not isinstance(other, Run) or isinstance(other.result, self.RESULT):
            return True
        return other.frame == self.run.frame and same_cells(other, self.run)

    def _carry(self, layer: Any) -> None:
        carry(layer, self.run)

    def _put(self, source: Source, kind: Kind, pixels: LazyArray, make: Any, **looks: Any) -> Any:
        run = self.run
        tag = tag_for(source, kind, kind, provenance=run.result.provenance, plane=run.frame)
        laid = like_source(run, pixels)
        if make is Labels and isinstance(laid, np.ndarray) and not isinstance(laid, np.memmap):
            laid = laid.copy()  # on which a person may paint, and the result stays
        layer = put_layer(
            self._viewer,
            source,
            tag,
            laid,
            make,
            without=lacking_axis(run),
            visible=False,
            **looks,
        )
        self._carry(layer)
        return layer

    def _take_out(self, source: Source, *kinds: Kind) -> None:
        """Remove what an earlier run on the same layers has left and this one does not replace."""
        for kind in kinds:
            for layer in own_layers(self._viewer, source, kind):
                self._viewer.layers.remove(layer)

    def _add(
        self, kind: Kind, name: str, make: Any, data: Any, place: Any = None, **looks: Any
    ) -> None:
        """Add a layer under the cells, lying as they do, and leave the person where they were."""
        home, layers, cells = self.home, self._viewer.layers, self.cells
        active = layers.selection.active
        tag = tag_of(home).model_copy(update={"kind": kind, "name": name, "place": place})
        layer = make(data, name=name, metadata=metadata_of(tag), **looks, **placement(home))
        carry(layer, self.run)
        on_top = cells is None or make is Points
        layers.insert(len(layers) if on_top else layers.index(cells), layer)
        layers.selection.active = active


def _painted_on(layer: Any) -> bool:
    """Tell whether a person has changed the cells that a run has put into a layer."""
    run = carried_by(layer)
    if not isinstance(run, Run) or not isinstance(layer.data, np.ndarray):
        return False
    return not np.array_equal(layer.data, like_source(run, run.result.cells))
