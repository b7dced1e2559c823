"""What can be done with a result: compare it with its source, export it, write it down."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QWidget

from napari_dualgland.io import write
from napari_dualgland.results import Imputation
from napari_dualgland.widgets.impute.compare import Compare


class ResultBar(QWidget):
    """Buttons under a finished run.

    Parameters
    ----------
    copy_as : QPushButton
        Stands beside them; it works before a run, too.
    """

    to_write = Signal(object)
    """A function that writes a file and returns its path."""

    def __init__(self, copy_as: QPushButton) -> None:
        super().__init__()
        self._result: Imputation | None = None
        self._compare: Compare | None = None
        self.compare = QPushButton("Compare")
        self.compare.setCheckable(True)
        self.compare.setToolTip("Flip between the source and the imputed layers.")
        self.export = QPushButton("Export …")
        self.export.setToolTip("Save as OME-TIFF, with the mask and the provenance inside.")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for button in (self.compare, self.export, copy_as):
            row.addWidget(button, 1)
        self.compare.toggled.connect(self._on_compare)
        self.export.clicked.connect(self._on_export)
        self.forget()

    def take(self, result: Imputation, pairs: Sequence[tuple[Any, Any]]) -> None:
        """Offer a result.

        Parameters
        ----------
        result : Imputation
            What is exported.
        pairs : sequence of (layer or None, layer)
            Source and result layers, to be compared.
        """
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
        if path:
            path = path if path.endswith((".tif", ".tiff")) else f"{path}.ome.tif"
            self.to_write.emit(partial(write, self._result, path))
