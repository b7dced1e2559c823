"""The layers that a localization leaves in the viewer: cells, the coloured picture, and places.

Nineteen layers of probabilities would bury everything else, so there is one for each class
only when a person asks for it; its pixels are computed when they are looked at. Each layer
carries what was found, so that the dock can show it again for as long as one of them is there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from napari.layers import Image, Labels, Points
from napari.utils.colormaps import Colormap

from napari_dualgland.classes import CLASSES, COLORS, SHORT_NAMES
from napari_dualgland.io.carried import carried_by, carry
from napari_dualgland.io.layer_tag import Kind, metadata_of, tag_of
from napari_dualgland.stack import from_canonical, to_canonical
from napari_dualgland.typing import LazyArray
from napari_dualgland.widgets.cells.outlines import choose_cell, cycle_length, outline_colors
from napari_dualgland.widgets.field.planes import put_plane
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.layers.looks import placement
from napari_dualgland.widgets.layers.own_layers import own_layers, put_layer, tag_for
from napari_dualgland.widgets.localize.found import Found

_BEHIND = 0.35
"""Opacity of the picture while places are looked at one by one."""


def put_layers(viewer: Any, source: Source, found: Found, picture: LazyArray) -> Iterator[None]:
    """Lay picture and cells over the source, in the place of those of an earlier run on it.

    They are hidden yet: what shows them does so when there is time. The sources are hidden, for
    the picture shows them too; what a person has renamed is theirs and stays.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they are shown.
    source : Source
        What was looked at.
    found : Found
        What the layers carry.
    picture : numpy.ndarray or dask.array.Array
        uint8, axes of ``found.result.cells`` and three colours behind them.

    Yields
    ------
    None
        Where napari may draw before the next layer.
    """
    for layer in [
        *own_layers(viewer, source, "probability"),
        *own_layers(viewer, source, "cell numbers"),
    ]:
        viewer.layers.remove(layer)
    for layer in own_layers(viewer, source, "localization"):
        before = carried_by(layer)
        if isinstance(before, Found):  # else what it has hidden would stay so
            found.hidden.extend(before.hidden)
    for layer in source.distinct_layers:
        found.hide(layer)
    yield
    result = found.result
    _put(viewer, source, found, "localization", picture, Image, rgb=True)
    yield
    colors = outline_colors(cycle_length(np.asarray(result.table["cell"].unique())))
    cells = _put(viewer, source, found, "cells", result.cells, Labels, opacity=0.9)
    cells.colormap = colors
    cells.contour = 2
    cells.features = _features(found)
    yield
    # So that a click on a cell is not a click for some other layer's brush.
    viewer.layers.selection.active = cells


def _put(
    viewer: Any,
    source: Source,
    found: Found,
    kind: Kind,
    pixels: LazyArray,
    make: Any,
    **looks: Any,
) -> Any:
    tag = tag_for(source, kind, kind, provenance=found.result.provenance, plane=found.frame)
    layer = put_layer(
        viewer,
        source,
        tag,
        _like_source(found, pixels),
        make,
        without=_lacking(found.axes),
        visible=False,
        blending="translucent_no_depth",
        **looks,
    )
    carry(layer, found)
    return layer


class LocalizationLayers:
    """The layers of one run that are in the viewer.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they are shown.
    found : Found
        What they carry.
    """

    def __init__(self, viewer: Any, found: Found) -> None:
        self._viewer = viewer
        self.found = found

    def of(self, kind: Kind) -> list[Any]:
        """Return the layers of a kind, from the bottom up."""
        return [x for x in self._viewer.layers if carried_by(x) is self.found and _is(x, kind)]

    @property
    def cells(self) -> Labels | None:
        """The layer of cells, if the person has left it there."""
        return next(iter(self.of("cells")), None)

    @property
    def home(self) -> Any:
        """A layer that lies where the source lies; None where nothing of the run is left."""
        own = [*self.of("cells"), *self.of("localization")]
        return own[0] if own else None

    def veiled(self) -> list[Any]:
        """Return the picture and the cells as far as they are not seen, the picture first."""
        own = [*self.of("localization"), *self.of("cells")]
        return [layer for layer in own if not layer.visible]

    def show_original(self, wanted: bool) -> None:
        """Show what was looked at in place of the picture of what was found, or the picture."""
        if wanted:
            self.found.show_hidden()
        else:
            self.found.hide_again()
        for layer in self.of("localization"):
            layer.visible = not wanted

    def choose(self, cell: int | None) -> None:
        """Let one cell stand out."""
        if self.cells is not None:
            choose_cell(self.cells, cell)

    def place_of(self, cell: Any) -> tuple[list[float], float]:
        """Return where a row's cell lies in the layers, and its diameter, in pixels."""
        result = self.found.result
        plane = to_canonical(result.cells, result.cell_axes)
        at = int(cell.get("t", 0)), int(cell.get("z", 0)), 0
        pixels = (plane[at] == cell["cell"]).sum()
        return self.found.place_in(self._axes, cell), 2 * math.sqrt(pixels / math.pi)

    def row_of(self, label: int, place: tuple[int, ...]) -> int | None:
        """Return the row of a cell in the table.

        Parameters
        ----------
        label : int
            Of the cell.
        place : tuple of int
            Where it was clicked, in pixels of the layers.

        Returns
        -------
        int or None
            None where it has no row.
        """
        return self.found.row_of(label, dict(zip(self._axes, place, strict=True)))

    # --- places and numbers -----------------------------------------------------------

    def places(self) -> set[int]:
        """Return the classes whose probabilities are shown in a layer."""
        places = (tag_of(layer).place for layer in self.of("probability"))
        return {place for place in places if place is not None}

    def show_place(self, k: int) -> Image:
        """Add the layer of a class, black to its colour; its pixels are computed when seen."""
        result, name = self.found.result, SHORT_NAMES.get(CLASSES[k], CLASSES[k])
        maps = to_canonical(result.maps, result.map_axes)[:, :, k : k + 1]
        layer = self._add(
            "probability",
            f"{name} probability",
            Image,
            _like_source(self.found, from_canonical(maps, result.cell_axes)),
            place=k,
            rgb=False,  # three or four columns are no colours
            colormap=Colormap(["#000000", COLORS[k]], name=name),
            contrast_limits=(0, 1),
            blending="additive",
        )
        self._dim_picture()
        return layer

    def hide_place(self, k: int) -> None:
        """Remove the layer of a class."""
        for layer in self.of("probability"):
            if tag_of(layer).place == k:
                self._viewer.layers.remove(layer)
        self._dim_picture()

    def show_numbers(self, wanted: bool) -> None:
        """Write the number of each cell into the image, or take the numbers away."""
        for layer in self.of("cell numbers"):
            self._viewer.layers.remove(layer)
        if wanted:
            table = self.found.result.table
            at = [self.found.place_in(self._axes, cell) for _, cell in table.iterrows()]
            self._add(
                "cell numbers",
                "cell numbers",
                Points,
                np.array(at).reshape(-1, len(self._axes)),
                features={"cell": table["cell"].to_numpy()},
                text={"string": "{cell}", "color": "white", "size": 10},
                size=1,
                opacity=1.0,
                face_color="transparent",
                border_color="transparent",
            )

    def _add(
        self, kind: Kind, name: str, make: Any, data: Any, place: Any = None, **looks: Any
    ) -> Any:
        """Add a layer under the cells, lying as they do, and leave the person where they were."""
        home, layers = self.home, self._viewer.layers
        active = layers.selection.active
        tag = tag_of(home).model_copy(update={"kind": kind, "name": name, "place": place})
        layer = make(data, name=name, metadata=metadata_of(tag), **looks, **placement(home))
        carry(layer, self.found)
        top = layers.index(self.cells) if self.cells is not None else len(layers)
        layers.insert(len(layers) if make is Points else top, layer)
        layers.selection.active = active
        return layer

    def _dim_picture(self) -> None:
        """Let places that are looked at stand out from the picture of them all."""
        for layer in self.of("localization"):
            if layer.opacity in (1.0, _BEHIND):  # else the person has set it
                layer.opacity = _BEHIND if self.places() else 1.0

    @property
    def _axes(self) -> str:
        """Axes of the layers: of the source, less a channel axis in front."""
        return self.found.axes.removeprefix("C")


