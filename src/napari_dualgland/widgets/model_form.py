"""Model, device and how to use them: a projection of :class:`ImputeParams`, nothing more."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_dualgland.errors import DualglandError
from napari_dualgland.imputation.params import MOST_SAMPLES, ImputeParams
from napari_dualgland.model.weights import list_models, read_card
from napari_dualgland.widgets.form_style import footnote, form_layout
from napari_dualgland.widgets.worker import Job

_DEFAULTS = ImputeParams()


class ModelForm(QWidget):
    """Asks for everything in :class:`ImputeParams`."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = QComboBox()
        self.summary = footnote()
        self.device = DeviceCombo()
        self.tile = QSpinBox()
        self.seed = QSpinBox()
        self.adapt = QCheckBox("Learn from this image")
        self.rehearse = QCheckBox("Rehearse on this image")
        self.samples = QSpinBox()
        self.plausible = QCheckBox("Fill with a plausible picture")
        self.advanced = QCollapsible("Advanced")
        self._lay_out()
        self._offer_models()
        self.model.currentIndexChanged.connect(self._show_card)
        for signal in (
            self.model.currentIndexChanged,
            self.device.currentIndexChanged,
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
            tile=self.tile.value(),
            seed=self.seed.value(),
            rehearse=self.rehearse.isChecked(),
            adapt=self.adapt.isChecked(),
            samples=self.samples.value(),
            plausible=self.plausible.isChecked(),
        )

    def set_value(self, params: ImputeParams) -> None:
        """Show these options; a model or device that is not listed yet is added."""
        if self.model.findData(params.model) < 0:
            self.model.addItem(params.model, params.model)
        self.model.setCurrentIndex(self.model.findData(params.model))
        self.device.offer(params.device)
        self.device.setCurrentText(params.device)
        self.tile.setValue(params.tile)
        self.seed.setValue(params.seed)
        self.rehearse.setChecked(params.rehearse)
        self.adapt.setChecked(params.adapt)
        self.samples.setValue(params.samples)
        self.plausible.setChecked(params.plausible)

    def _lay_out(self) -> None:
        for combo in (self.model, self.device):
            combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            combo.setMinimumContentsLength(12)
        self.device.setToolTip("Where to compute; auto takes the fastest there is.")
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
        form.addRow("", self.summary)
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
        self.advanced.addWidget(inner)
        # As text and not as icons: text takes the colour of the theme.
        self.advanced.setCollapsedIcon(QIcon())
        self.advanced.setExpandedIcon(QIcon())
        self.advanced.toggled.connect(self._name_advanced)
        self._name_advanced(False)
        # napari paints a checked button as an active tool, which an open section is not.
        self.advanced.toggleButton().setStyleSheet(
            "text-align: left; border: none; background: transparent; padding: 2px 0px;"
        )
        self.advanced.layout().setContentsMargins(0, 0, 0, 0)
        self.advanced.content().layout().setContentsMargins(0, 4, 0, 0)
        outer.addWidget(self.advanced)

    def _name_advanced(self, expanded: bool) -> None:
        self.advanced.setText("▾ Advanced" if expanded else "▸ Advanced")

    def _round_tile(self) -> None:
        self.tile.setValue(round(self.tile.value() / 32) * 32)

    def _offer_models(self) -> None:
        names = list_models()
        for name in names:
            self.model.addItem(name, name)
        wanted = ImputeParams.model_fields["model"].default
        self.model.setCurrentIndex(max(0, self.model.findData(wanted)))
        self._show_card()

    def _show_card(self) -> None:
        try:
            card, path = read_card(self.model.currentData())
        except DualglandError as error:
            self.summary.setText(str(error))
            return
        self.summary.setText(card.summary)
        held = f"\nHeld out: {'; '.join(card.held_out)}" if card.held_out else ""
        self.model.setToolTip(
            f"{card.name} {card.version}, {card.parameters:,} parameters, "
            f"licence {card.licence or 'not stated'}{held}\n{path}"
        )


class DeviceCombo(QComboBox):
    """Names of devices; GPUs are looked for when it is first opened.

    Asking for them imports torch, which takes seconds, so nobody waits for it who does
    not want to choose.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._asked = False
        for name in ("auto", "cpu"):
            self.addItem(name)

    def offer(self, name: str) -> None:
        """Add a device to the list, if it is not there."""
        if self.findText(name, Qt.MatchFlag.MatchExactly) < 0:
            self.addItem(name)

    def showPopup(self) -> None:
        """Open the list, and look for GPUs the first time."""
        if not self._asked:
            self._asked = True
            job = Job(_device_steps, self)
            job.succeeded.connect(self._offer_all)
            job.ended.connect(job.deleteLater)
            job.start()
        super().showPopup()

    def _offer_all(self, names: tuple[str, ...]) -> None:
        for name in names:
            self.offer(name)


def _device_steps(should_stop: Any) -> Any:
    from napari_dualgland.model.device import available_devices

    return available_devices()
    yield
