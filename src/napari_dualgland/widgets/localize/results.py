"""What a localization found, under the form: legend, damage, table, and the ways out to files."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_dualgland.classes import CLASSES
from napari_dualgland.io import write
from napari_dualgland.io.atomic import replacing
from napari_dualgland.results import Localization
from napari_dualgland.widgets.field.channels_form import in_percent
from napari_dualgland.widgets.kit.style import footnote, heading
from napari_dualgland.widgets.localize.cell_table_view import CellTable
from napari_dualgland.widgets.localize.legend import Legend

WORTH_TELLING = 0.01
"""Share of a cell's pixels that are missing, from which the cell counts as damaged."""


class LocalizeResults(QWidget):
    """Shows a localization; hidden until there is one."""

    impute_first = Signal()
    """The person wants what is missing filled in."""
    to_write = Signal(object)
    """A function that writes files and returns their path."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._result: Localization | None = None
        self.legend = Legend()
        self.damage = footnote()
        self.impute = QPushButton("Impute first …")
        self.table = CellTable()
        self.export = QPushButton("Export table …")
        self.export_all = QPushButton("Export all …")
        self._lay_out()
        self.impute.clicked.connect(self.impute_first)
        self.export.clicked.connect(self._on_export)
        self.export_all.clicked.connect(self._on_export_all)
        self.forget()

    @property
    def result(self) -> Localization | None:
        """The localization that is shown."""
        return self._result

    def take(self, result: Localization) -> None:
        """Show a localization."""
        self._result = result
        self.legend.take(class_counts(result))
        self.table.take(result)
        line = damage_line(result)
        self.damage.setText(line)
        self._damage_row.setVisible(bool(line))
        self.show()

    def forget(self) -> None:
        """Show nothing."""
        self._result = None
        self.table.forget()
        self.hide()

    # --- files ------------------------------------------------------------------------

    def _on_export(self) -> None:
        if self._result is None:
            return
        name = f"{self._result.stack.name}_cells.csv"
        path, _ = QFileDialog.getSaveFileName(self, "Export the table", name, "CSV (*.csv)")
        if path:
            path = path if path.endswith((".csv", ".txt")) else f"{path}.csv"
            self.to_write.emit(partial(write_table, self._result, Path(path)))

    def _on_export_all(self) -> None:
        if self._result is None:
            return
        folder = QFileDialog.getExistingDirectory(
            self, "Folder for table, cells, maps and picture", ""
        )
        if folder:
            self.to_write.emit(partial(write, self._result, Path(folder)))

    # --- looks ------------------------------------------------------------------------

    def _lay_out(self) -> None:
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
        column.addWidget(heading("Found in"))
        column.addWidget(self.legend)
        column.addWidget(self._damage_row)
        column.addWidget(self.table, 1)
        column.addLayout(files)


def class_counts(result: Localization) -> dict[int, int]:
    """Return in how many cells each class is named, of those that are in any."""
    named = Counter(name for said in result.table["classes"] if said for name in said.split("; "))
    return {CLASSES.index(name): count for name, count in named.items()}


def damage_line(result: Localization) -> str:
    """Return what a person must know of missing pixels; nothing where there are none."""
    missing = result.table["missing"]
    hurt = int((missing > WORTH_TELLING).sum())
    if not hurt:
        return ""
    cells = "1 cell has" if hurt == 1 else f"{hurt} of {len(missing)} cells have"
    return f"⚠ {cells} missing pixels, up to {in_percent(float(missing.max()))}."


def write_table(result: Localization, path: Path) -> Path:
    """Write the table as CSV, whole or not at all.

    Parameters
    ----------
    result : Localization
        With the table.
    path : pathlib.Path
        Where it goes.

    Returns
    -------
    pathlib.Path
        The same.
    """
    with replacing(path) as temporary:
        result.table.to_csv(temporary, index=False)
    return path
