"""What a localization found, under the form: legend, damage, table, and the ways out to files."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget
from typing_extensions import override

from napari_dualgland.io.localization_writing import write_table
from napari_dualgland.io.tiff_writing import sources
from napari_dualgland.jobs.base import Job
from napari_dualgland.jobs.localize import FILES
from napari_dualgland.results import Localization
from napari_dualgland.widgets.cells.layers import RunLayers
from napari_dualgland.widgets.cells.results import CellsResults
from napari_dualgland.widgets.cells.run import Run
from napari_dualgland.widgets.field.channels_form import in_percent
from napari_dualgland.widgets.kit.style import footnote, heading
from napari_dualgland.widgets.localize.cell_table_view import CellTable
from napari_dualgland.widgets.localize.legend import Legend


class LocalizeResults(CellsResults[Localization]):
    """Shows what a localization found."""

    impute_first = Signal()
    """The person wants what is missing filled in."""

    legend: Legend

    def __init__(self) -> None:
        super().__init__(Legend())
        self.original = QPushButton("Show original")
        self.damage = footnote()
        self.impute = QPushButton("Impute first …")
        self.table = CellTable()
        self.export = QPushButton("Export table …")
        self.export_all = QPushButton("Export all …")
        self._lay_out()
        self.table.view.chosen.connect(self._on_row)
        self.impute.clicked.connect(self.impute_first)
        self.export.clicked.connect(self._on_export)
        self.export_all.clicked.connect(self._on_export_all)

    @override
    def take(self, run: Run[Localization] | None) -> None:
        super().take(run)
        self.cells = None if run is None else run.result.table
        self.table.take(self.result, "" if run is None else assumed_size(run.result))
        if run is not None:
            self.legend.take(run.result)
            line = damage_line(run.result)
            self.damage.setText(line)
            self._damage_row.setVisible(bool(line))

    @override
    def select(self, row: int) -> bool:
        return self.table.view.select(row)

    @override
    def show_ticked(self, layers: RunLayers[Localization]) -> None:
        super().show_ticked(layers)
        pictures = layers.of("localization")
        seen = any(layer.visible for layer in pictures)
        for box, ticked in (
            (self.table.numbers, bool(layers.of("cell numbers"))),
            (self.original, bool(pictures) and not seen),
        ):
            with QSignalBlocker(box):
                box.setChecked(ticked)

    def _on_row(self, row: int) -> None:
        assert self.cells is not None
        self.chosen.emit(self.cells.iloc[row])

    # --- files ------------------------------------------------------------------------

    def _on_export(self) -> None:
        if (result := self.result) is None:
            return
        name = f"{result.stack.name}_cells.csv"
        path = self.ask_file("Export the table", name, "CSV (*.csv)", ".csv", ".txt")
        if path is not None:
            self.to_write.emit(partial(write_table, result.table, path, sources(result.stack)))

    def _on_export_all(self) -> None:
        if self.run is None:
            return
        title = "Folder for table, cells, maps and picture"
        folder = QFileDialog.getExistingDirectory(self, title, "")
        if folder and self.may_write(*(Path(folder) / name for name in FILES)):
            job = self.run.job.model_copy(update={"output": Path(folder)})
            self.to_write.emit(partial(_save, job, self.run.result))

    # --- looks ------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.original.setCheckable(True)
        self.original.setToolTip("Show the channels as they were, in place of the picture.")
        self.export.setToolTip("Save all cells and columns as CSV, whatever the filter shows.")
        self.export_all.setToolTip(
            "Save table, cells, maps of all classes and a picture with its legend to a folder."
        )
        self.impute.setToolTip("Open the Impute widget on the same channels.")
        self._damage_row = QWidget()
        row = QHBoxLayout(self._damage_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.damage, 1)
        row.addWidget(self.impute)
        files = QHBoxLayout()
        files.addWidget(self.export)
        files.addWidget(self.export_all)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 0, 10, 8)
        column.setSpacing(6)
        head = QHBoxLayout()
        head.addWidget(heading("Found in"), 1)
        head.addWidget(self.original)
        column.addLayout(head)
        column.addWidget(self.legend)
        column.addWidget(self._damage_row)
        column.addWidget(self.table, 1)
        column.addLayout(files)


def damage_line(result: Localization) -> str:
    """Return what a person must know of missing pixels; nothing where there are none."""
    # Here and not above: a dock opens without what the engine needs.
    from napari_dualgland.localization.damage import DAMAGED

    missing = result.table["missing"]
    hurt = int((missing > DAMAGED).sum())
    if not hurt:
        return ""
    cells = "1 cell has" if hurt == 1 else f"{hurt} of {len(missing)} cells have"
    return f"⚠ {cells} missing pixels, up to {in_percent(float(missing.max()))}."


def assumed_size(result: Localization) -> str:
    """Return what was assumed of the size of a pixel; empty where it was stated."""
    if result.stack.pixel_size is not None:
        return ""
    return next((note for note in result.provenance.notes if "pixel size" in note), "")


def _save(job: Job, result: Localization) -> Path:
    """Write all that the job leaves in its folder; return that."""
    assert job.output is not None
    job.check_output()
    job.save(result)
    return job.output
