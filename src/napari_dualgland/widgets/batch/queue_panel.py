"""The queue with its buttons: stacks are dropped on it or chosen, looked at, taken out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_dualgland.batch import FoundStack, StackState, Status
from napari_dualgland.widgets.batch.queue_table import QueueModel, Row
from napari_dualgland.widgets.batch.queue_view import QueueView
from napari_dualgland.widgets.batch.words import story
from napari_dualgland.widgets.kit.style import footnote, heading, plain

_FILES = (
    "Stacks (*.tif *.tiff *.tif.gz *.png *.jpg *.jpeg);;Tables and jobs (*.csv *.json);;All (*)"
)


class QueuePanel(QWidget):
    """The stacks that are to be worked on, and what has become of each."""

    named = Signal(object)
    """The person names files or folders: a list of paths."""
    opened = Signal(object)
    """The person wants to see the result of a stack: its state."""
    retried = Signal()
    """The person wants what failed tried again."""

    def __init__(self) -> None:
        super().__init__()
        self.model = QueueModel(self)
        self.view = QueueView()
        self.title = heading("Stacks")
        self.add_files = QPushButton("Add &files …")
        self.add_folder = QPushButton("Add f&older …")
        self.remove = QPushButton("Remove")
        self.open_result = QPushButton("Open &result")
        self.retry = QPushButton("Retr&y failed")
        self.says = footnote()
        self.edits = QWidget()
        self._free, self._opening = True, False
        # A batch tells of thousands of stacks in a second; what hangs on all is counted less often.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(50)
        self._soon.timeout.connect(self._refresh)
        self._lay_out()
        self.add_files.clicked.connect(self._on_files)
        self.add_folder.clicked.connect(self._on_folder)
        self.remove.clicked.connect(self._on_remove)
        self.retry.clicked.connect(self.retried)
        self.open_result.clicked.connect(self._on_open)
        self.view.doubleClicked.connect(self._on_open)
        self.view.selectionModel().selectionChanged.connect(self._refresh)
        self._refresh()

    def stacks(self) -> tuple[FoundStack, ...]:
        """Return the stacks in the queue."""
        return tuple(row.stack for row in self.model.rows)

    def take(self, stacks: Sequence[FoundStack]) -> None:
        """Show these stacks in place of all others."""
        self.model.keep(Row.new(stack) for stack in stacks)
        self._refresh()

    def add(self, stacks: Sequence[FoundStack]) -> int:
        """Add stacks; return how many are new."""
        count = self.model.add(stacks)
        self._refresh()
        return count

    def show_state(self, state: StackState) -> None:
        """Show how far a stack is."""
        self.model.show_state(state)
        if not self._soon.isActive():
            self._soon.start()

    def give_up(self) -> None:
        """Show that what has not been done is stopped."""
        for number, row in enumerate(self.model.rows):
            if row.state.status in (Status.WAITING, Status.RUNNING):
                stopped = replace(row.state, number=number, status=Status.CANCELLED, message="")
                self.model.show_state(stopped)
        self._refresh()

    def set_opening(self, opening: bool) -> None:
        """Show that a result is being read, or no longer."""
        self._opening = opening
        self._refresh()

    def set_free(self, free: bool) -> None:
        """Let the person change the queue, or not, while it is worked on."""
        self._free = free
        self.edits.setEnabled(free)
        self._refresh()

    # --- what a person does -----------------------------------------------------------

    def _on_files(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, "Stacks, tables or jobs", "", _FILES)
        if paths:
            self.named.emit([Path(path) for path in paths])

    def _on_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Folder with stacks, at any depth", "")
        if path:
            self.named.emit([Path(path)])

    def _on_remove(self) -> None:
        gone = self._chosen()
        self.model.keep(row for i, row in enumerate(self.model.rows) if i not in gone)
        self._refresh()

    def _on_open(self) -> None:
        for number in sorted(self._chosen())[:1]:
            if self.model.rows[number].state.results and not self._opening:
                self.opened.emit(self.model.rows[number].state)

    def _chosen(self) -> set[int]:
        return {index.row() for index in self.view.selectionModel().selectedRows()}

    def _refresh(self) -> None:
        """Offer what can be done with the chosen stacks, and say how they stand."""
        chosen = sorted(self._chosen())
        state = self.model.rows[chosen[0]].state if chosen else None
        failed = self.model.count(Status.FAILED)
        count = len(self.model.rows)
        done = self.model.count(Status.DONE)
        ended = f", {done} done" * bool(done) + f", {failed} failed" * bool(failed)
        self.title.setText(f"Stacks ({count}{ended})" if count else "Stacks")
        self.remove.setEnabled(self._free and bool(chosen))
        self.retry.setEnabled(self._free and bool(failed))
        self.open_result.setText("Opening …" if self._opening else "Open &result")
        there = state is not None and bool(state.results)
        self.open_result.setEnabled(there and not self._opening)
        if state is None and failed:
            state = next(r.state for r in self.model.rows if r.state.status == Status.FAILED)
        self.says.setText("" if state is None else story(state))
        self.says.setVisible(state is not None)
        self.view.viewport().update()

    # --- looks ------------------------------------------------------------------------

    def _lay_out(self) -> None:
        tips = {
            self.add_files: "Choose images, a table jobs.csv, or jobs as JSON. Of a set of four "
            "files any one will do.",
            self.add_folder: "Choose a folder: every stack in it and in the folders below it.",
            self.remove: "Take the chosen stacks out of the queue; no file is touched.",
            self.open_result: "Show the result of the chosen stack in napari; so does a double "
            "click.",
            self.retry: "Work on the queue again: what is done is kept, what failed is tried.",
        }
        for button, tip in tips.items():
            button.setToolTip(plain(tip))
        self.view.setModel(self.model)
        self.view.setAccessibleName("Queue of stacks")
        self.view.setToolTip("A row for each stack; double-click on a finished one to open it.")
        header = self.view.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Fixed)
        width = self.view.fontMetrics().horizontalAdvance("0")
        self.view.setColumnWidth(1, 9 * width)
        self.view.setColumnWidth(2, 11 * width)
        adds = QHBoxLayout(self.edits)
        adds.setContentsMargins(0, 0, 0, 0)
        for button in (self.add_files, self.add_folder, self.remove):
            adds.addWidget(button)
        looks = QHBoxLayout()
        for button in (self.open_result, self.retry):
            looks.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 10, 0)
        column.setSpacing(6)
        column.addWidget(self.title)
        column.addWidget(self.edits)
        column.addWidget(self.view, 1)
        column.addWidget(self.says)
        column.addLayout(looks)
