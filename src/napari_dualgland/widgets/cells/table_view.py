"""A table to sort, and to walk the image by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QItemSelectionModel, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView

from napari_dualgland.widgets.cells.frozen_first import FrozenFirst
from napari_dualgland.widgets.cells.table import Column, SortedTable, TableModel
from napari_dualgland.widgets.kit.style import in_lines

if TYPE_CHECKING:
    import pandas as pd

_ARROW = 14


class TableView(FrozenFirst):
    """Shows a table; a row that is chosen is told.

    Parameters
    ----------
    name : str
        For those who hear the screen.
    tip : str
        What it says to a pointer that rests there.
    rows : TableModel, optional
        What it shows.
    ordered : SortedTable, optional
        How that is sorted, and what is left out.
    """

    chosen = Signal(int)
    """The person chose this row of the table."""

    def __init__(
        self,
        name: str,
        tip: str,
        rows: TableModel | None = None,
        ordered: SortedTable | None = None,
    ) -> None:
        super().__init__()
        self.silent = False
        self.rows = rows or TableModel(self)
        self.sorted = ordered or SortedTable(self)
        self.sorted.setSourceModel(self.rows)
        self.setModel(self.sorted)
        self.setAccessibleName(name)
        self.setToolTip(in_lines(tip))
        self.setSortingEnabled(True)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setWordWrap(False)
        self.setShowGrid(False)
        self.setCornerButtonEnabled(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        self.horizontalHeader().setHighlightSections(False)
        # So many rows say how wide a column must be; not those in sight: where the table is not
        # shown yet, these are all, and to ask all takes half a second.
        self.horizontalHeader().setResizeContentsPrecision(20)
        self.selectionModel().currentRowChanged.connect(self._on_row)

    def take(self, table: pd.DataFrame | None, columns: Sequence[Column]) -> None:
        """Show a table; see :meth:`.TableModel.show_table`.

        Parameters
        ----------
        table : pandas.DataFrame or None
        columns : sequence of Column
        """
        self.silent = True
        self.rows.show_table(table, columns)
        self.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        self.silent = False
        self.resizeColumnsToContents()
        # The arrow of sorting needs room of its own, and this column is always in sight.
        self.setColumnWidth(0, self.columnWidth(0) + _ARROW)
        self.follow()

    def select(self, row: int) -> bool:
        """Select a row of the table and scroll to it, untold; False if it is filtered out."""
        index = self.sorted.mapFromSource(self.rows.index(row, 0))
        if not index.isValid():
            return False
        self.silent = True
        flags = QItemSelectionModel.SelectionFlag
        self.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
        self.silent = False
        self.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)
        return True

    def _on_row(self, current: Any, _: Any = None) -> None:
        if current.isValid() and not self.silent:
            self.chosen.emit(self.sorted.mapToSource(current).row())
