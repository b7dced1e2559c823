"""What will be written, as a list: a row for each file, then what a person should know."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from napari_dualgland.io.writing import Plan, PlannedFile
from napari_dualgland.legible import legible
from napari_dualgland.memory import in_words
from napari_dualgland.widgets.kit.style import footnote, in_lines

_COLUMNS = ("File", "What is in it", "Pixels", "Size")
_MOST_ROWS = 8


class PlanView(QWidget):
    """Shows a plan, or why there is none.

    Parameters
    ----------
    parent : QWidget, optional
        Qt's parent.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = QTreeWidget()
        self.list.setAccessibleName("Files that will be written")
        self.list.setToolTip(
            in_lines("The files that will be written; sizes are those before compression.")
        )
        self.list.setHeaderLabels(list(_COLUMNS))
        self.list.setRootIsDecorated(False)
        self.list.setSelectionMode(QTreeWidget.SelectionMode.NoSelection)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.header().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.says = footnote()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.list)
        column.addWidget(self.says)
        self.refuse("")

    def show_plan(self, plan: Plan) -> None:
        """Show what will be written."""
        self.list.clear()
        for file in plan.files:
            self.list.addTopLevelItem(_row(file))
        for column in range(len(_COLUMNS)):
            self.list.resizeColumnToContents(column)
        rows = min(len(plan.files), _MOST_ROWS)
        high = self.list.sizeHintForRow(0) * rows + self.list.header().sizeHint().height() + 20
        self.list.setFixedHeight(high)
        self.list.show()
        replaced = len(plan.replaced)
        notes = list(plan.notes)
        if replaced:
            things = "1 file is there" if replaced == 1 else f"{replaced} files are there"
            notes.insert(0, f"⚠ {things} already and would be replaced.")
        self.says.setText("\n".join(notes))
        self.says.setVisible(bool(notes))

    def refuse(self, line: str) -> None:
        """Show why nothing can be written."""
        self.list.clear()
        self.list.hide()
        self.says.setText(line)
        self.says.setVisible(bool(line))


def _row(file: PlannedFile) -> QTreeWidgetItem:
    sizes = " × ".join(map(str, file.shape))
    pixels = f"{file.axes} {sizes}, {file.dtype}" if file.axes else ""
    size = in_words(file.nbytes) if file.nbytes else ""
    row = QTreeWidgetItem([legible(file.path.name), legible(file.holds), pixels, size])
    for column, text in enumerate((str(file.path), file.holds, pixels, size)):
        row.setToolTip(column, in_lines(text))
    return row
