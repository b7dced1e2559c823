"""Which channel is what, for files that do not say it: numbers, the same for all of them."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QWidget

from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.field.role_label import RoleLabel
from napari_dualgland.widgets.field.roles import ROLE_LABELS
from napari_dualgland.widgets.kit.collapsible import Collapsible
from napari_dualgland.widgets.kit.fields import widen
from napari_dualgland.widgets.kit.style import column, form_layout

_MOST = 8
"""Channels that a microscope's file may have, to choose from."""


class ChannelNumbers(QWidget):
    """A picker for each role; nothing is said where none is touched."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        rows = QWidget()
        form = form_layout(rows)
        self.combos: dict[str, QComboBox] = {}
        for role in ROLES:
            combo = QComboBox()
            combo.addItem("—", None)
            for number in range(_MOST):
                combo.addItem(f"channel {number}", number)
            widen(combo)
            combo.setToolTip("Which channel of your files this is; — where the files say it.")
            combo.currentIndexChanged.connect(lambda _: self.changed.emit())
            combo.setAccessibleName(ROLE_LABELS[role])
            form.addRow(RoleLabel(role), combo)
            self.combos[role] = combo
        self.section = Collapsible("Which channel is what", rows)
        column(self, self.section)

    def value(self) -> dict[str, int | str] | None:
        """Return what was chosen, by role; None where the files say it."""
        chosen = {role: combo.currentData() for role, combo in self.combos.items()}
        return {role: number for role, number in chosen.items() if number is not None} or None

    def set_value(self, channels: Mapping[str, int | str] | None) -> None:
        """Show what was chosen; names are what the files say, or can be given to a recipe."""
        for role, combo in self.combos.items():
            with QSignalBlocker(combo):
                number = (channels or {}).get(role)
                combo.setCurrentIndex(max(0, combo.findData(number)))

    def open(self) -> None:
        """Show the pickers: they are needed."""
        self.section.expand(animate=False)
