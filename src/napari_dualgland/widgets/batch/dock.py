"""The *Batch* dock widget: many stacks dropped on it, worked on by processes of their own.

It asks, shows and passes on. The batch is done by :func:`.run_batch`; here a thread waits for
what that tells.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QHBoxLayout, QWidget
from typing_extensions import override

from napari_dualgland.batch import (
    BatchProgress,
    BatchRequest,
    FoundStack,
    StackState,
    Status,
    find_steps,
    run_batch,
)
from napari_dualgland.batch.report import PAGE
from napari_dualgland.batch.unreported import Unreported
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.progress import Progress
from napari_dualgland.widgets.batch.opening import add_one_by_one, earlier_steps, reading_steps
from napari_dualgland.widgets.batch.queue_panel import QueuePanel
from napari_dualgland.widgets.batch.report_button import ReportButton
from napari_dualgland.widgets.batch.results_form import ResultsForm
from napari_dualgland.widgets.batch.split import QueueOverForm
from napari_dualgland.widgets.batch.todo_form import TodoForm
from napari_dualgland.widgets.batch.words import result_words
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
        self.report = ReportButton()
        self._lay_out()
        self.setAcceptDrops(True)
        self.queue.named.connect(self.add)
        self.queue.retried.connect(self.start)
        self.queue.opened.connect(self._on_open)
        self.results.earlier.connect(self._on_earlier)
        self.results.changed.connect(self._look_for_report)
        self.todo.changed.connect(self._split.share)

    # --- the batch --------------------------------------------------------------------

    def value(self) -> BatchRequest:
        """Return what the form asks for; see :meth:`.Dock.value`."""
        stacks, output, do = self.queue.stacks(), self.results.output(), self.todo.value()
        drop = "drop files or folders on the dock, or add them"
        for given, place, found, way_out in (
            (stacks, "Stacks", "the queue is empty", drop),
            (do, "What to do", "nothing is ticked", "tick Impute or another below"),
            (output, "Folder", "no folder is named", "choose one under Results"),
        ):
            if not given:
                raise DualglandError(Kind.LACKING, place, found, way_out=way_out)
        assert output is not None
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
    ) -> Generator[Progress, None, tuple[tuple[StackState, ...], Unreported | None]]:
        """Do the batch; see :meth:`.Dock.steps`."""
        try:
            return (yield from run_batch(job.batch(), should_stop)), None
        except Unreported as error:
            return error.states, error

    @override
    def show_progress(self, step: Progress) -> None:
        """Show how far a stack is, and all of them."""
        if isinstance(step, BatchProgress) and step.stack is not None:
            self.queue.show_state(step.stack)
            step = Progress(step.done, step.total)
        super().show_progress(step)

    def show_result(
        self, result: tuple[tuple[StackState, ...], Unreported | None]
    ) -> tuple[str, Any]:
        """Say how it ended."""
        states, unreported = result
        self._look_for_report()
        self._split.share_soon()  # the form needs more: there is a line below it
        return result_words(states, self.run_bar.took, unreported), states

    @override
    def _on_cancelled(self) -> None:
        self.queue.give_up()
        self._look_for_report()
        done = self.queue.model.count(Status.DONE)
        self.run_bar.end(f"Stopped; {done} stacks are done. Batch goes on with the others.")

    # --- what a person does -----------------------------------------------------------

    def add(self, paths: list[Path]) -> None:
        """Look for stacks in files and folders, in a thread, and add them to the queue."""
        self.run_bar.say("Looking for stacks …")
        output = self.results.folder.text().strip() or None
        thread = self.in_background(lambda stop: find_steps(paths, output=output, should_stop=stop))
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
        thread = self.in_background(lambda _: earlier_steps(folder))
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

    def _look_for_report(self) -> None:
        self.report.offer(self.results.holding(PAGE))

    def _lay_out(self) -> None:
        after, row = QWidget(), QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.report)
        row.addWidget(self.copy_as)
        after.setLayout(row)
        parts = ("What to do", self.todo, "Results", self.results, self.run_bar, after)
        form = self.form(*parts)
        self._asked.remove(after)
        self._split = QueueOverForm(self.queue, form)
        self.hold(self._split)
        self._look_for_report()

    @override
    def _enable_form(self, enabled: bool) -> None:
        super()._enable_form(enabled)
        self.queue.set_free(enabled)
