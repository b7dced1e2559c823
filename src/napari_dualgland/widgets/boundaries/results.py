"""What a run found, under the form: legend, plot, cells, holes, pairs, and the way to a file."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QTabWidget, QVBoxLayout, QWidget
from typing_extensions import override

from napari_dualgland.compartments.report import by_cell
from napari_dualgland.io.boundaries_writing import write_boundaries, write_table
from napari_dualgland.io.tiff_writing import sources
from napari_dualgland.results import Boundaries
from napari_dualgland.widgets.boundaries.columns import HOLE_COLUMNS, cell_columns
from napari_dualgland.widgets.boundaries.legend import Legend
from napari_dualgland.widgets.boundaries.pair_plot import TELLS, PairPlot
from napari_dualgland.widgets.boundaries.pairs import pairs_at
from napari_dualgland.widgets.boundaries.plot import BalancePlot
from napari_dualgland.widgets.cells.results import CellsResults
from napari_dualgland.widgets.cells.run import Run
from napari_dualgland.widgets.cells.table_view import TableView
from napari_dualgland.widgets.field.roles import ROLE_LABELS
from napari_dualgland.widgets.kit.style import footnote, plain_label

HOLES = 2
"""The tab that is there only where something was filled in."""
_TALL = 280
"""Pixels that a plot or a table needs to be read."""


class BoundariesResults(CellsResults[Boundaries]):
    """Shows boundaries."""

    legend: Legend

    def __init__(self) -> None:
        super().__init__(Legend())
        self.channel = QComboBox()
        self.channel.setAccessibleName("Channel of the plot")
        self.plot = BalancePlot()
        self.cell_table = TableView(
            "Balance of the cells", "A row for each cell: click on one to go there in the image."
        )
        self.hole_table = TableView(
            "Filled holes", "A row for each hole that was filled: click to go there."
        )
        self.pairs = PairPlot()
        self.tabs = QTabWidget()
        self.tabs.setMinimumHeight(_TALL)
        self.export_table = QPushButton("Export &table …")
        self.export_maps = QPushButton("Export &maps …")
        self._lay_out()
        self.channel.currentIndexChanged.connect(self._show_channel)
        self.cell_table.chosen.connect(self._on_cell)
        self.plot.chosen.connect(self._on_dot)
        self.hole_table.chosen.connect(self._on_hole)
        self.export_table.clicked.connect(self._on_export_table)
        self.export_maps.clicked.connect(self._on_export_maps)

    @override
    def take(self, run: Run[Boundaries] | None) -> None:
        super().take(run)
        self.cells = None if run is None else by_cell(run.result)
        if run is None:
            self.plot.forget()
            self.pairs.plot(None)
            for table in (self.cell_table, self.hole_table):
                table.take(None, ())
            return
        result = run.result
        self.legend.say(_spoken(result))
        with QSignalBlocker(self.channel):
            before = self.channel.currentData() or "protein"
            self.channel.clear()
            for role in result.stack.roles:
                self.channel.addItem(ROLE_LABELS[role], role)
            self.channel.setCurrentIndex(max(0, self.channel.findData(before)))
        self.hole_table.take(result.holes, HOLE_COLUMNS)
        self.tabs.setTabVisible(HOLES, len(result.holes) > 0)
        self._show_channel()

    @override
    def select(self, row: int) -> bool:
        self.plot.choose(row)
        return self.cell_table.select(row)

    def show_pairs(self, frame: dict[str, int]) -> None:
        """Show the pairs of the pixel at a place in a cell."""
        if self.result is not None:
            self.pairs.take(*pairs_at(self.result, frame))

    # --- what a person does ---------------------------------------------------------------

    def _show_channel(self) -> None:
        role = self.channel.currentData()
        if self.result is None or role is None:
            return
        self.plot.take(self.result, role)
        self.cell_table.take(self.cells, cell_columns(role))

    def _on_cell(self, row: int) -> None:
        assert self.cells is not None
        self.plot.choose(row)
        self.chosen.emit(self.cells.iloc[row])

    def _on_dot(self, row: int) -> None:
        self.cell_table.select(row)
        self._on_cell(row)

    def _on_hole(self, row: int) -> None:
        if self.result is not None:
            self.chosen.emit(self.result.holes.iloc[row])

    def _on_export_table(self) -> None:
        if (result := self.result) is None:
            return
        name = f"{result.stack.name}_set_points.csv"
        path = self.ask_file("Export the set points", name, "CSV (*.csv)", ".csv", ".txt")
        if path is not None:
            self.to_write.emit(partial(write_table, result.set_points, path, sources(result.stack)))

    def _on_export_maps(self) -> None:
        if (result := self.result) is None:
            return
        name, kind = f"{result.stack.name}_boundaries.ome.tif", "OME-TIFF (*.ome.tif)"
        title = "Export compartments and map"
        path = self.ask_file(title, name, kind, ".ome.tif", ".ome.tiff")
        if path is not None:
            self.to_write.emit(partial(write_boundaries, result, path))

    # --- looks ----------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.channel.setToolTip(
            "The channel whose balance is plotted and comes first in the table."
        )
        self.export_table.setToolTip(
            "Save all set points as CSV: every cell, channel, compartment."
        )
        self.export_maps.setToolTip(
            "Save compartments, their probabilities and the boundary map as OME-TIFF."
        )
        pairs = QWidget()
        column = QVBoxLayout(pairs)
        column.setContentsMargins(0, 4, 0, 0)
        column.addWidget(footnote(TELLS))
        column.addWidget(self.pairs, 1)
        for name, page, tip in (
            ("Balance", self.plot, "Each cell against what is usual, compartment by compartment."),
            ("Cells", self.cell_table, "Every cell; click a row to go there."),
            ("Holes", self.hole_table, "How far each filled hole moved the balance of a cell."),
            ("Pairs", pairs, "How PG-Loss weighs the neighbours of the pixel that you click."),
        ):
            self.tabs.setTabToolTip(self.tabs.addTab(page, name), tip)
        which = QHBoxLayout()
        label = plain_label("&Channel")
        label.setBuddy(self.channel)
        which.addWidget(label)
        which.addWidget(self.channel, 1)
        files = QHBoxLayout()
        files.addWidget(self.export_table)
        files.addWidget(self.export_maps)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 0, 10, 8)
        column.setSpacing(6)
        column.addWidget(self.legend)
        column.addLayout(which)
        column.addWidget(self.tabs, 1)
        column.addLayout(files)


def _spoken(result: Boundaries) -> str:
    """Return what is said of places that a model has named; the provenance says how many."""
    told = [note for note in result.provenance.notes if "named the compartments" in note]
    return told[0][:1].upper() + told[0][1:] + "." if told else ""
