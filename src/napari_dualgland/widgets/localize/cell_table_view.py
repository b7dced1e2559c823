"""The cells under the form: a table to sort, to filter, and to walk the image by."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QItemSelectionModel, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from napari_dualgland.results import Localization
from napari_dualgland.widgets.kit.style import heading
from napari_dualgland.widgets.localize.cell_table import CellFilter, CellTableModel
from napari_dualgland.widgets.localize.frozen_first import FrozenFirst

_NARROWEST, _WIDEST = 130, 420
"""Pixels of the column of classes, which may name many; the tool tip names them all."""

_ARROW = 14


class CellTable(QWidget):
    """A filter, a table, and how many cells of how many it shows."""

    chosen = Signal(int)
    """The person chose the cell in this row of the localization's table."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = CellTableModel(self)
        self.filter = CellFilter(self)
        self.filter.setSourceModel(self.model)
        self.text = QLineEdit()
        self.damaged = QCheckBox("Damaged or imputed")
        self.numbers = QCheckBox("Numbers in the image")
        self.count = heading("Cells")
        self.view = FrozenFirst()
        self.view.setAccessibleName("Cells")
        self.view.setToolTip("A row for each cell: click on one to go there in the image.")
        # So many rows say how wide a column must be; not those in sight: where the table is not
        # shown yet, these are all, and to ask all takes half a second.
        self.view.horizontalHeader().setResizeContentsPrecision(20)
        self._silent = False
        self._lay_out()
        self.view.viewport().installEventFilter(self)
        self.text.textChanged.connect(self._on_filter)
        self.damaged.toggled.connect(self._on_filter)
        self.view.selectionModel().currentRowChanged.connect(self._on_row)

    def take(self, result: Localization | None, assumed: str = "") -> None:
        """Show the cells of a localization, or none.

        Parameters
        ----------
        result : Localization or None
        assumed : str
            As of :meth:`.CellTableModel.set_table`.
        """
        self._silent = True
        if result is None:
            self.model.clear()
        else:
            self.model.set_table(result.table, result.thresholds, assumed)
        self.filter.sort(-1)
        self.view.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self._silent = False
        self._fit_columns()
        self._on_filter()

    def select_row(self, row: int) -> bool:
        """Select the cell in a row of the table and scroll to it; False if it is filtered out."""
        index = self.filter.mapFromSource(self.model.index(row, 0))
        if not index.isValid():
            return False
        self._silent = True
        flags = QItemSelectionModel.SelectionFlag
        self.view.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
        self._silent = False
        self.view.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)
        return True

    def _on_row(self, current: Any, _: Any = None) -> None:
        if current.isValid() and not self._silent:
            self.chosen.emit(self.filter.mapToSource(current).row())

    def _on_filter(self) -> None:
        self._silent = True
        self.filter.look_for(self.text.text())
        self.filter.set_damaged_only(self.damaged.isChecked())
        self._silent = False
        shown, total = self.filter.rowCount(), self.model.rowCount()
        self.count.setText(f"Cells ({total})" if shown == total else f"Cells ({shown} of {total})")

    @override
    def eventFilter(self, watched: Any, event: Any) -> bool:
        """Give the classes the room that there is now, when the table itself has got it."""
        if event.type() == QEvent.Type.Resize:
            self._fit_classes()
        return False

    def _fit_columns(self) -> None:
        self.view.resizeColumnsToContents()
        # The arrow of sorting needs room of its own, and this column is always in sight.
        self.view.setColumnWidth(0, self.view.columnWidth(0) + _ARROW)
        self._fit_classes()
        self.view.follow()

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
        view = self.view
        view.setModel(self.filter)
        view.setAccessibleName("Cells")
        view.setToolTip("Click on a row to fly to its cell; click on a cell to find its row.")
        view.setSortingEnabled(True)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setWordWrap(False)
        view.setShowGrid(False)
        view.setCornerButtonEnabled(False)
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(view.fontMetrics().height() + 8)
        view.horizontalHeader().setHighlightSections(False)
        view.setMinimumHeight(8 * (view.fontMetrics().height() + 8))
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
        column.addWidget(view, 1)
