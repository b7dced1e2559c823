"""The *Batch* dock widget: many stacks dropped on it, worked on by processes of their own.

It asks, shows and passes on. The batch is done by :func:`.run_batch`; here a thread waits for
what that tells.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, QTimer, QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QSplitter, QWidget
from typing_extensions import override

from napari_dualgland.batch import (
    Batch,
    BatchProgress,
    BatchRequest,
    FoundStack,
    StackState,
    Status,
    find_steps,
    request_of,
    run_batch,
)
from napari_dualgland.batch.queue import QUEUE, load_batch
from napari_dualgland.batch.report import PAGE
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.progress import Progress
from napari_dualgland.widgets.batch.opening import add_one_by_one, reading_steps
from napari_dualgland.widgets.batch.queue_panel import QueuePanel
from napari_dualgland.widgets.batch.results_form import ResultsForm
from napari_dualgland.widgets.batch.todo_form import TodoForm
from napari_dualgland.widgets.kit.dock import Dock
from napari_dualgland.widgets.kit.run_bar import RunBar

if TYPE_CHECKING:
    import napari.viewer


class BatchWidget(Dock):
    """Work on many stacks.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        The viewer that results are opened in.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        self.todo = TodoForm()
        super().__init__(napari_viewer, RunBar("Batch", "stacks"), self.todo.forms["impute"])
        self.queue = QueuePanel()
        self.results = ResultsForm()
        self.open_report = QPushButton("Open re&port")
        self._split = QSplitter(Qt.Orientation.Vertical)
        self._lay_out()
        self.setAcceptDrops(True)
        self.queue.named.connect(self.add)
        self.queue.retried.connect(self.start)
        self.queue.opened.connect(self._on_open)
        self.results.earlier.connect(self._on_earlier)
        self.results.changed.connect(self._show_report)
        self.todo.changed.connect(self._share_height)
        self.open_report.clicked.connect(self._on_report)

    # --- the batch --------------------------------------------------------------------

    def value(self) -> BatchRequest:
        """Return what the form asks for; see :meth:`.Dock.value`."""
        stacks, output, do = self.queue.stacks(), self.results.output(), self.todo.value()
        if not stacks:
            way_out = "drop files or folders on the dock, or add them"
            raise DualglandError(Kind.LACKING, "Stacks", "the queue is empty", way_out=way_out)
        if not do:
            way_out = "tick Impute or another below"
            raise DualglandError(Kind.LACKING, "What to do", "nothing is ticked", way_out=way_out)
        if output is None:
            way_out = "choose one under Results"
            raise DualglandError(Kind.LACKING, "Folder", "no folder is named", way_out=way_out)
        return BatchRequest(stacks=stacks, output=output, do=do, workers=self.results.count())

    def set_value(self, value: BatchRequest) -> None:
        """Show a batch in the form."""
        self.queue.take(value.stacks)
        self.todo.set_value(value.do)
        self.results.workers.setValue(value.workers or 0)
        self.results.set_output(value.output)

    def load(self, job: BatchRequest) -> None:
        """Read nothing: each process reads its own stacks."""

    def begin(self, job: BatchRequest) -> None:
        """Let all stacks wait again; what is done says so at once."""
        self.queue.take(job.stacks)

    @override
    def steps(
        self, job: BatchRequest, loaded: None, should_stop: Callable[[], bool]
    ) -> Generator[Progress, None, tuple[StackState, ...]]:
        """Do the batch; see :meth:`.Dock.steps`."""
        return (yield from run_batch(job.batch(), should_stop))

    @override
    def show_progress(self, step: Progress) -> None:
        """Show how far a stack is, and all of them."""
        if isinstance(step, BatchProgress) and step.stack is not None:
            self.queue.show_state(step.stack)
            step = Progress(step.done, step.total)
        super().show_progress(step)

    def show_result(self, result: tuple[StackState, ...]) -> tuple[str, Any]:
        """Say how it ended."""
        self._show_report()
        done = [state for state in result if state.status == Status.DONE]
        kept = sum(state.earlier for state in done)
        failed = sum(state.status == Status.FAILED for state in result)
        line = f"{len(done)} of {len(result)} stacks done, {self.run_bar.took}."
        line += f"\n• {kept} of them by an earlier run; nothing has changed since." if kept else ""
        line += f"\n⚠ {failed} failed: the table says why." if failed else ""
        QTimer.singleShot(0, self._share_height)  # the form needs more: there is a line below it
        return line, result

    @override
    def _on_cancelled(self) -> None:
        self.queue.give_up()
        self._show_report()
        done = self.queue.model.count(Status.DONE)
        self.run_bar.end(f"Stopped; {done} stacks are done. Batch goes on with the others.")

    # --- what a person does -----------------------------------------------------------

    def add(self, paths: list[Path]) -> None:
        """Look for stacks in files and folders, in a thread, and add them to the queue."""
        self.run_bar.say("Looking for stacks …")
        thread = self.in_background(
            lambda stop: find_steps(paths, output=self.results.output(), should_stop=stop)
        )
        thread.progressed.connect(self.run_bar.progress)
        thread.succeeded.connect(self._on_found)
        thread.failed.connect(self.tell)

    def _on_found(self, stacks: list[FoundStack]) -> None:
        count = self.queue.add(stacks)
        known = len(stacks) - count
        said = f"Added {count} stack{'s' * (count != 1)}."
        self.run_bar.say(said + (f" {known} were there already." if known else ""))

    def _on_earlier(self, folder: Path) -> None:
        """Show the batch that a folder holds, unless there are stacks in the queue."""
        if self.queue.stacks() or not self.idle:
            return
        thread = self.in_background(lambda _: _earlier_steps(folder))
        thread.succeeded.connect(self.set_value)
        thread.succeeded.connect(
            lambda _: self.run_bar.say("An earlier batch lies here. Batch goes on with it.")
        )
        thread.failed.connect(self.tell)

    def _on_open(self, state: StackState) -> None:
        self.queue.set_opening(True)
        thread = self.in_background(partial(reading_steps, state))
        thread.succeeded.connect(partial(add_one_by_one, self.viewer.layers))
        thread.failed.connect(self.tell)
        thread.ended.connect(partial(self.queue.set_opening, False))

    def _on_report(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._report())))

    @override
    def dragEnterEvent(self, event: Any) -> None:
        """Take files and folders."""
        if event.mimeData().hasUrls() and self.idle:
            event.acceptProposedAction()

    @override
    def dropEvent(self, event: Any) -> None:
        """Add what is dropped to the queue."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.add(paths)

    # --- looks ------------------------------------------------------------------------

    def _report(self) -> Path | None:
        output = self.results.output()
        return None if output is None else output / PAGE

    def _show_report(self) -> None:
        report = self._report()
        self.open_report.setEnabled(report is not None and report.is_file())

    def _lay_out(self) -> None:
        self.open_report.setToolTip("Look at every stack before and after, in the browser.")
        self._after, row = QWidget(), QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.open_report)
        row.addWidget(self.copy_as)
        self._after.setLayout(row)
        self._form = form = self.form(
            "What to do",
            self.todo,
            "Results",
            self.results,
            self.run_bar,
            self._after,
        )
        self._asked.remove(self._after)
        self._split.setChildrenCollapsible(False)
        self._split.addWidget(self.queue)
        self._split.addWidget(form)
        self._split.setStretchFactor(0, 1)
        self.hold(self._split)
        self._show_report()

    def _share_height(self) -> None:
        """Give the form what it needs and the queue the rest, unless that is too little."""
        whole = self._split.height()
        form = min(self._form.needed_height(), whole - self.queue.minimumSizeHint().height())
        self._split.setSizes([whole - form, form])

    @override
    def showEvent(self, event: Any) -> None:
        """Share the height as soon as there is one."""
        super().showEvent(event)
        QTimer.singleShot(0, self._share_height)

    @override
    def _enable_form(self, enabled: bool) -> None:
        super()._enable_form(enabled)
        self.queue.set_free(enabled)


def _earlier_steps(folder: Path) -> Generator[Progress, None, BatchRequest]:
    yield Progress(0, 0, "Reading the batch")
    batch: Batch = load_batch(folder / QUEUE)
    return request_of(batch).model_copy(update={"output": folder})
