"""What every dock of the plugin is: a form that is a job, a button that does it, and its result.

A dock adds its own fields to the form, reads the layers that its job needs and shows what came
out. All else is here: the thread, *Copy as*, errors, which end in one line of the form, and what
it has in common with every dock: its place among the tabs, its keys, its memory.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

from qtpy.QtCore import QTimer, Signal
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_dualgland.errors import DualglandError
from napari_dualgland.legible import legible
from napari_dualgland.progress import Progress
from napari_dualgland.widgets.field.channels_form import ChannelsForm
from napari_dualgland.widgets.field.first_contact import FirstContact
from napari_dualgland.widgets.field.watch import LayerWatch
from napari_dualgland.widgets.kit.copy_button import CopyButton
from napari_dualgland.widgets.kit.docked import Docked
from napari_dualgland.widgets.kit.form_area import FormArea
from napari_dualgland.widgets.kit.notify import line_of, notify, notify_done
from napari_dualgland.widgets.kit.params_form import ParamsForm
from napari_dualgland.widgets.kit.run_bar import RunBar
from napari_dualgland.widgets.kit.thread import JobThread, Steps


class Dock(Docked):
    """A dock whose value is a job.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer that it is docked in.
    run_bar : RunBar
        The button that starts the work, and the line that says how it went.
    params : ParamsForm
        The parameters of the job.

    Attributes
    ----------
    output : pathlib.Path or None
        Where copied code writes; None: beside the input.
    """

    result_ready = Signal(object)
    """What a run has found, after its layers are shown."""

    def __init__(self, viewer: Any, run_bar: RunBar, params: ParamsForm[Any]) -> None:
        super().__init__(viewer)
        self.run_bar = run_bar
        self.params = params
        self._refused = False
        self._first: FirstContact | None = None
        self._form: FormArea | None = None
        self.copy_as = CopyButton()
        self.output: Path | None = None
        self._thread: JobThread | None = None
        self._turns: Iterator[None] | None = None
        self._result: Any = None
        self._next_turn = QTimer(self)
        # Started anew for each turn: one that repeats comes before all that waits meanwhile.
        self._next_turn.setSingleShot(True)
        self._next_turn.timeout.connect(self._take_turn)
        self._asked: list[QWidget] = [params, self.copy_as]
        run_bar.started.connect(self.start)
        run_bar.cancelled.connect(self.cancel)
        for tool in self.tools:
            run_bar.put_beside(tool)
        self._asked.append(self.tools[0])
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
            self.run_bar.end(line_of(error), error=True)
            self._refused = True
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

    def in_background(self, steps: Steps) -> JobThread:
        """Do this in a thread that lives no longer than the dock; it has begun."""
        thread = JobThread(steps, self)
        thread.ended.connect(thread.deleteLater)
        thread.start()
        return thread

    def write(self, write: Callable[[], Any]) -> None:
        """Write a file in a thread, for a large one takes seconds; ``write`` returns its path."""

        def steps(should_stop: Callable[[], bool]) -> Generator[Progress, None, Any]:
            yield Progress(0, 0, "Writing")
            return write()

        self.run_bar.say("Writing …")
        thread = self.in_background(steps)
        thread.succeeded.connect(lambda path: self.run_bar.say(f"Wrote {legible(str(path))}"))
        thread.failed.connect(self.tell)

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
            next(self._turns)
            self._next_turn.start(0)
            return
        except StopIteration:
            result, self._result, self._turns = self._result, None, None
            self._show(result)
        except Exception as error:  # as in :meth:`_show`
            self._result, self._turns = None, None
            self._on_failed(error)
        self._on_ended()

    def _show(self, result: Any) -> None:
        try:
            line, found = self.show_result(result)
        except Exception as error:  # the run must end in the form, whatever napari says
            self._on_failed(error)
            return
        self.run_bar.end(line)
        if not self.is_looked_at():
            notify_done(line.splitlines()[0], self.run_bar.verb)
        self.result_ready.emit(found)

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

    def _forget_refusal(self) -> None:
        """Another choice: what was wrong with the one before is no news any more."""
        if self._refused:
            self._refused = False
            self.run_bar.end("")

    def _on_layers_changed(self) -> None:
        if self._thread is None:
            self.follow_layers()
            self._greet()

    def _greet(self) -> None:
        """Show what to begin with in place of a form that asks for what is not there."""
        if self._first is not None and self._form is not None:
            self._first.refresh()
            self._form.show_instead(self._first.wanted, alone=not self._first.has_met)

    # --- words ------------------------------------------------------------------------

    def tell(self, error: Exception) -> None:
        """Show an error in the form, beside what is said there of the last run."""
        self.run_bar.say(line_of(error), error=True)

    def copy(self, write: Callable[[], str]) -> None:
        """Put what ``write`` returns on the clipboard, or say why that cannot be had."""
        try:
            QGuiApplication.clipboard().setText(write())
        except DualglandError as error:
            self.run_bar.say(legible(str(error)), error=True)
            return
        self.run_bar.say("Copied to the clipboard.")

    # --- looks ------------------------------------------------------------------------

    def form(self, *parts: QWidget | str) -> FormArea:
        """Return the form; what it asks rests while the dock works.

        Parameters
        ----------
        *parts : QWidget or str
            What it holds, from the top down; a text is a heading. What comes before the run bar
            scrolls; the run bar stays in sight, and what comes behind it as far as there is room.

        Returns
        -------
        FormArea
            To be given to :meth:`hold`, alone or in something.
        """
        widgets = [part for part in parts if isinstance(part, QWidget)]
        self._asked += [widget for widget in widgets if widget is not self.run_bar]
        for channels in (widget for widget in widgets if isinstance(widget, ChannelsForm)):
            self._first = FirstContact(self.viewer)
            channels.changed.connect(self._forget_refusal)
        at = parts.index(self.run_bar) if self.run_bar in parts else len(parts)
        above, below = parts[:at], parts[at + 1 :]
        self._form = FormArea(*above, pinned=self.run_bar, below=below, instead=self._first)
        return self._form

    def hold(self, content: QWidget) -> None:
        """Fill the dock with the form, or with what holds the form."""
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(content)
        self.furnish()
        self._greet()

    def _enable_form(self, enabled: bool) -> None:
        for widget in self._asked:
            widget.setEnabled(enabled)
