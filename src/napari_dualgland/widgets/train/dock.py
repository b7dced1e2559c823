"""The *Train* dock widget: choose images and a start, train in a process apart, watch it learn.

The run belongs to no dock: it goes on when napari is closed, and any dock that is opened later
finds it again. What is shown is read from the run's folder; to stop is to ask, in that folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QWidget
from typing_extensions import override

from napari_dualgland.errors import DualglandError
from napari_dualgland.jobs import TrainJob
from napari_dualgland.jobs.train import TrainParams
from napari_dualgland.legible import legible
from napari_dualgland.runs.folder import State, runs_folder
from napari_dualgland.runs.process import start
from napari_dualgland.runs.recipes import refuse_lacking, steps_of
from napari_dualgland.widgets.kit.dock import Dock
from napari_dualgland.widgets.kit.fields import OptionalField
from napari_dualgland.widgets.kit.model_choice import DeviceField
from napari_dualgland.widgets.kit.params_form import ParamsForm
from napari_dualgland.widgets.kit.run_bar import RunBar
from napari_dualgland.widgets.kit.style import column, footnote, heading
from napari_dualgland.widgets.train.images_form import ImagesForm
from napari_dualgland.widgets.train.recipe_field import RecipeField
from napari_dualgland.widgets.train.run_panel import RunPanel
from napari_dualgland.widgets.train.run_picker import RunPicker
from napari_dualgland.widgets.train.words import time_words

if TYPE_CHECKING:
    import napari.viewer


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
        self.runs = RunPicker()
        self.images = ImagesForm()
        self.time = footnote()
        self.panel = RunPanel(self.run_bar)
        self._lay_out()
        self.runs.chosen.connect(self.show_run)
        self.panel.changed.connect(self.runs.refresh)
        self.params.fields["recipe"].changed.connect(self._suggest_steps)
        self.params.changed.connect(self._show_time)
        self._suggest_steps()
        self.show_run(self.runs.wanting())

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
        folder, state = self.panel.watch.folder, self.panel.state
        if folder is not None and state in (None, State.GOING, State.FINISHED):
            self.show_run(None if state is State.FINISHED else folder)
            return
        try:
            job = self._new_job() if folder is None else self.panel.job()
            start(job.output, [*job.words(), *(["--resume"] if folder is not None else [])])
        except DualglandError as error:
            self.run_bar.say(legible(str(error)), error=True)
            return
        self.show_run(job.output)

    @override
    def cancel(self) -> None:
        """Ask the run to end on a checkpoint; what the button *Stop* does."""
        self.panel.stop()

    def show_run(self, folder: Path | None) -> None:
        """Show a run as it stands, or the form of a new one where it is None."""
        self.runs.set_value(folder)
        self._asks.setVisible(folder is None)
        self.copy_as.setVisible(folder is None)
        self._show_time()
        try:
            self.panel.show_run(folder)
            if folder is None:
                refuse_lacking()
        except DualglandError as error:
            self.run_bar.say(legible(str(error)), error=True)

    def _new_job(self) -> TrainJob:
        """Return a job whose images were looked at and whose folder is made."""
        job = self.value()
        job.check()
        self.images.refuse_unusable()
        job.save()
        return job

    def _suggest_steps(self) -> None:
        steps, field = steps_of(self.params.fields["recipe"].value()), self.params.fields["steps"]
        assert isinstance(field, OptionalField)
        if steps is not None:
            field.suggest(steps, "usual")

    def _show_time(self) -> None:
        steps = self.params.fields["steps"]
        assert isinstance(steps, OptionalField)
        job = TrainJob(images=Path(), params=self.params.value(), output=Path())
        self.time.setText(time_words(job.expected_seconds(steps.number.value())))

    def _lay_out(self) -> None:
        self._asks = QWidget()
        training = (heading("Training"), self.params, self.time)
        column(self._asks, heading("Images"), self.images, *training, spacing=6)
        self.copy_as.python_action.setVisible(False)
        parts = (self.runs, self._asks, self.run_bar, self.copy_as, self.panel)
        self.hold(self.form(*parts))
