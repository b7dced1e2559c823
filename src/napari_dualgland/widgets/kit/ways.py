"""One of several ways to say something, and below it the one field that this way needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QWidget

from napari_dualgland.widgets.kit.fields import widen
from napari_dualgland.widgets.kit.style import form_layout, in_lines


@dataclass(frozen=True)
class Way:
    """One of the ways.

    Attributes
    ----------
    text, tip : str
        What it is called and what it means.
    label : str
        What stands before its field; empty where that needs no label.
    field : QWidget or None
        What it needs.
    """

    text: str
    tip: str
    label: str = ""
    field: QWidget | None = None


class Ways(QWidget):
    """A choice among ways.

    Parameters
    ----------
    label : str
        What stands before the choice.
    ways : mapping of str to Way
        By the name that the code knows them by; the first is chosen first.
    """

    changed = Signal()

    def __init__(self, label: str, ways: Mapping[str, Way]) -> None:
        super().__init__()
        self._ways = dict(ways)
        self.combo = QComboBox()
        widen(self.combo)
        self._rows = form_layout(self)
        self._rows.addRow(label, self.combo)
        for name, way in self._ways.items():
            self.combo.addItem(way.text, name)
            tip = in_lines(way.tip)
            self.combo.setItemData(self.combo.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
            if way.field is not None and not way.field.toolTip():
                way.field.setToolTip(in_lines(way.tip))
            if way.field is not None and way.label:
                self._rows.addRow(way.label, way.field)
            elif way.field is not None:
                self._rows.addRow(way.field)
        self.combo.currentIndexChanged.connect(self._on_chosen)
        self._show()

    def value(self) -> str:
        """Return the name of the chosen way."""
        return str(self.combo.currentData())

    def set_value(self, name: str) -> None:
        """Choose a way."""
        self.combo.setCurrentIndex(list(self._ways).index(name))

    def _on_chosen(self) -> None:
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        chosen = self._ways[self.value()]
        self.combo.setToolTip(in_lines(chosen.tip))
        for way in self._ways.values():
            if way.field is not None:
                self._rows.setRowVisible(way.field, way is chosen)