def layers_of(viewer: Any, found: Found) -> LocalizationLayers | None:
    """Return the layers of a run.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they are shown.
    found : Found
        The run.

    Returns
    -------
    LocalizationLayers or None
        None where none is left.
    """
    layers = LocalizationLayers(viewer, found)
    return layers if layers.home is not None else None


def shown_in(viewer: Any, before: Found | None) -> LocalizationLayers | None:
    """Return the run that a person looks at, None where no layer carries one.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where it is shown.
    before : Found or None
        What was looked at.

    Returns
    -------
    LocalizationLayers or None
        Of the selected layer, else of the run that was looked at before, else of the topmost.
    """
    active = viewer.layers.selection.active
    carried = [carried_by(layer) for layer in reversed(viewer.layers)]
    first = [None if active is None else carried_by(active), before]
    for found in (*first, *carried):
        layers = layers_of(viewer, found) if isinstance(found, Found) else None
        if layers is not None:
            return layers
    return None


def _is(layer: Any, kind: Kind) -> bool:
    return tag_of(layer).kind == kind


def _lacking(axes: str) -> int | None:
    """Return the axis of the source that the layers do not have."""
    # napari lines axes up from the last one on: one that is lacking must be the first.
    return 0 if axes.startswith("C") else None


def _like_source(found: Found, pixels: LazyArray) -> LazyArray:
    """Give pixels the axes of the source: the other planes empty, channels repeated."""
    axes, colors = found.axes.replace("C", ""), pixels.ndim - len(found.result.cell_axes)
    if found.frame is not None:
        import dask.array as da

        whole = pixels if axes.index("Y") < axes.index("X") else pixels.swapaxes(0, 1)
        one = whole[tuple(slice(None) if a in "YX" else None for a in axes)]
        shape = [found.sizes[a] for a in axes]
        blank = da.zeros((*shape, *pixels.shape[2:]), dtype=pixels.dtype)
        pixels = put_plane(blank, one, found.frame, axes + "S" * colors)
    if "C" in found.axes[1:]:
        axis = found.axes.index("C")
        count = len(found.result.stack.channels)
        pixels = np.repeat(np.expand_dims(pixels, axis), count, axis=axis)
    return pixels


def _features(found: Found) -> dict[str, list[Any]]:
    """What napari's status bar says of the cell under the pointer.

    Nothing where there are several frames, for a label means another cell in each.
    """
    table = found.result.table
    if len(list(found.result.stack.frames())) > 1:
        return {}
    said = [str(text) or "no class over its threshold" for text in table["classes"]]
    return {"index": table["cell"].tolist(), "protein in": said}
