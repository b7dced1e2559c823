"""What will be written, as a list: two lines for each file, then what a person should know."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QRect, QSize, Qt, QTimer
from qtpy.QtWidgets import QAbstractItemView, QListWidget, QWidget

from napari_dualgland.io.writing import Plan, PlannedFile
from napari_dualgland.legible import legible
from napari_dualgland.memory import in_words
from napari_dualgland.widgets.kit.style import column, footnote, in_lines

_HIGHEST = 220
"""Of the list, in pixels; more files scroll."""
_INSET = 16
"""What of its width a text does not have."""


class PlanView(QWidget):
    """Shows a plan, or why there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.list = QListWidget()
        self.list.setAccessibleName("Files that will be written")
        self.list.setToolTip(
            in_lines("The files that will be written; sizes are those before compression.")
        )
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.list.setWordWrap(True)
        self.list.setSpacing(2)
        self.says = footnote()
        # Later: the list takes its new width only after this widget has taken its own.
        self._fitting = QTimer(self)
        self._fitting.setSingleShot(True)
        self._fitting.timeout.connect(self._fit)
        column(self, self.list, self.says)
        self.refuse("")

    def show_plan(self, plan: Plan) -> None:
        """Show what will be written."""
        self.list.clear()
        for file in plan.files:
            self.list.addItem("\n".join(_lines_of(file)))
            self.list.item(self.list.count() - 1).setToolTip(in_lines(str(file.path)))
        self.list.show()
        self._fitting.start(0)
        count = len(plan.replaced)
        replaced = "1 of them is" if count == 1 else f"{count} of them are"
        told = [f"⚠ {replaced} there already and would be replaced."] if count else []
        self._say([*told, *plan.notes])

    def refuse(self, line: str) -> None:
        """Show why nothing can be written."""
        self.list.clear()
        self.list.hide()
        self._say([line] if line else [])

    def resizeEvent(self, event: Any) -> None:
        """Make room for lines that wrap now, or no longer."""
        super().resizeEvent(event)
        self._fitting.start(0)

    def _say(self, lines: list[str]) -> None:
        self.says.setText("\n".join(lines))
        self.says.setVisible(bool(lines))

    def _fit(self) -> None:
        # Qt's hint for a row knows of no line that wraps.
        within = QRect(0, 0, self.list.viewport().width() - _INSET, _HIGHEST)
        high = 0
        for item in (self.list.item(row) for row in range(self.list.count())):
            wraps = Qt.TextFlag.TextWordWrap
            text = self.list.fontMetrics().boundingRect(within, wraps, item.text())
            item.setSizeHint(QSize(within.width(), text.height() + 4))
            high += item.sizeHint().height() + 2 * self.list.spacing()
        self.list.setFixedHeight(min(high + 2 * self.list.frameWidth() + 2, _HIGHEST))


def _lines_of(file: PlannedFile) -> list[str]:
    """Return the name of a file, and what is in it."""
    said = [legible(file.holds)]
    if file.axes:
        said.append(f"{file.axes} {' × '.join(map(str, file.shape))}, {file.dtype}")
    if file.nbytes:
        said.append(in_words(file.nbytes))
    return [legible(file.path.name), " · ".join(said)]
