"""All planes, or the one that is shown: asked only where there are several."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QWidget

from napari_dualgland.errors import DualglandError
from napari_dualgland.jobs import Plane
from napari_dualgland.widgets.field.channels_form import ChannelsForm
from napari_dualgland.widgets.kit.fields import widen
from napari_dualgland.widgets.kit.style import form_layout, plain


class PlaneForm(QWidget):
    """A choice between the whole stack and the plane that the viewer shows.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose sliders tell the plane.
    channels : ChannelsForm
        The field of view.
    label, tip : str
        What stands before the choice, and what it says to a pointer that rests there.
    """

    changed = Signal()

    def __init__(
        self,
        viewer: Any,
        channels: ChannelsForm,
        label: str = "Fill in",
        tip: str = "Fill in every plane, or only the one that is shown.",
    ) -> None:
        super().__init__()
        self._viewer, self._channels = viewer, channels
        self.combo = QComboBox()
        widen(self.combo)
        self.combo.addItem("Whole stack", "whole")
        self.combo.addItem("This plane", "plane")
        self.combo.setToolTip(plain(tip))
        form_layout(self).addRow(label, self.combo)
        self.combo.currentIndexChanged.connect(lambda _: self.changed.emit())
        channels.changed.connect(self._on_channels)
        self._on_channels()

    def value(self) -> Plane | None:
        """Return the plane that is shown, None for all.

        Raises
        ------
        DualglandError
            If there is no field of view.
        """
        source = self._channels.source()
        if not source.frame_lengths() or self.combo.currentData() == "whole":
            return None
        frame = source.frame_at(self._viewer.dims.point)
        return Plane(t=frame["T"], z=frame["Z"])

    def set_value(self, plane: Plane | None) -> None:
        """Show a plane in the viewer and choose it, or choose all.

        Raises
        ------
        DualglandError
            If there is no field of view.
        """
        self.combo.setCurrentIndex(int(plane is not None))
        if plane is None:
            return
        source = self._channels.source()
        layer, frame = source.first, {"T": plane.t, "Z": plane.z}
        world = layer.data_to_world([frame.get(axis, 0) for axis in source.axes])
        lacking = self._viewer.dims.ndim - layer.ndim
        for axis, letter in enumerate(source.axes):
            if letter in frame:
                self._viewer.dims.set_point(axis + lacking, float(world[axis]))

    def _on_channels(self) -> None:
        try:
            lengths = self._channels.source().frame_lengths()
        except DualglandError:
            lengths = {}
        self.setVisible(bool(lengths))
