"""Model, device and how to use them: a projection of :class:`ImputeParams`, nothing more."""

from __future__ import annotations

from typing import get_args

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QSpinBox, QVBoxLayout, QWidget

from napari_dualgland.imputation.params import MOST_SAMPLES, ImputeParams
from napari_dualgland.widgets.kit.model_choice import Advanced, DeviceCombo, ModelCombo
from napari_dualgland.widgets.kit.style import form_layout

_DEFAULTS = ImputeParams()


class ModelForm(QWidget):
    """Asks for everything in :class:`ImputeParams`."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = ModelCombo("impute", _DEFAULTS.model)
        self.device = DeviceCombo()
        self.precision = QComboBox()
        self.tile = QSpinBox()
        self.seed = QSpinBox()
        self.adapt = QCheckBox("Learn from this image")
        self.rehearse = QCheckBox("Rehearse on this image")
        self.samples = QSpinBox()
        self.plausible = QCheckBox("Fill with a plausible picture")
        self._lay_out()
        for signal in (
            self.model.currentIndexChanged,
            self.device.currentIndexChanged,
            self.precision.currentIndexChanged,
            self.tile.valueChanged,
            self.seed.valueChanged,
            self.adapt.toggled,
            self.rehearse.toggled,
            self.samples.valueChanged,
            self.plausible.toggled,
        ):
            signal.connect(self.changed)

    def value(self) -> ImputeParams:
        """Return the options as they stand."""
        return ImputeParams(
            model=self.model.currentData(),
            device=self.device.currentText(),
            precision=self.precision.currentData(),
            tile=self.tile.value(),
            seed=self.seed.value(),
            rehearse=self.rehearse.isChecked(),
            adapt=self.adapt.isChecked(),
            samples=self.samples.value(),
            plausible=self.plausible.isChecked(),
        )

    def set_value(self, params: ImputeParams) -> None:
        """Show these options; a model or device that is not listed yet is added."""
        self.model.choose(params.model)
        self.device.choose(params.device)
        self.precision.setCurrentText(params.precision)
        self.tile.setValue(params.tile)
        self.seed.setValue(params.seed)
        self.rehearse.setChecked(params.rehearse)
        self.adapt.setChecked(params.adapt)
        self.samples.setValue(params.samples)
        self.plausible.setChecked(params.plausible)

    def _lay_out(self) -> None:
        self.tile.setRange(64, 2048)
        self.tile.setSingleStep(32)
        self.tile.setValue(_DEFAULTS.tile)
        self.tile.setSuffix(" px")
        self.tile.setToolTip(
            "The image is filled in squares of this side; smaller ones need less memory."
        )
        self.tile.editingFinished.connect(self._round_tile)
        self.seed.setRange(0, 2**31 - 1)
        self.seed.setToolTip(
            "Another number draws other samples. The same seed, image and device give the same\n"
            "result again."
        )
        self.rehearse.setChecked(_DEFAULTS.rehearse)
        self.rehearse.setToolTip(
            "Before filling, hide some pixels that were measured, let the model guess them, and\n"
            "trust it only as far as it was right. Makes the stated uncertainty fit this image."
        )
        # What is learned is judged by rehearsing; without that there is nothing to follow.
        self.rehearse.toggled.connect(self.adapt.setEnabled)
        self.adapt.setChecked(_DEFAULTS.adapt)
        self.adapt.setToolTip(
            "Practise on measured parts of this image and correct what the model gets wrong\n"
            "there, as far as that helps. Takes some seconds per channel.\n"
            "Needs “Rehearse on this image” (under Advanced), which judges whether it helped."
        )
        for name in get_args(ImputeParams.model_fields["precision"].annotation):
            self.precision.addItem(name, name)
        self.precision.setToolTip(
            "What the network computes in. auto: bf16 where the device has it in hardware, which\n"
            "is faster and changes a fill by half a grey level of 255 at most; fp32 elsewhere."
        )
        self.samples.setRange(0, MOST_SAMPLES)
        self.samples.setSpecialValueText("none")
        self.samples.setToolTip(
            "Beside the estimate, draw this many pictures of what the missing parts may have\n"
            "looked like, as hidden layers. Where they differ, the image does not tell the truth\n"
            "apart from them. Measure in each to see how far a figure may be off."
        )
        self.plausible.setChecked(_DEFAULTS.plausible)
        self.plausible.setToolTip(
            "Fill with one picture of many that would fit, instead of the estimate: it has the\n"
            "grain of a measured image, but its detail is made up and further from the truth.\n"
            "For looking at, not for measuring."
        )
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(4)
        rows = QWidget()
        form = form_layout(rows)
        form.addRow("Model", self.model)
        form.addRow("", self.model.summary)
        form.addRow("Device", self.device)
        form.addRow("", self.adapt)
        outer.addWidget(rows)
        inner = QWidget()
        more = form_layout(inner)
        more.addRow("", self.rehearse)
        more.addRow("Samples", self.samples)
        more.addRow("", self.plausible)
        more.addRow("Seed", self.seed)
        more.addRow("Tile size", self.tile)
        more.addRow("Precision", self.precision)
        self.advanced = Advanced(inner)
        outer.addWidget(self.advanced)

    def _round_tile(self) -> None:
        self.tile.setValue(round(self.tile.value() / 32) * 32)
