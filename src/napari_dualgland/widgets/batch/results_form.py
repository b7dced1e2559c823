"""Where the results go, and how many stacks are worked on at a time."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QSpinBox, QWidget

from napari_dualgland.batch.queue import QUEUE
from napari_dualgland.errors import DualglandError
from napari_dualgland.files import home_expanded
from napari_dualgland.widgets.kit.style import form_layout

_MOST = 64


class ResultsForm(QWidget):
    """Asks for a folder and a number."""

    changed = Signal()
    earlier = Signal(object)
    """The folder that was chosen holds a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = QLineEdit()
        self.browse = QPushButton("Browse …")
        self.workers = QSpinBox()
        self._lay_out()
        self.folder.editingFinished.connect(self._on_folder)
        self.browse.clicked.connect(self._on_browse)
        self.workers.valueChanged.connect(lambda _: self.changed.emit())

    def output(self) -> Path | None:
        """Return the folder; None where none is named.

        Raises
        ------
        DualglandError
            If there can be no such folder.
        """
        text = self.folder.text().strip()
        return home_expanded(text).absolute() if text else None

    def holding(self, name: str) -> Path | None:
        """Return the folder if a file of this name lies in it."""
        try:
            output = self.output()
        except DualglandError:  # which is said where the folder is used
            return None
        return output if output is not None and (output / name).is_file() else None

    def set_output(self, path: Path) -> None:
        """Show a folder."""
        self.folder.setText(str(path))
        self.changed.emit()

    def count(self) -> int | None:
        """Return how many stacks are worked on at a time; None where the machine decides."""
        return self.workers.value() or None

    def _on_browse(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Folder for the results", self.folder.text())
        if path:
            self.set_output(Path(path))
            self._on_folder()

    def _on_folder(self) -> None:
        self.changed.emit()
        if output := self.holding(QUEUE):
            self.earlier.emit(output)

    def _lay_out(self) -> None:
        self.folder.setPlaceholderText("Folder for the results")
        self.folder.setToolTip(
            "Each stack gets a folder of its own in it. A folder that holds an earlier batch "
            "goes on with that."
        )
        self.browse.setToolTip("Choose the folder for the results.")
        self.workers.setRange(0, _MOST)
        self.workers.setSpecialValueText("automatic")
        self.workers.setToolTip(
            "How many stacks are worked on at the same time, each in a process of its own that "
            "needs about 3 GB of memory. Automatic: as many as this machine has room for."
        )
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.folder, 1)
        row.addWidget(self.browse)
        form = form_layout(self)
        form.addRow(row)
        form.addRow("At a time", self.workers)
        for field, name in ((self.folder, "Folder for the results"), (self.workers, "At a time")):
            field.setAccessibleName(name)
