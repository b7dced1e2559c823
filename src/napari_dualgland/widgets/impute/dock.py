"""The *Impute* dock widget: choose the channels, see what is missing, fill it in.

It asks, shows and passes on; what is computed is computed by its job, which knows nothing of
it. Work runs in a thread, layers are read and made here, on the main thread.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from napari_dualgland.errors import DualglandError
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.io import read_mask
from napari_dualgland.jobs import ImputeJob, Loaded, MaskFile
from napari_dualgland.progress import Progress
from napari_dualgland.results import Imputation
from napari_dualgland.widgets.field.channels_form import ChannelsForm
from napari_dualgland.widgets.field.job_input import loaded
from napari_dualgland.widgets.field.plane_form import PlaneForm
from napari_dualgland.widgets.field.repaired import missing_of
from napari_dualgland.widgets.impute.commands import COMPARE_KEYS, SHOW_MISSING_KEYS
from napari_dualgland.widgets.impute.live_run import LiveRun
from napari_dualgland.widgets.impute.mask_saving import copy_command
from napari_dualgland.widgets.impute.missing_form import MissingForm
from napari_dualgland.widgets.impute.missing_key import MissingKey
from napari_dualgland.widgets.impute.notice import Notice
from napari_dualgland.widgets.impute.region_form import RegionForm
from napari_dualgland.widgets.impute.result_bar import ResultBar
from napari_dualgland.widgets.impute.show_missing import ShowMissing
from napari_dualgland.widgets.impute.summary import NotesBox, shares, summary
from napari_dualgland.widgets.impute.writable import refuse_unwritable
from napari_dualgland.widgets.kit.dock import Dock
from napari_dualgland.widgets.kit.model_choice import DeviceField, ModelField
from napari_dualgland.widgets.kit.params_form import ParamsForm
from napari_dualgland.widgets.kit.run_bar import RunBar
from napari_dualgland.widgets.layers.warm import Warming

if TYPE_CHECKING:
    import napari.viewer


class ImputeWidget(Dock):
    """Fill in the missing pixels of a field of view.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        The viewer whose layers are repaired.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        special = {"model": ModelField("impute"), "device": DeviceField()}
        params = ParamsForm(ImputeParams, special)
        super().__init__(napari_viewer, RunBar("Impute", "tiles"), params)
        self.channels = ChannelsForm(napari_viewer)
        self.missing = MissingForm(napari_viewer)
        self.show_missing = ShowMissing(napari_viewer, self.channels, self._sought)
        self.key = MissingKey()
        self.notice = Notice()
        self.region = RegionForm(napari_viewer, self.channels)
        self.extent = PlaneForm(napari_viewer, self.channels)
        self.results = ResultBar(self.copy_as)
        self.notes = NotesBox()
        self._run: LiveRun | None = None
        self._last: ImputeJob | None = None
        self._connect()
        form = self.form(
            "Channels", self.channels,
            "Missing pixels", self.missing, self.region, self.show_missing, self.key, self.notice,
            "Model", self.params, self.extent, self.run_bar, self.notes, self.results,
        )  # fmt: skip
        self._asked.remove(self.key)  # its colours are those of marks that stay in sight
        self.hold(form)

    def _connect(self) -> None:
        for form in (self.channels, self.missing, self.extent, self.region):
            form.changed.connect(self._on_form_changed)
        self.show_missing.counted.connect(self.channels.show_shares)
        self.show_missing.noticed.connect(self.notice.tell)
        self.show_missing.failed.connect(self.tell)
        self.show_missing.shown.connect(self.key.setVisible)
        self.results.to_write.connect(self.write)
        self.add_command("compare", self.results.compare, COMPARE_KEYS)
        self.add_command("show_missing", self.show_missing, SHOW_MISSING_KEYS)

    # --- the job ----------------------------------------------------------------------

    def value(self) -> ImputeJob:
        """Return the job that the form asks for; see :meth:`.Dock.value`."""
        self.missing.take(self.show_missing.by_hand())
        return ImputeJob(
            input=self.channels.value(),
            missing=self.missing.value(),
            roles=self.missing.chosen_roles(),
            region=self.region.value(),
            plane=self.extent.value(),
            params=self.params.value(),
            output=self.output,
        )

    def set_value(self, value: ImputeJob | ImputeParams) -> None:
        """Show a job in the form, or its parameters alone."""
        if isinstance(value, ImputeParams):
            self.params.set_value(value)
            return
        self.channels.set_value(value.input)
        self.missing.set_value(value.missing)
        self.missing.choose_roles(value.roles)
        self.region.set_value(value.region)
        self.extent.set_value(value.plane)
        self.params.set_value(value.params)
        self.output = value.output

    def load(self, job: ImputeJob) -> Loaded:
        """Read stack and mask from their layers."""
        source, layers = self.channels.source(), self.viewer.layers
        found = loaded(source, missing_of(layers, source), self.missing.layer())
        refuse_unwritable(found.stack)
        if isinstance(job.missing, MaskFile):
            found = replace(found, missing=read_mask(job.missing.path))
        return found

    @override
    def steps(
        self, job: ImputeJob, loaded: Loaded, should_stop: Callable[[], bool]
    ) -> Generator[Progress, None, Imputation]:
        """Fill in both ways, and load meanwhile what napari needs to mark what was filled."""
        warming = Warming("uint8")
        result = yield from job.steps(loaded, should_stop, both=True)
        warming.wait()
        return result

    @property
    def idle(self) -> bool:
        """Whether no work is going on."""
        return super().idle and self.show_missing.idle

    # --- the result -------------------------------------------------------------------

    def begin(self, job: ImputeJob) -> None:
        """Remember what is repaired, as it is now; its layers come with the first tiles."""
        self.results.rest()
        self.notes.tell(None)
        source, marks = self.channels.source(), self.missing.layer()
        self._run = LiveRun(self.viewer, source, job, marks)

    def show_progress(self, step: Progress) -> None:
        """Show a finished tile, and what a person should hear of before the first."""
        super().show_progress(step)
        if step.found:
            self.notice.tell(step.found)
        if self._run is not None:
            self._run.show(step)
            if self._run.layers.gone:
                self.cancel()

    def show_steps(self, result: Imputation) -> Iterator[None]:
        """Give the layers their final pixels; see :meth:`.Dock.show_steps`."""
        if self._run is not None and any(shares(result).values()):
            yield from self._run.finish(result)

    def show_result(self, result: Imputation) -> tuple[str, Imputation]:
        """Say what was done."""
        run, self._run = self._run, None
        assert run is not None
        found = shares(result)
        if not any(found.values()):
            run.close()
            self.channels.show_shares(found)
            return "Nothing to do: no pixel is missing.", result
        if not run.layers.shown():
            run.close()
            return "The layers were taken away, so nothing is shown.", result
        # Only now: new layers are news to the field of view, and news clear the shares.
        self.channels.show_shares(found)
        self.show_missing.mark_estimates()
        self.results.take(result, run.layers)
        self.notes.tell(result, self.notice.told)
        return summary(found.values(), self.run_bar.total, self.run_bar.took), result

    def discard(self) -> None:
        """Leave no trace of the run."""
        run, self._run = self._run, None
        if run is not None:
            run.close()

    def closing(self) -> None:
        """End what is going on; see :meth:`.Docked.closing`."""
        super().closing()
        self.show_missing.cancel()
        self.results.forget()

    # --- the form ---------------------------------------------------------------------

    def follow_layers(self) -> None:
        """Offer the layers that there are, and forget those that are gone."""
        self.missing.refresh()
        self.region.follow_layers()
        self.results.follow_layers()

    def _sought(self) -> tuple[ImputeJob, Loaded, Any]:
        job = self.value()
        return job, self.load(job), self.missing.layer()

    @override
    def copied(self) -> ImputeJob:
        """Return the job of the form, with the fill that is looked at."""
        job, plausible = self.value(), self.results.plausible
        if plausible is None:
            return job
        params = job.params.model_copy(update={"plausible": plausible})
        return job.model_copy(update={"params": params})

    @override
    def copy_command(self) -> None:
        """Copy the shell line; a mask that was painted is saved for it first."""
        copy_command(self)

    def _on_form_changed(self) -> None:
        """What was found belongs to the job as it was; look again if it is being shown."""
        try:
            job = self.value()
        except DualglandError:
            job = None
        if job is None or job != self._last:
            self._last = job
            self.channels.show_shares(None)
            self.notice.tell(())
            self.show_missing.look_again()
