"""All of the field, or the part of it that is to be filled: what is in view, or what is drawn."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from napari.layers import Shapes
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.layer_axes import shape_of
from napari_dualgland.jobs import Region
from napari_dualgland.typing import Float64Array
from napari_dualgland.widgets.field.channels_form import ChannelsForm
from napari_dualgland.widgets.field.layer_combo import LayerCombo
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.kit.ways import Way, Ways
from napari_dualgland.widgets.layers.camera import camera_of


class RegionForm(QWidget):
    """Where in the field missing pixels are filled.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose view and shapes may say it.
    channels : ChannelsForm
        The field of view.
    """

    changed = Signal()

    def __init__(self, viewer: Any, channels: ChannelsForm) -> None:
        super().__init__()
        self._viewer, self._channels = viewer, channels
        self.shapes = LayerCombo("— choose a Shapes layer —", lambda x: isinstance(x, Shapes))
        self.pixels = QLineEdit()
        self.pixels.setPlaceholderText("100:400,50:350")
        self.pixels.setToolTip("First and last row, first and last column, in pixels.")
        self.ways = Ways("Where", self._ways())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.ways)
        self.ways.changed.connect(self.changed)
        self.shapes.chosen.connect(self.changed)
        self.pixels.editingFinished.connect(self.changed)
        self.follow_layers()

    def value(self) -> Region | None:
        """Return the part that is to be filled, None for all.

        Raises
        ------
        DualglandError
            If nothing is drawn or chosen, or it lies beside the field.
        """
        how = self.ways.value()
        if how == "all":
            return None
        if how == "pixels":
            return Region.parse(self.pixels.text())
        source = self._channels.source()
        return _region(source, self._seen(source) if how == "view" else self._drawn(source))

    def set_value(self, region: Region | None) -> None:
        """Show a part in pixels, or choose all."""
        self.pixels.setText("" if region is None else str(region))
        self.ways.set_value("all" if region is None else "pixels")

    def follow_layers(self) -> None:
        """Offer the Shapes layers that there are; where there is one, take it."""
        self.shapes.offer(reversed(list(self._viewer.layers)))
        if self.shapes.layer() is None and self.shapes.count() > 1 and not self.shapes.by_hand:
            self.shapes.set_layer(self.shapes.itemData(1))

    def _seen(self, source: Source) -> Float64Array:
        """Return the corners of what the canvas shows, in pixels of all axes."""
        # Not the layer's own corners: those of a pyramid are of what napari has loaded.
        dims, camera = self._viewer.dims, camera_of(self._viewer)
        if dims.ndisplay != 2:
            raise _lacking("show the field in 2-D", "the canvas shows a volume, no rectangle")
        half, points = np.divide(_canvas_size(self._viewer), 2 * camera.zoom), []
        for side in product((-1, 1), repeat=2):
            world = np.array(dims.point, float)
            world[list(dims.displayed)] = camera.center[-2:] + half * side
            points.append(np.asarray(source.first.world_to_data(world)))
        return np.array(points)

    def _drawn(self, source: Source) -> Float64Array:
        """Return the corners of all that is drawn, in pixels of all axes."""
        layer = self.shapes.layer()
        if layer is None or not len(layer.data):
            raise _lacking("draw a rectangle in a Shapes layer and choose it")
        image, points = source.first, []
        for point in np.concatenate([np.asarray(shape) for shape in layer.data]):
            world = np.asarray(layer.data_to_world(point))[-image.ndim :]
            world = np.r_[np.zeros(image.ndim - len(world)), world]
            points.append(np.asarray(image.world_to_data(world)))
        return np.array(points)

    def _ways(self) -> dict[str, Way]:
        return {
            "all": Way("Whole field", "Fill whatever is missing."),
            "view": Way(
                "What is in view",
                "Fill what is missing in the part that napari shows now; all else stays as it was "
                "measured. Channels that were never recorded are estimated whole.",
            ),
            "shapes": Way(
                "Drawn in a Shapes layer",
                "Fill what is missing inside the rectangle around all that is drawn; all else "
                "stays as it was measured.",
                "Drawn in",
                self.shapes,
            ),
            "pixels": Way(
                "Rows and columns",
                "Fill what is missing between these rows and columns.",
                "Pixels",
                self.pixels,
            ),
        }


def _canvas_size(viewer: Any) -> tuple[float, float]:
    """Return height and width of what shows a layer, on both sides of napari 0.9."""
    canvas = getattr(viewer, "canvas", None)
    if canvas is None:
        return getattr(viewer, "__wrapped__", viewer)._canvas_size  # type: ignore[no-any-return]
    return canvas.viewbox_size(viewer.layers)  # type: ignore[no-any-return]


def _region(source: Source, points: Float64Array) -> Region:
    """Return the rectangle around points of a field, as far as it lies within."""
    sizes, found = shape_of(source.first), {}
    for letter, first, last in (("Y", "top", "bottom"), ("X", "left", "right")):
        axis = source.axes.index(letter)
        low, high = points[:, axis].min(), points[:, axis].max()
        found[first] = int(np.clip(np.floor(low + 0.5), 0, sizes[axis]))
        found[last] = int(np.clip(np.ceil(high + 0.5), 0, sizes[axis]))
    if found["bottom"] <= found["top"] or found["right"] <= found["left"]:
        raise _lacking("choose a part that lies on the field", "the region lies beside the field")
    return Region(**found)


def _lacking(way_out: str, found: str = "nothing is drawn") -> DualglandError:
    return DualglandError(Kind.LACKING, "region", found, way_out=way_out)
