"""What can be done with a result: compare it with its source, export it, write it down."""

from __future__ import annotations

from functools import partial
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QWidget

from napari_dualgland.results import Imputation
from napari_dualgland.widgets.impute.compare import Compare
from napari_dualgland.widgets.kit.copy_button import CopyButton
from napari_dualgland.widgets.kit.file_job import write_beside


class ResultBar(QWidget):
    """Buttons under a finished run; *Copy* also works before it."""

    said = Signal(str)
    """A line for the person."""
    failed = Signal(object)
    """The exception that kept a file from being written."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._result: Imputation | None = None
        self._compare: Compare | None = None
        self.compare = QPushButton("Compare")
        self.compare.setCheckable(True)
        self.compare.setToolTip("Flip between the source and the imputed layers.")
        self.export = QPushButton("Export …")
        self.export.setToolTip("Save as OME-TIFF, with the mask and the provenance inside.")
        self.copy = CopyButton()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.compare, 1)
        row.addWidget(self.export, 1)
        row.addWidget(self.copy, 1)
        self.compare.toggled.connect(self._on_compare)
        self.export.clicked.connect(self._on_export)
        self.forget()

    def take(self, result: Imputation, pairs: list[tuple[Any, Any]]) -> None:
        """Offer a result, with its pairs of source and result layers."""
        self._result = result
        self._compare = Compare(pairs)
        self.compare.setEnabled(True)
        self.export.setEnabled(True)

    def forget(self) -> None:
        """Show the results that are being compared, and offer none from here on."""
        self.compare.setChecked(False)
        self._result = None
        self._compare = None
        self.compare.setEnabled(False)
        self.export.setEnabled(False)

    def _on_compare(self, before: bool) -> None:
        self.compare.setText("Shows source" if before else "Compare")
        if self._compare is not None:
            self._compare.show(before)

    def _on_export(self) -> None:
        if self._result is None:
            return
        path, _ = QFileDialog.getSaveFileName(
            self,
            "Export the imputed stack",
            f"{self._result.stack.name}_imputed.ome.tif",
            "OME-TIFF (*.ome.tif *.tif)",
        )
        if not path:
            return
        path = path if path.endswith((".tif", ".tiff")) else f"{path}.ome.tif"
        write_beside(self, partial(_write, self._result, path))


def _write(result: Imputation, path: str) -> Any:
    from napari_dualgland.io import write

    return write(result, path)
