"""Which cells, and how to look at them: a projection of :class:`LocalizeParams`, and a layer."""

from __future__ import annotations

from typing import Any

from napari.layers import Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QHBoxLayout, QVBoxLayout, QWidget

from napari_dualgland.io.layer_masks import is_coded, mask_from_layer
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.mask import Mask
from napari_dualgland.widgets.field.layer_combo import LayerCombo
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.kit.model_choice import Advanced, DeviceCombo, ModelCombo
from napari_dualgland.widgets.kit.style import form_layout

_DEFAULTS = LocalizeParams()
OWN = "Own segmentation"


class LocalizeForm(QWidget):
    """Asks for the cells and for everything in :class:`LocalizeParams`."""

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.cells = LayerCombo(OWN, lambda x: isinstance(x, Labels) and not is_coded(x))
        self.model = ModelCombo("localize", _DEFAULTS.model)
        self.device = DeviceCombo()
        self.threshold = ThresholdField()
        self.nucleus = QDoubleSpinBox()
        self.smallest = QDoubleSpinBox()
        self._lay_out()
        self.cells.chosen.connect(self._show_needed)
        self.refresh()

    def value(self) -> LocalizeParams:
        """Return the options as they stand."""
        return LocalizeParams(
            model=self.model.currentData() or _DEFAULTS.model,
            device=self.device.currentText(),
            threshold=self.threshold.value(),
            nucleus_um=self.nucleus.value(),
            smallest_um2=self.smallest.value(),
        )

    def set_value(self, params: LocalizeParams) -> None:
        """Show these options; a model or device that is not listed yet is added."""
        self.model.choose(params.model)
        self.device.choose(params.device)
        self.threshold.set_value(params.threshold)
        self.nucleus.setValue(params.nucleus_um)
        self.smallest.setValue(params.smallest_um2)

    def marking(self, source: Source) -> Mask | None:
        """Return the given cells, None where they are to be found.

        Raises
        ------
        DualglandError
            If they do not fit the image.
        """
        layer = self.cells.layer()
        return None if layer is None else mask_from_layer(layer, source.layers, source.channel_axis)

    def refresh(self) -> None:
        """Follow the layer list."""
        self.cells.offer(reversed(list(self._viewer.layers)))
        self._show_needed()

    def _show_needed(self) -> None:
        """Sizes are asked for only where cells are to be found."""
        for field in (self.nucleus, self.smallest):
            field.setEnabled(self.cells.layer() is None)

    def _lay_out(self) -> None:
        self.cells.setToolTip(
            "Find the cells here, or take them from a Labels layer (Cellpose, StarDist, your\n"
            "own): a number for each cell, which it keeps."
        )
        self.nucleus.setRange(3, 60)
        self.nucleus.setDecimals(1)
        self.nucleus.setSuffix(" µm")
        self.nucleus.setValue(_DEFAULTS.nucleus_um)
        self.nucleus.setToolTip("Diameter of a typical nucleus: the scale of the segmentation.")
        self.smallest.setRange(0, 100_000)
        self.smallest.setDecimals(0)
        self.smallest.setSuffix(" µm²")
        self.smallest.setValue(_DEFAULTS.smallest_um2)
        self.smallest.setToolTip("What is smaller is no cell.")
        rows = QWidget()
        form = form_layout(rows)
        form.addRow("Cells", self.cells)
        inner = QWidget()
        more = form_layout(inner)
        more.addRow("Model", self.model)
        more.addRow("", self.model.summary)
        more.addRow("Device", self.device)
        more.addRow("Threshold", self.threshold)
        more.addRow("Nucleus", self.nucleus)
        more.addRow("Smallest cell", self.smallest)
        self.advanced = Advanced(inner, "Options")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(rows)
        column.addWidget(self.advanced)


class ThresholdField(QWidget):
    """A probability from which classes are named, or the model's own, class by class."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.own = QCheckBox("Of the model")
        self.own.setToolTip(
            "A threshold for each class, chosen on validation data. Untick it to name classes\n"
            "from one probability on."
        )
        self.number = QDoubleSpinBox()
        self.number.setRange(0.01, 0.99)
        self.number.setSingleStep(0.05)
        self.number.setValue(0.5)
        self.number.setEnabled(False)
        self.own.setChecked(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.own)
        row.addWidget(self.number, 1)
        self.own.toggled.connect(self.number.setDisabled)
        self.own.toggled.connect(self.changed)
        self.number.valueChanged.connect(self.changed)

    def value(self) -> float | None:
        """Return the threshold, None for the model's own."""
        return None if self.own.isChecked() else round(self.number.value(), 2)

    def set_value(self, threshold: float | None) -> None:
        """Show a threshold."""
        self.own.setChecked(threshold is None)
        if threshold is not None:
            self.number.setValue(threshold)
