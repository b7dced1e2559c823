"""A table of numbers to sort and to walk the image by: of cells, and of holes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import (
    QAbstractTableModel,
    QItemSelectionModel,
    QModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QTableView
from typing_extensions import override

if TYPE_CHECKING:
    import pandas as pd

SORT = Qt.ItemDataRole.UserRole
"""The value itself, for sorting."""
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_ABOVE, _BELOW, _FAINT, _FULL_AT = "#EE7733", "#4477AA", 0.75, 8.0
"""Colours of what is too bright and too dark for its place; opacity at most, and from where."""


@dataclass(frozen=True)
class Column:
    """How a column is shown.

    Attributes
    ----------
    key : str or tuple of str
        Its name in the table.
    title, tip : str
        What its head says, and what it says to a pointer that rests there.
    style : str
        ``text``, ``count``, ``score`` (with its sign; out of balance beyond ``out``), the
        number of decimals, or what is said in place of number 0.
    """

    key: Any
    title: str
    tip: str
    style: str = "text"


class FrameModel(QAbstractTableModel):
    """Rows of a table of pandas, read only.

    Parameters
    ----------
    out : float
        From which a score stands out.
    parent : QObject, optional
        Qt's parent.
    """

    def __init__(self, out: float, parent: Any = None) -> None:
        super().__init__(parent)
        self._out = out
        self.show_table(None, ())

    def show_table(self, table: pd.DataFrame | None, columns: Any) -> None:
        """Show another table.

        Parameters
        ----------
        table : pandas.DataFrame or None
            None for an empty one; pandas takes a second to load, and a dock opens at once.
        columns : sequence of Column
            Those that the table lacks are left out.
        """
        self.beginResetModel()
        self.columns = [] if table is None else [c for c in columns if c.key in table.columns]
        self._values = [] if table is None else [table[c.key].tolist() for c in self.columns]
        self._count = 0 if table is None else len(table)
        self.endResetModel()

    @override
    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else self._count

    @override
    def columnCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    @override
    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.tip
        return None

    @override
    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        column, value = self.columns[index.column()], self._values[index.column()][index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return in_words(value, column.style)
        if role == SORT:
            return value
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _LEFT if column.style == "text" else _RIGHT
        if role == Qt.ItemDataRole.BackgroundRole and column.style == "score":
            return self._tint(value)
        return None

    def _tint(self, value: float) -> QColor | None:
        if math.isnan(value) or abs(value) <= self._out:
            return None
        color = QColor(_ABOVE if value > 0 else _BELOW)
        color.setAlphaF(_FAINT * min(1.0, abs(value) / _FULL_AT))
        return color


class _NumbersSorted(QSortFilterProxyModel):
    """Sorts numbers as numbers, scores by how far they are off, what is not known last."""

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        self.setSortRole(SORT)

    @override
    def lessThan(self, left: QModelIndex, right: QModelIndex) -> bool:
        a, b = left.data(SORT), right.data(SORT)
        if a != a or b != b:  # NaN
            ascending = self.sortOrder() == Qt.SortOrder.AscendingOrder
            return bool((b != b) > (a != a) if ascending else (a != a) > (b != b))
        return bool(a < b)


class FrameTable(QTableView):
    """Shows a table; a row that is chosen is told.

    Parameters
    ----------
    name : str
        For those who hear the screen.
    out : float
        From which a score stands out.
    """

    chosen = Signal(int)
    """The person chose this row of the table."""

    def __init__(self, name: str, out: float) -> None:
        super().__init__()
        self._silent = False
        self.rows = FrameModel(out, self)
        self.sorted = _NumbersSorted(self)
        self.sorted.setSourceModel(self.rows)
        self.setModel(self.sorted)
        self.setAccessibleName(name)
        self.setSortingEnabled(True)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setCornerButtonEnabled(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        self.horizontalHeader().setHighlightSections(False)
        # So many rows say how wide a column must be; not those in sight: where the table is not
        # shown yet, these are all, and to ask all takes too long.
        self.horizontalHeader().setResizeContentsPrecision(20)
        self.selectionModel().currentRowChanged.connect(self._on_row)

    def take(self, table: pd.DataFrame | None, columns: Any) -> None:
        """Show a table; see :meth:`FrameModel.show_table`.

        Parameters
        ----------
        table : pandas.DataFrame or None
        columns : sequence of Column
        """
        self._silent = True
        self.rows.show_table(table, columns)
        self.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        self._silent = False
        self.resizeColumnsToContents()

    def select(self, row: int) -> None:
        """Select a row of the table and scroll to it, without telling."""
        index = self.sorted.mapFromSource(self.rows.index(row, 0))
        self._silent = True
        flags = QItemSelectionModel.SelectionFlag
        self.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
        self._silent = False
        self.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)

    def _on_row(self, current: Any, _: Any = None) -> None:
        if current.isValid() and not self._silent:
            self.chosen.emit(self.sorted.mapToSource(current).row())


def in_words(value: Any, style: str) -> str:
    """Return a value as people read it; a dash where there is none.

    Parameters
    ----------
    value : object
        Of a field of the table.
    style : str
        As in :class:`Column`.

    Returns
    -------
    str
    """
    if value != value or value == "":
        return "—"
    if style == "text":
        return str(value)
    if style == "count":
        return f"{int(value)}"
    if style == "score":
        return f"{value:+.1f}".replace("-", "−") if abs(value) >= 0.05 else "0.0"
    if style.isdigit():
        return f"{value:,.{int(style)}f}".replace(",", "\u202f")
    return str(value) if value else style
