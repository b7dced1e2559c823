"""The table of cells as Qt sees it: numbers as people read them, sorted as numbers.

The model shows a :class:`~napari_dualgland.results.Localization`'s table and changes nothing
of it; the filter stands on top, so that what is exported is never less than what was found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt
from qtpy.QtGui import QColor
from typing_extensions import override

from napari_dualgland.classes import CLASSES, COLORS, SHORT_NAMES
from napari_dualgland.widgets.kit.style import in_lines

if TYPE_CHECKING:
    import pandas as pd

SORT = Qt.ItemDataRole.UserRole
"""The value itself, for sorting."""

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_FAINT = 0.5
"""Opacity of a probability of 1."""


@dataclass(frozen=True)
class Column:
    """How a column of the table is shown.

    Attributes
    ----------
    key : str
        Its name in the table.
    title, tip : str
        What its head says, and what it says to a pointer that rests there.
    style : str
        ``text``, ``count``, ``share`` (0 to 1, in percent), ``probability``, ``flag``, or the
        number of decimals.
    """

    key: str
    title: str
    tip: str
    style: str = "text"


_FIRST = (
    Column("cell", "Cell", "Number of the cell in the layer “cells”.", "count"),
    Column("t", "T", "Frame, counted from 0.", "count"),
    Column("z", "Z", "Plane, counted from 0.", "count"),
    Column("classes", "Protein is in", "Classes over their threshold, the most probable first."),
    Column(
        "uncertainty",
        "Uncertainty",
        "0: sure of every class; 1: at least one class may as well be decided by a coin.",
        "2",
    ),
    Column("area_um2", "Area / µm²", "Area of the cell.", "0"),
    Column("nuclei", "Nuclei", "Nuclei in the cell.", "count"),
    Column("imputed", "Imputed", "Share of the pixels that an earlier run estimated.", "share"),
    Column("missing", "Missing", "Share of the pixels that are damaged, not filled in.", "share"),
    Column("mitotic", "Mitotic", "The cell seems to divide.", "flag"),
    Column("touches_border", "At edge", "The cell is cut by the edge of the image.", "flag"),
)
_LAST = (
    Column("y", "Y / px", "Centroid, in pixels from the top.", "1"),
    Column("x", "X / px", "Centroid, in pixels from the left.", "1"),
)


def columns_of(table: pd.DataFrame, assumed: str = "") -> list[Column]:
    """Return the columns that a table has, in the order in which people look for them.

    Parameters
    ----------
    table : pandas.DataFrame
        A row per cell.
    assumed : str
        What was assumed of the size of a pixel; empty where it is known.

    Returns
    -------
    list of Column
    """
    probabilities = [
        Column(name, SHORT_NAMES.get(name, name), f"Probability of {name}.", "probability")
        for name in CLASSES
    ]
    intensities = [
        Column(str(key), _titled(str(key)), "Mean of the protein there, measured pixels only.", "1")
        for key in table.columns
        if str(key).startswith("intensity ")
    ]
    first = [
        replace(c, title=f"{c.title} ?", tip=f"{c.tip} {assumed[:1].upper()}{assumed[1:]}.")
        if c.key == "area_um2" and assumed
        else c
        for c in _FIRST
    ]
    wanted = [*first, *probabilities, *intensities, *_LAST]
    return [column for column in wanted if column.key in table.columns]


def _titled(key: str) -> str:
    return key.replace("intensity ", "Intensity, ")


class CellTableModel(QAbstractTableModel):
    """A table of cells, read only."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.clear()

    def clear(self) -> None:
        """Show no cells."""
        self.beginResetModel()
        self.table: pd.DataFrame | None = None
        self._count = 0
        self.columns: list[Column] = []
        self.named: list[str] = []
        self.damaged: list[bool] = []
        self._values: list[list[Any]] = []
        self.endResetModel()

    def set_table(
        self, table: pd.DataFrame, thresholds: tuple[float, ...], assumed: str = ""
    ) -> None:
        """Show another table; probabilities over their threshold stand out.

        Parameters
        ----------
        table : pandas.DataFrame
            A row per cell.
        thresholds : tuple of float
            By class.
        assumed : str
            What was assumed of the size of a pixel, for areas hang on it.
        """
        self.beginResetModel()
        self.table = table = table.reset_index(drop=True)
        self._count = len(table)
        self.columns = columns_of(table, assumed)
        self.named = [str(said).lower() for said in table.get("classes", ())]
        spoilt = [table[key] > 0 for key in ("missing", "imputed") if key in table]
        self.damaged = [any(shares) for shares in zip(*spoilt, strict=True)]
        self._values = [table[column.key].tolist() for column in self.columns]
        self._threshold = dict(zip(CLASSES, thresholds, strict=False))
        self._color = {name: QColor(color) for name, color in zip(CLASSES, COLORS, strict=True)}
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return how many cells there are."""
        return 0 if parent is not None and parent.isValid() else self._count

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
            return _LEFT if column.style == "text" else _RIGHT
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
            return _LEFT if column.style == "text" else _RIGHT
        if role == Qt.ItemDataRole.ToolTipRole and column.key == "classes":
            return value.replace("; ", "\n") if value else "No class reaches its threshold."
        if column.style == "probability" and not math.isnan(value):
            return self._probability_look(column.key, value, role)
        return None

    def _probability_look(self, name: str, value: float, role: int) -> Any:
        if role == Qt.ItemDataRole.BackgroundRole:
            color = QColor(self._color[name])
            color.setAlphaF(_FAINT * min(1.0, max(0.0, value)))
            return color
        if role == Qt.ItemDataRole.ToolTipRole:
            over = value >= self._threshold.get(name, 2.0)
            return f"{name}: {value:.3f}{', over its threshold' if over else ''}"
        return None


class CellFilter(QSortFilterProxyModel):
    """Sorts numbers as numbers, what is not known last, and leaves out what is not asked for."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.setSortRole(SORT)
        self._words: list[str] = []
        self._damaged_only = False

    def look_for(self, text: str) -> None:
        """Show cells whose classes hold every word of a text."""
        self._words = text.lower().split()
        self.invalidate()

    def set_damaged_only(self, wanted: bool) -> None:
        """Show only cells with missing or imputed pixels, or all."""
        self._damaged_only = wanted
        self.invalidate()

    @override
    def filterAcceptsRow(self, row: int, parent: QModelIndex) -> bool:
        """Tell whether a cell is shown."""
        model = self.sourceModel()
        assert isinstance(model, CellTableModel)
        if self._damaged_only and not model.damaged[row]:
            return False
        return all(word in model.named[row] for word in self._words)

    @override
    def lessThan(self, left: QModelIndex, right: QModelIndex) -> bool:
        """Compare two fields; one that is not known comes last, whichever way it is sorted."""
        a, b = left.data(SORT), right.data(SORT)
        if _unknown(a) or _unknown(b):
            ascending = self.sortOrder() == Qt.SortOrder.AscendingOrder
            return _unknown(b) > _unknown(a) if ascending else _unknown(a) > _unknown(b)
        return bool(a < b)


def in_words(value: Any, style: str) -> str:
    """Return a value as people read it.

    Parameters
    ----------
    value : object
        Of a field of the table.
    style : str
        As in :class:`Column`.

    Returns
    -------
    str
        A dash where there is no value.
    """
    if _unknown(value):
        return "—"
    if style == "text":
        return "; ".join(SHORT_NAMES.get(name, name) for name in str(value).split("; "))
    if style == "flag":
        return "yes" if value else "·"
    if style == "count":
        return f"{int(value)}"
    if style == "share":
        return "·" if value == 0 else "< 1 %" if value < 0.01 else f"{100 * value:.0f} %"
    if style == "probability":
        return f"{value:.2f}"
    return f"{value:,.{int(style)}f}".replace(",", "\u202f")


def _unknown(value: Any) -> bool:
    return value == "" or value is None or (isinstance(value, float) and math.isnan(value))
