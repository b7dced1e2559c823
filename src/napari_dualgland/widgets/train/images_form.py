"""The lab's images: a folder, what of it can be learned from, and why the rest cannot."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.legible import legible
from napari_dualgland.progress import Progress
from napari_dualgland.runs.images import CheckedFolder
from napari_dualgland.widgets.kit.style import footnote, in_lines, plain_label
from napari_dualgland.widgets.train.channels import ChannelNumbers
from napari_dualgland.widgets.train.words import folder_words

_TYPING_MS = 600
"""After the last key, before what was typed is looked for."""
_ROWS = 4
"""Lines of the list of what is left out; more are scrolled to."""


class ImagesForm(QWidget):
    """Asks for a folder, and says what was found in it."""

    changed = Signal()
    """Another folder or other channels: it is to be looked through."""

    def __init__(self) -> None:
        super().__init__()
        self.checked: CheckedFolder | None = None
        self.folder = QLineEdit()
        self.folder.setPlaceholderText("Folder with your images")
        self.folder.setAccessibleName("Folder with your images")
        self.folder.setToolTip(
            in_lines(
                "All fields in this folder and in folders in it: sets of four files as the Human "
                "Protein Atlas has them, TIFF, OME-TIFF, OME-Zarr. Whole, measured images: holes "
                "are made while training. Nothing is written into the folder."
            )
        )
        self.browse = QPushButton("&Choose …")
        self.browse.setToolTip("Choose the folder with your images.")
        self.summary = footnote()
        self.channels = ChannelNumbers()
        self.left_out = QListWidget()
        self.left_out.setAccessibleName("Files that are left out, and why")
        self.left_out.setWordWrap(True)
        self.left_out.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.left_out.setSelectionMode(QListWidget.SelectionMode.NoSelection)
        self._head = plain_label()
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.timeout.connect(self._tell)
        self._lay_out()
        self.folder.textChanged.connect(lambda _: self._typing.start(_TYPING_MS))
        self.folder.editingFinished.connect(self._at_once)
        self.browse.clicked.connect(self._on_browse)
        self.channels.changed.connect(self._tell)
        self._show_list(())

    def value(self) -> Path:
        """Return the folder.

        Raises
        ------
        DualglandError
            If none is named.
        """
        text = self.folder.text().strip()
        if not text:
            found = "no folder of images is chosen"
            raise DualglandError(Kind.LACKING, "Images", found, way_out="choose one")
        return Path(text).expanduser()

    def set_value(self, folder: Path) -> None:
        """Name a folder, and have it looked through."""
        self.folder.setText(str(folder))
        self._at_once()

    def show_progress(self, step: Progress) -> None:
        """Say how far it is looked through."""
        self.summary.setText(f"Looking at {step.done + 1} of {step.total}: {legible(step.message)}")

    def take(self, checked: CheckedFolder) -> None:
        """Say what was found."""
        self.checked = checked
        self.summary.setText(folder_words(checked))
        self._show_list(tuple((i.path, i.refused) for i in checked.refused))
        if not checked.usable and any(image.unnamed for image in checked.refused):
            self.channels.open()

    def refuse(self, error: Exception) -> None:
        """Say why there is nothing."""
        self.summary.setText(f"⚠ {legible(str(error))}")

    def _show_list(self, rows: tuple[tuple[Path, str], ...]) -> None:
        self.left_out.clear()
        for path, why in rows:
            item = QListWidgetItem(f"{legible(path.name)}: {legible(why)}", self.left_out)
            item.setToolTip(in_lines(f"{path}\n{why}"))
        self._head.setText("Left out:" if len(rows) == 1 else f"Left out, {len(rows)} files:")
        self._head.setVisible(bool(rows))
        self.left_out.setVisible(bool(rows))
        line = self.left_out.fontMetrics().height()
        self.left_out.setFixedHeight(line * (2 if len(rows) == 1 else _ROWS) + 8)

    def _on_browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Your images", self.folder.text())
        if chosen:
            self.set_value(Path(chosen))

    def _at_once(self) -> None:
        if self._typing.isActive():
            self._typing.stop()
            self._tell()

    def _tell(self) -> None:
        self.checked = None
        self.summary.setText("")
        self._show_list(())
        self.changed.emit()

    def _lay_out(self) -> None:
        line = QHBoxLayout()
        line.addWidget(self.folder, 1)
        line.addWidget(self.browse)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(line)
        column.addWidget(self.summary)
        column.addWidget(self._head)
        column.addWidget(self.left_out)
        column.addWidget(self.channels)
