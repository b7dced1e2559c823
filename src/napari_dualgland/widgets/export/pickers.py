"""What is exported and in which format: two pickers, the second following the first."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QWidget

from napari_dualgland.legible import legible
from napari_dualgland.widgets.export.found import Found
from napari_dualgland.widgets.export.offered import OFFERED, Offered
from napari_dualgland.widgets.kit.fields import widen
from napari_dualgland.widgets.kit.style import footnote, form_layout, in_lines

NOTHING = "nothing to export yet"


class WhatForm(QWidget):
    """Asks for a result and a format."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._found: list[Found] = []
        self._offered: tuple[Offered, ...] = ()
        self.what, self.format = QComboBox(), QComboBox()
        self.about = footnote()
        names = {self.what: "What to export", self.format: "Format of the export"}
        tips = {
            self.what: "A result in this viewer, named for the field that it belongs to; or the "
            "layers that are selected.",
            self.format: "How it is written. Below stands what the format is good for.",
        }
        for combo, name in names.items():
            widen(combo)
            combo.setAccessibleName(name)
            combo.setToolTip(in_lines(tips[combo]))
        form = form_layout(self)
        form.addRow("&What", self.what)
        form.addRow("&Format", self.format)
        form.addRow(self.about)
        self.what.currentIndexChanged.connect(lambda _: self._on_what())
        self.format.currentIndexChanged.connect(lambda _: self._on_format())

    def found(self) -> Found | None:
        """Return what is chosen; None where there is nothing."""
        at = self.what.currentIndex()
        return self._found[at] if 0 <= at < len(self._found) else None

    def offered(self) -> Offered | None:
        """Return the format that is chosen; None where there is nothing."""
        at = self.format.currentIndex()
        return self._offered[at] if 0 <= at < len(self._offered) else None

    def offer(self, found: Sequence[Found]) -> None:
        """Offer what there is; what was chosen stays chosen as long as it is there."""
        before = self.found()
        self._found = list(found)
        keys = [item.key for item in found]
        at = keys.index(before.key) if before is not None and before.key in keys else 0
        with QSignalBlocker(self.what):
            self.what.clear()
            self.what.addItems([legible(item.label) for item in found] or [NOTHING])
            self.what.setCurrentIndex(at)
        self.what.setEnabled(bool(found))
        self._on_what()

    def renew(self, found: Sequence[Found]) -> None:
        """Take what the same things to export hold by now; offer anew where they are others."""
        if [item.key for item in found] == [item.key for item in self._found]:
            self._found = list(found)
        else:
            self.offer(found)

    def choose(self, key: tuple[str, ...]) -> None:
        """Choose a result by what tells it from others."""
        keys = [item.key for item in self._found]
        if key in keys:
            self.what.setCurrentIndex(keys.index(key))

    def _on_what(self) -> None:
        found = self.found()
        offered = () if found is None else OFFERED[found.kind]
        if offered != self._offered:
            self._offered = offered
            with QSignalBlocker(self.format):
                self.format.clear()
                self.format.addItems([way.name for way in offered])
        self.format.setEnabled(bool(offered))
        self._on_format()

    def _on_format(self) -> None:
        offered = self.offered()
        self.about.setText("" if offered is None else offered.about)
        self.changed.emit()
