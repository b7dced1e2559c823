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
    QWidget,
)

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import home_expanded
from napari_dualgland.legible import legible
from napari_dualgland.progress import Progress
from napari_dualgland.runs.images import CheckedFolder, check_folder
from napari_dualgland.widgets.kit.style import column, footnote, in_lines, plain_label
from napari_dualgland.widgets.kit.thread import JobThread
from napari_dualgland.widgets.train.channels import ChannelNumbers
from napari_dualgland.widgets.train.words import folder_words

_TYPING_MS = 600
"""After the last key, before what was typed is looked for."""
_ROWS = 4
"""Lines of the list of what is left out; more are scrolled to."""


class ImagesForm(QWidget):
    """Asks for a folder, and says what was found in it."""

    looked = Signal()
    """The folder was looked through, or cannot be."""

    def __init__(self) -> None:
        super().__init__()
        self.checked: CheckedFolder | None = None
        self._thread: JobThread | None = None
        self._error: Exception | None = None
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
        self.left_out.setToolTip("Training goes on without these files.")
        self.left_out.setWordWrap(True)
        self.left_out.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.left_out.setSelectionMode(QListWidget.SelectionMode.NoSelection)
        self._head = plain_label()
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.timeout.connect(self._look)
        self._lay_out()
        self.folder.textChanged.connect(lambda _: self._typing.start(_TYPING_MS))
        self.folder.editingFinished.connect(self._at_once)
        self.browse.clicked.connect(self._on_browse)
        self.channels.changed.connect(self._look)
        self._show_list(())

    def value(self) -> Path:
        """Return the folder.

        Raises
        ------
        DualglandError
            If none is named, or there can be no such folder.
        """
        text = self.folder.text().strip()
        if not text:
            found = "no folder of images is chosen"
            raise DualglandError(Kind.LACKING, "Images", found, way_out="choose one")
        return home_expanded(text)

    def set_value(self, folder: Path) -> None:
        """Name a folder, and have it looked through."""
        self.folder.setText(str(folder))
        self._at_once()

    def refuse_unusable(self) -> None:
        """Refuse to train before a field is found that can be learned from.

        Raises
        ------
        DualglandError
            Of kind ``lacking``, or what is wrong with the folder.
        """
        if self.checked is not None and self.checked.usable:
            return
        folder = self.value()
        if isinstance(self._error, DualglandError):
            raise self._error
        found, way_out = "no field in it can be learned from", "see what is left out"
        if self._thread is not None:
            found, way_out = "the folder is still looked through", "wait a moment"
        raise DualglandError(Kind.LACKING, folder, found, way_out=way_out)

    def _show_progress(self, step: Progress) -> None:
        """Say how far it is looked through."""
        self.summary.setText(f"Looking at {step.done + 1} of {step.total}: {legible(step.message)}")

    def _take(self, checked: CheckedFolder) -> None:
        """Say what was found."""
        self.checked = checked
        self.summary.setText(folder_words(checked))
        self._show_list(tuple((i.path, i.refused) for i in checked.refused))
        if not checked.usable and any(image.unnamed for image in checked.refused):
            self.channels.open()

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
            self._look()

    def _look(self) -> None:
        """Look at every image of the folder, off the main thread, as the trainer will."""
        if self._thread is not None:
            self._thread.cancel()
        self.checked, self._thread, self._error = None, None, None
        self.summary.setText("")
        self._show_list(())
        try:
            folder = self.value()
        except DualglandError:
            return
        channels = self.channels.value()
        thread = JobThread(lambda stop: check_folder(folder, channels, stop), self)
        thread.progressed.connect(self._show_progress)
        thread.succeeded.connect(self._take)
        thread.failed.connect(self._on_failed)
        thread.ended.connect(thread.deleteLater)
        thread.ended.connect(lambda: self._on_ended(thread))
        self._thread = thread
        thread.start()

    def _on_failed(self, error: Exception) -> None:
        self._error = error
        self.summary.setText(f"⚠ {legible(str(error))}")

    def _on_ended(self, thread: JobThread) -> None:
        if thread is self._thread:
            self._thread = None
            self.looked.emit()

    def _lay_out(self) -> None:
        line = QHBoxLayout()
        line.addWidget(self.folder, 1)
        line.addWidget(self.browse)
        column(self, line, self.summary, self._head, self.left_out, self.channels)
