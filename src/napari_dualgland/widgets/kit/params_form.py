"""Forms made of the fields of a pydantic model: nothing about an option is said twice.

magicgui turns each annotation into a widget. The field's title is its label, the description
its tooltip, the constraints are its bounds. ``json_schema_extra`` may add

``group``
    Title of the section, closed at first, that holds the field.
``needs``
    Name of the switch without which the field means nothing.
``none``, ``start``
    Of a field that may be None: what the box says that stands for None, and the number that is
    offered where somebody unticks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QWidget

from napari_dualgland.widgets.kit.collapsible import Collapsible
from napari_dualgland.widgets.kit.fields import Field, field_for
from napari_dualgland.widgets.kit.style import column, form_layout, in_lines

M = TypeVar("M", bound=BaseModel)


class ParamsForm(QWidget, Generic[M]):
    """Asks for everything in a model, and gives back the very values that it was shown.

    Parameters
    ----------
    model : type of pydantic.BaseModel
        Every field needs a default and a title.
    special : mapping of str to Field, optional
        Fields that are no plain number, text or choice, by name.
    """

    changed = Signal()

    def __init__(
        self,
        model: type[M],
        special: Mapping[str, Field] | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self._silent = False
        self.fields: dict[str, Field] = {
            name: (special or {}).get(name) or field_for(info)
            for name, info in model.model_fields.items()
        }
        self.sections: dict[str, Collapsible] = {}
        self._lay_out()
        self.set_value(model())
        for field in self.fields.values():
            field.changed.connect(self._on_changed)

    def value(self) -> M:
        """Return the model as it stands in the form."""
        return self.model(**{name: field.value() for name, field in self.fields.items()})

    def set_value(self, params: M) -> None:
        """Show a model; whatever is valid comes back to the last digit."""
        self._silent = True
        for name, field in self.fields.items():
            field.set_value(getattr(params, name))
        self._silent = False
        self._on_changed()

    def _on_changed(self) -> None:
        if self._silent:
            return
        for name, field in self.fields.items():
            needed = self._extra(name).get("needs")
            if needed is not None:
                field.widget.setEnabled(bool(self.fields[needed].value()))
        self.changed.emit()

    def _extra(self, name: str) -> dict[str, Any]:
        extra = self.model.model_fields[name].json_schema_extra
        return extra if isinstance(extra, dict) else {}

    def _lay_out(self) -> None:
        sections = column(self)
        groups: dict[str | None, QWidget] = {}
        for name, field in self.fields.items():
            group = self._extra(name).get("group")
            if group not in groups:
                groups[group] = rows = QWidget()
                form_layout(rows)
                if group is not None:
                    self.sections[group] = rows = Collapsible(group, rows)
                sections.addWidget(rows)
            self._add_row(groups[group].layout(), name, field)

    def _add_row(self, form: Any, name: str, field: Field) -> None:
        info = self.model.model_fields[name]
        if not field.widget.toolTip():
            field.widget.setToolTip(in_lines(info.description or ""))
        if isinstance(field.widget, QCheckBox):
            field.widget.setText(info.title or name)
            form.addRow("", field.widget)
            return
        form.addRow(info.title or name, field.widget)
        form.labelForField(field.widget).setToolTip(in_lines(info.description or ""))
        if field.summary is not None:
            form.addRow("", field.summary)
