"""The table of cells: its columns, and the filter on top of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from qtpy.QtCore import QModelIndex, QObject
from qtpy.QtGui import QColor
from typing_extensions import override

from napari_dualgland.classes import CLASSES, COLORS, SHORT_NAMES
from napari_dualgland.widgets.cells.table import Column, SortedTable, TableModel

if TYPE_CHECKING:
    import pandas as pd

_FAINT = 0.5
"""Opacity of a probability of 1."""


def _all_named(said: str) -> str:
    return said.replace("; ", "\n") if said else "No class reaches its threshold."


_FIRST = (
    Column("cell", "Cell", "Number of the cell in the layer “cells”.", "count"),
    Column("t", "T", "Frame, counted from 0.", "count"),
    Column("z", "Z", "Plane, counted from 0.", "count"),
    Column(
        "classes",
        "Protein is in",
        "Classes over their threshold, the most probable first.",
        "classes",
        tells=_all_named,
    ),
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
    Column("measured", "Measured", "Share of the protein that its intensities are of.", "share"),
    Column("mitotic", "Mitotic", "The cell seems to divide.", "flag"),
    Column("touches_border", "At edge", "The cell is cut by the edge of the image.", "flag"),
)
_LAST = (
    Column("y", "Y / px", "Centroid, in pixels from the top.", "1"),
    Column("x", "X / px", "Centroid, in pixels from the left.", "1"),
)


def columns_of(
    table: pd.DataFrame, thresholds: tuple[float, ...], assumed: str = ""
) -> list[Column]:
    """Return the columns of a table, in the order in which people look for them.

    Parameters
    ----------
    table : pandas.DataFrame
        A row per cell.
    thresholds : tuple of float
        By class.
    assumed : str
        What was assumed of the size of a pixel; empty where it is known.

    Returns
    -------
    list of Column
    """
    probabilities = [
        Column(
            name,
            SHORT_NAMES.get(name, name),
            f"Probability of {name}.",
            "probability",
            _tint(color),
            _judged(name, threshold),
        )
        for name, color, threshold in zip(CLASSES, COLORS, thresholds, strict=True)
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
    return [*first, *probabilities, *intensities, *_LAST]


def _tint(color: str) -> Callable[[float], QColor]:
    def tint(probability: float) -> QColor:
        shade = QColor(color)
        shade.setAlphaF(_FAINT * min(1.0, max(0.0, probability)))
        return shade

    return tint


def _judged(name: str, threshold: float) -> Callable[[float], str]:
    def tells(probability: float) -> str:
        over = ", over its threshold" if probability >= threshold else ""
        return f"{name}: {probability:.3f}{over}"

    return tells


def _titled(key: str) -> str:
    return key.replace("intensity ", "Intensity, ")


class CellTableModel(TableModel):
    """A table of cells, read only."""

    @override
    def show_table(self, table: pd.DataFrame | None, columns: Sequence[Column]) -> None:
        """Show another table, and know what is filtered by; see :meth:`.TableModel.show_table`."""
        self.named: list[str] = []
        self.damaged: list[bool] = []
        if table is not None:
            self.named = [said.lower() for said in table["classes"]]
            self.damaged = (table[["missing", "imputed"]] > 0).any(axis=1).tolist()
        super().show_table(table, columns)


class CellFilter(SortedTable):
    """Leaves out what is not asked for."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
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
