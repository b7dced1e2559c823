"""Model, device, tile, seed and rehearsing: a projection of :class:`ImputeParams`, nothing more."""

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
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.model.weights import list_models, read_card
from napari_dualgland.widgets.form_style import footnote, form_layout
from napari_dualgland.widgets.worker import Job

_TILE = ImputeParams.model_fields["tile"]


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
        self.rehearse = QCheckBox("Rehearse on this image")
        self.advanced = QCollapsible("Advanced")
        self._lay_out()
        self._offer_models()
        self.model.currentIndexChanged.connect(self._show_card)
        for signal in (
            self.model.currentIndexChanged,
            self.device.currentIndexChanged,
            self.tile.valueChanged,
            self.seed.valueChanged,
            self.rehearse.toggled,
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

    def _lay_out(self) -> None:
        for combo in (self.model, self.device):
            combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            combo.setMinimumContentsLength(12)
        self.device.setToolTip("Where to compute; auto takes the fastest there is.")
        self.tile.setRange(64, 2048)
        self.tile.setSingleStep(32)
        self.tile.setValue(_TILE.default)
        self.tile.setSuffix(" px")
        self.tile.setToolTip("Side of a tile. Smaller tiles need less memory.")
        self.tile.editingFinished.connect(self._round_tile)
        self.seed.setRange(0, 2**31 - 1)
        self.seed.setToolTip("The same seed, image and device give the same result.")
        self.rehearse.setChecked(ImputeParams.model_fields["rehearse"].default)
        self.rehearse.setToolTip(
            "First fill some of the holes where the truth is known, and believe the model as\n"
            "far as it was right there."
        )
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(4)
        rows = QWidget()
        form = form_layout(rows)
        form.addRow("Model", self.model)
        form.addRow("", self.summary)
        form.addRow("Device", self.device)
        outer.addWidget(rows)
        inner = QWidget()
        more = form_layout(inner)
        more.addRow("Tile size", self.tile)
        more.addRow("Seed", self.seed)
        more.addRow("", self.rehearse)
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
