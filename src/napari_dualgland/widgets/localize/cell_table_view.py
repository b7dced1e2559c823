"""The cells under the form: a table to sort, to filter, and to walk the image by."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget
from typing_extensions import override

from napari_dualgland.results import Localization
from napari_dualgland.widgets.cells.table_view import TableView
from napari_dualgland.widgets.kit.style import heading
from napari_dualgland.widgets.localize.cell_table import CellFilter, CellTableModel, columns_of

_NARROWEST, _WIDEST = 130, 420
"""Pixels of the column of classes, which may name many; the tool tip names them all."""


class CellTable(QWidget):
    """A filter, a table, and how many cells of how many it shows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = CellTableModel(self)
        self.filter = CellFilter(self)
        tip = "Click on a row to fly to its cell; click on a cell to find its row."
        self.view = TableView("Cells", tip, self.model, self.filter)
        self.text = QLineEdit()
        self.damaged = QCheckBox("Damaged or imputed")
        self.numbers = QCheckBox("Numbers in the image")
        self.count = heading("Cells")
        self._lay_out()
        self.view.viewport().installEventFilter(self)
        self.text.textChanged.connect(self._on_filter)
        self.damaged.toggled.connect(self._on_filter)

    def take(self, result: Localization | None, assumed: str = "") -> None:
        """Show the cells of a localization, or none.

        Parameters
        ----------
        result : Localization or None
        assumed : str
            As of :func:`.columns_of`.
        """
        if result is None:
            self.view.take(None, ())
        else:
            self.view.take(result.table, columns_of(result.table, result.thresholds, assumed))
        self._fit_classes()
        self._on_filter()

    def _on_filter(self) -> None:
        self.view.silent = True
        self.filter.look_for(self.text.text())
        self.filter.set_damaged_only(self.damaged.isChecked())
        self.view.silent = False
        shown, total = self.filter.rowCount(), self.model.rowCount()
        self.count.setText(f"Cells ({total})" if shown == total else f"Cells ({shown} of {total})")

    @override
    def eventFilter(self, watched: Any, event: Any) -> bool:
        """Give the classes the room that there is now, when the table itself has got it."""
        if event.type() == QEvent.Type.Resize:
            self._fit_classes()
        return False

    def _fit_classes(self) -> None:
        """Fit the column of classes; how sure they are must be in sight beside it."""
        keys = [column.key for column in self.model.columns]
        if "classes" not in keys:
            return
        i = keys.index("classes")
        beside = sum(self.view.columnWidth(k) for k in range(i + 2) if k != i)
        room = max(_NARROWEST, self.view.viewport().width() - beside)
        wanted = max(_NARROWEST, self.view.sizeHintForColumn(i))
        self.view.setColumnWidth(i, min(_WIDEST, room, wanted))

    def _lay_out(self) -> None:
        self.text.setPlaceholderText("Filter by class …")
        self.text.setClearButtonEnabled(True)
        self.text.setToolTip("Show cells whose classes hold these words.")
        self.numbers.setToolTip("Write the number of each cell into the image, as a layer.")
        self.damaged.setToolTip("Show only cells with missing or imputed pixels.")
        self.view.setMinimumHeight(8 * (self.fontMetrics().height() + 8))
        row = QHBoxLayout()
        row.addWidget(self.text, 1)
        row.addWidget(self.damaged)
        head = QHBoxLayout()
        head.addWidget(self.count, 1)
        head.addWidget(self.numbers)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addLayout(row)
        column.addWidget(self.view, 1)
