"""What is to be done for each stack: a tick for each kind of work, and its parameters below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QWidget

from napari_dualgland.batch import KINDS
from napari_dualgland.model.weights import KINDS as MODELS
from napari_dualgland.widgets.kit.collapsible import Collapsible
from napari_dualgland.widgets.kit.fields import Field
from napari_dualgland.widgets.kit.model_choice import DeviceField, ModelField
from napari_dualgland.widgets.kit.params_form import ParamsForm
from napari_dualgland.widgets.kit.style import column, plain

_SAYS = {
    "impute": "Fill what is damaged or missing, and mark every pixel that was filled.",
    "localize": "Say in which places of each cell the protein is: a table, labels, a picture.",
    "boundaries": "Map the compartments and their boundaries, and hold each cell against what was "
    "learned of healthy ones.",
}
_AFTER = " Where Impute is ticked too, it looks at the filled image."


class TodoForm(QWidget):
    """Asks what is done, and how."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.ticks: dict[str, QCheckBox] = {}
        self.forms: dict[str, ParamsForm[Any]] = {}
        self.sections: dict[str, Collapsible] = {}
        rows = column(self, spacing=2)
        for kind, job in KINDS.items():
            tick = QCheckBox(kind.capitalize())
            tick.setToolTip(plain(_SAYS.get(kind, "") + (_AFTER if kind != "impute" else "")))
            params = type(job.model_fields["params"].get_default(call_default_factory=True))
            form = ParamsForm(params, _special(kind, params))
            section = Collapsible(f"{kind.capitalize()}: options", form)
            rows.addWidget(tick)
            rows.addWidget(section)
            self.ticks[kind], self.forms[kind], self.sections[kind] = tick, form, section
            tick.toggled.connect(self._on_ticked)
        self.ticks["impute"].setChecked(True)
        self._on_ticked()

    def value(self) -> dict[str, BaseModel]:
        """Return what is ticked, with its parameters."""
        return {kind: self.forms[kind].value() for kind in KINDS if self.ticks[kind].isChecked()}

    def set_value(self, do: Mapping[str, BaseModel]) -> None:
        """Show what is to be done."""
        for kind, tick in self.ticks.items():
            tick.setChecked(kind in do)
            if kind in do:
                self.forms[kind].set_value(do[kind])

    def _on_ticked(self) -> None:
        for kind, tick in self.ticks.items():
            self.sections[kind].setVisible(tick.isChecked())
        self.changed.emit()


def _special(kind: str, params: type[BaseModel]) -> dict[str, Field]:
    # What says nothing of models of its own is done by those that impute.
    fields: dict[str, Field] = {"device": DeviceField()}
    if "model" in params.model_fields:
        fields["model"] = ModelField(kind if kind in MODELS else "impute")
    return {name: field for name, field in fields.items() if name in params.model_fields}
