"""A run that is shown: how it stands, what the button says of it, and how it is stopped."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QWidget

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.jobs import TrainJob, load_job
from napari_dualgland.legible import legible
from napari_dualgland.runs.folder import JOB, State, ask_to_stop, last_lines
from napari_dualgland.runs.install import install_model, is_installed
from napari_dualgland.widgets.kit.run_bar import RunBar
from napari_dualgland.widgets.kit.style import column
from napari_dualgland.widgets.train.run_view import RunView
from napari_dualgland.widgets.train.watch import RunWatch
from napari_dualgland.widgets.train.words import model_words, run_words

_WORDS = {State.FINISHED: "New run", State.STOPPED: "Resume", State.BROKEN: "Resume"}
"""What the button says of a run that has ended; of one that goes on it says *Stop*."""


class RunPanel(QWidget):
    """Watches a run and says in the run bar how it goes.

    Parameters
    ----------
    bar : RunBar
        Of the dock.

    Attributes
    ----------
    state : State or None
        How the run stands; None for as long as it is not known, and where there is none.
    """

    changed = Signal()
    """The run has begun, or come to an end."""

    def __init__(self, bar: RunBar) -> None:
        super().__init__()
        self.bar = bar
        self.state: State | None = None
        self.view = RunView()
        self.watch = RunWatch(self)
        self.take_now = QPushButton("&Use the model as it is")
        self.take_now.setToolTip("Put the model among those of Impute as it stands now.")
        column(self, self.take_now, self.view, spacing=6)
        self.take_now.clicked.connect(self._on_take_now)
        self.watch.told.connect(self._on_told)

    def job(self) -> TrainJob:
        """Return what the run was asked for.

        Raises
        ------
        DualglandError
            If its folder does not say it any more.
        """
        folder = self.watch.folder
        assert folder is not None
        job = load_job(folder / JOB)
        if not isinstance(job, TrainJob):
            raise DualglandError(Kind.WRONG_CONTENT, folder / JOB, "is no training run")
        return job.model_copy(update={"output": folder})

    def show_run(self, folder: Path | None) -> None:
        """Watch a run, or none.

        Raises
        ------
        DualglandError
            If what it was asked for cannot be read.
        """
        self.state = None
        self.setVisible(folder is not None)
        self.take_now.hide()
        self.watch.follow(folder)
        self.bar.end("")
        if folder is not None:
            self.view.ask(self.job())

    def stop(self) -> None:
        """Ask the run to end on a checkpoint."""
        if self.state is not State.GOING or self.watch.folder is None:
            return
        try:
            ask_to_stop(self.watch.folder)
        except DualglandError as error:
            self.bar.say(legible(str(error)), error=True)
            return
        self.bar.button.setText("Stopping …")
        self.bar.button.setEnabled(False)

    def _on_told(self, state: State) -> None:
        folder, history, bar = self.watch.folder, self.watch.history, self.bar
        assert folder is not None
        begun, self.state = self.state is not state, state
        self.view.show_history(folder, history)
        model = folder / (history.model or f"{folder.name}.safetensors")
        offered = model.exists() and is_installed(model)
        self.take_now.setVisible(model.exists() and not offered)
        if begun:
            self.changed.emit()
        if state is State.GOING:
            if begun:
                bar.begin()
                bar.button.setText("Stop")
                bar.elapsed.hide()
            bar.bar.setRange(0, history.steps)
            bar.bar.setValue(history.step)
            bar.say(run_words(state, history, ()))
            return
        said = run_words(state, history, last_lines(folder))
        if state is State.FINISHED:
            said += f"\n{model_words(model.stem, offered, last_lines(folder, 1))}"
        bar.end(said, error=state is State.BROKEN)
        bar.button.setText(_WORDS[state])
        self.view.show_card(model if offered or state is State.FINISHED else None)

    def _on_take_now(self) -> None:
        """Offer the model as it stands in every picker."""
        folder = self.watch.folder
        assert folder is not None
        try:
            install_model(folder / f"{folder.name}.safetensors")
        except DualglandError as error:
            self.bar.say(legible(str(error)), error=True)
            return
        self.watch.look_again()
