"""A table of numbers as Qt sees it: read as people read them, sorted as numbers.

The model shows a table of pandas and changes nothing of it; filters stand on top, so that what is
exported is never less than what was found.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt
from qtpy.QtGui import QColor
from typing_extensions import override

from napari_dualgland.classes import SHORT_NAMES
from napari_dualgland.widgets.kit.style import in_lines

if TYPE_CHECKING:
    import pandas as pd

SORT = Qt.ItemDataRole.UserRole
"""The value itself, for sorting."""
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class Column:
    """How a column of a table is shown.

    Attributes
    ----------
    key : str or tuple of str
        Its name in the table.
    title, tip : str
        What its head says, and what it says to a pointer that rests there.
    style : str
        ``text``, ``classes``, ``count``, ``share`` (0 to 1, in percent), ``probability``,
        ``flag``, ``score`` (with its sign), the number of decimals, or what is said in place of
        number 0.
    tint : callable, optional
        Returns the colour behind a value that is known, or None.
    tells : callable, optional
        Returns what a value says to a pointer that rests there.
    """

    key: Any
    title: str
    tip: str
    style: str = "text"
    tint: Callable[[float], QColor | None] | None = None
    tells: Callable[[Any], str] | None = None

    @property
    def alignment(self) -> Qt.AlignmentFlag:
        """Words to the left, numbers to the right."""
        return _LEFT if self.style in ("text", "classes") else _RIGHT


class TableModel(QAbstractTableModel):
    """Rows of a table of pandas, read only."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.show_table(None, ())

    def show_table(self, table: pd.DataFrame | None, columns: Sequence[Column]) -> None:
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
        """Return how many rows there are."""
        return 0 if parent is not None and parent.isValid() else self._count

    @override
    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return how many columns are shown."""
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    @override
    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return what stands over a column."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return in_lines(column.tip)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return column.alignment
        return None

    @override
    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a field shows, how, or (role ``SORT``) what it is sorted by."""
        column, value = self.columns[index.column()], self._values[index.column()][index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return in_words(value, column.style)
        if role == SORT:
            return value
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return column.alignment
        if role == Qt.ItemDataRole.ToolTipRole and column.tells is not None:
            return column.tells(value)
        if role == Qt.ItemDataRole.BackgroundRole and column.tint and not _unknown(value):
            return column.tint(value)
        return None


class SortedTable(QSortFilterProxyModel):
    """Sorts numbers as numbers, and what is not known last."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.setSortRole(SORT)

    @override
    def lessThan(self, left: QModelIndex, right: QModelIndex) -> bool:
        """Compare two fields; one that is not known comes last, whichever way it is sorted."""
        a, b = left.data(SORT), right.data(SORT)
        if _unknown(a) or _unknown(b):
            ascending = self.sortOrder() == Qt.SortOrder.AscendingOrder
            return _unknown(b) > _unknown(a) if ascending else _unknown(a) > _unknown(b)
        return bool(a < b)


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
    if _unknown(value):
        return "—"
    if style == "text":
        return str(value)
    if style == "classes":
        return "; ".join(SHORT_NAMES.get(name, name) for name in str(value).split("; "))
    if style == "flag":
        return "yes" if value else "·"
    if style == "count":
        return f"{int(value)}"
    if style == "share":
        return "·" if value == 0 else "< 1 %" if value < 0.01 else f"{100 * value:.0f} %"
    if style == "probability":
        return f"{value:.2f}"
    if style == "score":
        return f"{value:+.1f}".replace("-", "−") if abs(value) >= 0.05 else "0.0"
    if style.isdigit():
        return f"{value:,.{int(style)}f}".replace(",", "\u202f")
    return str(value) if value else style


def _unknown(value: Any) -> bool:
    return value == "" or value is None or (isinstance(value, float) and math.isnan(value))
