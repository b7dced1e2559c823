"""What every dock of the plugin is: a form that is a job, a button that does it, and its result.

A dock adds its own fields to the form, reads the layers that its job needs and shows what came
out. All else is here: the thread, *Copy as*, and errors, which end in one line of the form.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

from qtpy.QtCore import QTimer, Signal

from napari_dualgland.errors import DualglandError
from napari_dualgland.progress import Progress
from napari_dualgland.widgets.field.watch import LayerWatch
from napari_dualgland.widgets.kit.form_dock import FormDock
from napari_dualgland.widgets.kit.notify import line_of, notify, notify_done
from napari_dualgland.widgets.kit.params_form import ParamsForm
from napari_dualgland.widgets.kit.run_bar import RunBar
from napari_dualgland.widgets.kit.thread import JobThread


class Dock(FormDock):
    """A dock whose value is a job; made as :class:`.FormDock` is.

    Attributes
    ----------
    output : pathlib.Path or None
        Where copied code writes; None: beside the input.
    """

    result_ready = Signal(object)
    """What a run has found, after its layers are shown."""

    def __init__(self, viewer: Any, run_bar: RunBar, params: ParamsForm[Any]) -> None:
        super().__init__(viewer, run_bar, params)
        self.output: Path | None = None
        self._thread: JobThread | None = None
        self._turns: Iterator[None] | None = None
        self._result: Any = None
        self._next_turn = QTimer(self)
        # Started anew for each turn: one that repeats comes before all that waits meanwhile.
        self._next_turn.setSingleShot(True)
        self._next_turn.timeout.connect(self._take_turn)
        run_bar.started.connect(self.start)
        run_bar.cancelled.connect(self.cancel)
        self.copy_as.python.connect(lambda: self.copy(lambda: self.copied().as_python()))
        self.copy_as.command.connect(self.copy_command)
        # Kept as an attribute: napari refers to it weakly.
        self._watch = LayerWatch(viewer.layers, self._on_layers_changed)
        self.destroyed.connect(self._watch.stop)

    # --- what a dock adds -------------------------------------------------------------

    def value(self) -> Any:
        """Return the job that the form asks for.

        Raises
        ------
        DualglandError
            If something is not chosen, or what is chosen does not fit together.
        """
        raise NotImplementedError

    def set_value(self, value: Any) -> None:
        """Show a job in the form, or its parameters alone."""
        raise NotImplementedError

    def copied(self) -> Any:
        """Return the job that *Copy as* writes down."""
        return self.value()

    def copy_command(self) -> None:
        """Copy the shell line."""
        self.copy(lambda: self.copied().as_command())

    def load(self, job: Any) -> Any:
        """Return the stack and masks that a job works on, read from its layers."""
        raise NotImplementedError

    def begin(self, job: Any) -> None:
        """Prepare the viewer for the result of a job."""

    def steps(
        self, job: Any, loaded: Any, should_stop: Callable[[], bool]
    ) -> Generator[Progress, None, Any]:
        """Do the job, off the main thread.

        Parameters
        ----------
        job, loaded
            What to do, and with what.
        should_stop : callable
            Asked between tiles.

        Yields
        ------
        Progress

        Returns
        -------
        object
            What :meth:`show_result` shows.
        """
        return (yield from job.steps(loaded, should_stop))

    def show_progress(self, step: Progress) -> None:
        """Say how far the work is."""
        self.run_bar.progress(step)

    def show_steps(self, result: Any) -> Iterator[None]:
        """Do what takes long before :meth:`show_result`, a layer to each turn of Qt's loop."""
        yield from ()

    def show_result(self, result: Any) -> tuple[str, Any]:
        """Show what came out; return what is said of it and what :attr:`result_ready` tells."""
        raise NotImplementedError

    def discard(self) -> None:
        """Leave no trace of work that failed or was cancelled."""

    def follow_layers(self) -> None:
        """Follow the layer list; not called while the dock works."""

    # --- work -------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Whether no work is going on."""
        return self._thread is None

    def start(self) -> None:
        """Do the job of the form in a thread; the form rests and the button says *Cancel*."""
        try:
            job = self.value()
            job.check_output()
            loaded = self.load(job)
            self.begin(job)
        except DualglandError as error:
            self.refuse(error)
            return
        self._refused = False
        self._enable_form(False)
        self.run_bar.begin()
        self._thread = self.in_background(lambda stop: self.steps(job, loaded, stop))
        self._thread.progressed.connect(self.show_progress)
        self._thread.succeeded.connect(self._on_succeeded)
        self._thread.failed.connect(self._on_failed)
        self._thread.cancelled.connect(self._on_cancelled)
        self._thread.ended.connect(self._on_ended)

    def cancel(self) -> None:
        """Stop at the next step; what the button *Cancel* does."""
        if self._thread is not None:
            self._thread.cancel()

    def closing(self) -> None:
        """Stop, and leave nothing of the work that goes on; the layers of finished work stay."""
        self._watch.stop()
        self._next_turn.stop()
        if self._thread is not None:
            self._thread.cancel()
            self.discard()

    def _on_succeeded(self, result: Any) -> None:
        self._result, self._turns = result, self.show_steps(result)
        self._next_turn.start(0)

    def _take_turn(self) -> None:
        """Show the next piece of a result; after the last, say what was done."""
        assert self._turns is not None
        try:
            for _ in self._turns:
                self._next_turn.start(0)
                return
            line, found = self.show_result(self._result)
        except Exception as error:  # the run must end in the form, whatever napari says
            self._on_failed(error)
        else:
            self.run_bar.end(line)
            if not self.is_looked_at():
                notify_done(line.splitlines()[0], self.run_bar.verb)
            self.result_ready.emit(found)
        self._result, self._turns = None, None
        self._on_ended()

    def _on_failed(self, error: Exception) -> None:
        self.discard()
        seen = self.is_looked_at()
        line = line_of(error) if seen else notify(error, self.run_bar.verb)
        self.run_bar.end(line, error=True)

    def _on_cancelled(self) -> None:
        self.discard()
        self.run_bar.end("Cancelled; nothing was changed.")

    def _on_ended(self) -> None:
        if self._turns is not None:
            return  # what was found is still to be shown
        self._thread = None
        self._on_layers_changed()
        self._enable_form(True)

    def _on_layers_changed(self) -> None:
        if self._thread is None:
            self.follow_layers()
            self._greet()
