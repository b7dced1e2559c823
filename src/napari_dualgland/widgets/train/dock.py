"""The *Train* dock widget: choose images and a start, train in a process apart, watch it learn.

The run belongs to no dock: it goes on when napari is closed, and any dock that is opened later
finds it again. What is shown is read from the run's folder; to stop is to ask, in that folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget
from typing_extensions import override

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.jobs import TrainJob, load_job
from napari_dualgland.jobs.train import TrainParams
from napari_dualgland.legible import legible
from napari_dualgland.runs.folder import JOB, State, ask_to_stop, last_lines, runs_folder
from napari_dualgland.runs.images import check_folder
from napari_dualgland.runs.install import install_model
from napari_dualgland.runs.process import start
from napari_dualgland.runs.recipes import refuse_lacking, steps_of
from napari_dualgland.widgets.kit.dock import Dock
from napari_dualgland.widgets.kit.fields import OptionalField
from napari_dualgland.widgets.kit.model_choice import DeviceField
from napari_dualgland.widgets.kit.params_form import ParamsForm
from napari_dualgland.widgets.kit.run_bar import RunBar
from napari_dualgland.widgets.kit.style import heading
from napari_dualgland.widgets.kit.thread import JobThread
from napari_dualgland.widgets.train.images_form import ImagesForm
from napari_dualgland.widgets.train.recipe_field import RecipeField
from napari_dualgland.widgets.train.run_picker import RunPicker
from napari_dualgland.widgets.train.run_view import RunView
from napari_dualgland.widgets.train.watch import RunWatch
from napari_dualgland.widgets.train.words import run_words

if TYPE_CHECKING:
    import napari.viewer

_WORDS = {State.FINISHED: "New run", State.STOPPED: "Resume", State.BROKEN: "Resume"}
"""What the button says of a run that has ended; of one that goes on it says *Stop*."""


class TrainWidget(Dock):
    """Train a model on a lab's own images.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        The viewer that it is docked in; its layers do not matter.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        special = {"recipe": RecipeField(), "device": DeviceField()}
        super().__init__(napari_viewer, RunBar("Train", "steps"), ParamsForm(TrainParams, special))
        self.state: State | None = None
        """How the run stands that is shown; None for a new one."""
        self.runs = RunPicker()
        self.images = ImagesForm()
        self.view = RunView()
        self.take_now = QPushButton("&Use the model as it is")
        self.watch = RunWatch(self)
        self._check: JobThread | None = None
        self._stopping = False
        self._lay_out()
        self.runs.chosen.connect(self.show_run)
        self.images.changed.connect(self._look_through)
        self.params.fields["recipe"].changed.connect(self._suggest_steps)
        self.take_now.clicked.connect(self._on_take_now)
        self.watch.told.connect(self._on_told)
        self._suggest_steps()
        self.show_run(self.runs.wanting())

    # --- the job ----------------------------------------------------------------------

    def value(self) -> TrainJob:
        """Return the job that the form asks for; see :meth:`.Dock.value`."""
        params = self.params.value()
        return TrainJob(
            images=self.images.value().absolute(),
            channels=self.images.channels.value(),
            params=params,
            output=runs_folder().absolute() / params.name,
        )

    def set_value(self, value: TrainJob | TrainParams) -> None:
        """Show a job in the form, or its parameters alone."""
        if isinstance(value, TrainJob):
            self.images.channels.set_value(value.channels)
            self.images.set_value(value.images)
            value = value.params
        self.params.set_value(value)

    @override
    def start(self) -> None:
        """Do what the button says: begin a run, go on with one, or leave it for a new one."""
        if self.state in (State.GOING, State.FINISHED):
            self.show_run(None if self.state is State.FINISHED else self.watch.folder)
            return
        try:
            resumed = self.state is not None
            job = self._job_of(self.runs.value()) if resumed else self._new_job()
            start(job.output, [*job.words(), *(["--resume"] if resumed else [])])
        except DualglandError as error:
            self.tell(error)
            return
        self.show_run(job.output)

    @override
    def cancel(self) -> None:
        """Ask the run to end on a checkpoint; what the button *Stop* does."""
        if self.watch.folder is None or self.state is not State.GOING:
            return
        self._stopping = True
        self._stop()

    def _stop(self) -> None:
        """Ask; and ask again, for a run that only just begins forgets what was asked before."""
        assert self.watch.folder is not None
        try:
            ask_to_stop(self.watch.folder)
        except DualglandError as error:
            self._stopping = False
            self.run_bar.say(legible(str(error)), error=True)
        self.run_bar.button.setText("Stopping …" if self._stopping else "Stop")
        self.run_bar.button.setEnabled(not self._stopping)

    def _new_job(self) -> TrainJob:
        """Return a job whose images were looked at and whose folder is made."""
        job = self.value()
        job.check()
        checked = self.images.checked
        if checked is None:
            found = "the folder is still looked through"
            if self._check is None:
                found = "holds no image"
            raise DualglandError(Kind.LACKING, job.images, found)
        if not checked.usable:
            found = "no field in it can be learned from"
            raise DualglandError(Kind.LACKING, job.images, found, way_out="see what is left out")
        job.save()
        return job

    def _job_of(self, folder: Path | None) -> TrainJob:
        assert folder is not None
        job = load_job(folder / JOB)
        if not isinstance(job, TrainJob):
            raise DualglandError(Kind.WRONG_CONTENT, folder / JOB, "is no training run")
        return job.model_copy(update={"output": folder})

    # --- the images -------------------------------------------------------------------

    def _look_through(self) -> None:
        """Look at every image of the folder, off the main thread."""
        if self._check is not None:
            self._check.cancel()
            self._check = None
        try:
            folder = self.images.value()
        except DualglandError:
            return
        channels = self.images.channels.value()
        self._check = self.in_background(lambda stop: check_folder(folder, channels, stop))
        self._check.progressed.connect(self.images.show_progress)
        self._check.succeeded.connect(self.images.take)
        self._check.failed.connect(self.images.refuse)
        self._check.ended.connect(self._on_checked)

    def _on_checked(self) -> None:
        if self.sender() is self._check:
            self._check = None

    def _suggest_steps(self) -> None:
        steps = steps_of(self.params.fields["recipe"].value())
        field = self.params.fields["steps"]
        assert isinstance(field, OptionalField)
        if steps is not None:
            field.suggest(steps, "usual")

    # --- the run ----------------------------------------------------------------------

    def show_run(self, folder: Path | None) -> None:
        """Show a run as it stands, or the form of a new one where it is None."""
        self.state = None
        self._stopping = False
        self.runs.set_value(folder)
        self._form.setVisible(folder is None)
        self.copy_as.setVisible(folder is None)
        self.view.setVisible(folder is not None)
        self.take_now.hide()
        self.watch.follow(folder)
        self.run_bar.end("")
        if folder is None:
            self._say_what_lacks()
            return
        try:
            self.view.ask(self._job_of(folder))
        except DualglandError as error:
            self.tell(error)

    def _say_what_lacks(self) -> None:
        try:
            refuse_lacking()
        except DualglandError as error:
            self.run_bar.say(legible(str(error)), error=True)

    def _on_told(self, state: State) -> None:
        folder, history, bar = self.watch.folder, self.watch.history, self.run_bar
        assert folder is not None
        begun, self.state = self.state is not state, state
        self.view.show_history(folder, history)
        model = folder / (history.model or f"{folder.name}.safetensors")
        if state is State.GOING:
            if begun:
                bar.begin()
                bar.button.setText("Stop")
                bar.elapsed.hide()
            bar.bar.setRange(0, history.steps)
            bar.bar.setValue(history.step)
            bar.say(run_words(state, history, ()))
            if self._stopping:
                self._stop()
        else:
            self._stopping = False
            broken = state is State.BROKEN
            bar.end(run_words(state, history, last_lines(folder)), error=broken)
            bar.button.setText(_WORDS[state])
            self.view.show_card(model if state is State.FINISHED else None)
        self.take_now.setVisible(state is not State.FINISHED and model.exists())

    def _on_take_now(self) -> None:
        """Offer the model as it stands in every picker."""
        folder = self.watch.folder
        assert folder is not None
        try:
            card = install_model(folder / f"{folder.name}.safetensors")
        except DualglandError as error:
            self.run_bar.say(legible(str(error)), error=True)
            return
        self.view.show_card(card)

    def _lay_out(self) -> None:
        self._form = QWidget()
        column = QVBoxLayout(self._form)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (heading("Images"), self.images, heading("Training"), self.params):
            column.addWidget(part)
        self.copy_as.python_action.setVisible(False)
        self.take_now.setToolTip("Put the model among those of Impute as it stands now.")
        parts = (self.runs, self._form, self.run_bar, self.copy_as, self.take_now, self.view)
        self.hold(self.form(*parts))
