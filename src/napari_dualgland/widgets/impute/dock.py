"""The *Impute* dock widget: choose the channels, see what is missing, fill it in.

It asks, shows and passes on; what is computed is computed by its job, which knows nothing of
it. Work runs in a thread, layers are read and made here, on the main thread.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer

from napari_dualgland.errors import DualglandError
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.io import read_mask
from napari_dualgland.jobs import ImputeJob, Loaded, MaskFile
from napari_dualgland.legible import legible
from napari_dualgland.progress import Progress
from napari_dualgland.results import Imputation
from napari_dualgland.widgets.field.channels_form import ChannelsForm, in_percent
from napari_dualgland.widgets.field.job_input import loaded
from napari_dualgland.widgets.field.repaired import missing_of
from napari_dualgland.widgets.field.roles import ESTIMATE_NOTE
from napari_dualgland.widgets.impute.commands import COMPARE_KEYS, SHOW_MISSING_KEYS
from napari_dualgland.widgets.impute.missing_form import MissingForm
from napari_dualgland.widgets.impute.notice import Notice
from napari_dualgland.widgets.impute.plane_form import PlaneForm
from napari_dualgland.widgets.impute.result_bar import ResultBar
from napari_dualgland.widgets.impute.result_layers import ResultLayers
from napari_dualgland.widgets.impute.show_missing import ShowMissing
from napari_dualgland.widgets.kit.dock import Dock
from napari_dualgland.widgets.kit.model_choice import DeviceField, ModelField
from napari_dualgland.widgets.kit.params_form import ParamsForm
from napari_dualgland.widgets.kit.run_bar import RunBar
from napari_dualgland.widgets.kit.style import footnote

if TYPE_CHECKING:
    import napari.viewer

_REDRAW_MS = 150
"""Tiles may finish faster than the canvas can be redrawn; it is redrawn this often."""


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
        self.notice = Notice()
        self.extent = PlaneForm(napari_viewer, self.channels)
        self.results = ResultBar(self.copy_as)
        self._layers: ResultLayers | None = None
        self._last: ImputeJob | None = None
        self._redraw = QTimer(self)
        self._redraw.setSingleShot(True)
        self._redraw.setInterval(_REDRAW_MS)
        self._redraw.timeout.connect(self._on_redraw)
        for changed in (self.channels.changed, self.missing.changed, self.extent.changed):
            changed.connect(self._on_form_changed)
        self.show_missing.counted.connect(self.channels.show_shares)
        self.show_missing.noticed.connect(self.notice.tell)
        self.show_missing.failed.connect(self.tell)
        self.results.to_write.connect(self.write)
        self.add_command("compare", self.results.compare, COMPARE_KEYS)
        self.add_command("show_missing", self.show_missing, SHOW_MISSING_KEYS)
        form = self.form(
            "Channels",
            self.channels,
            "Missing pixels",
            self.missing,
            self.show_missing,
            self.notice,
            "Model",
            self.params,
            self.extent,
            self.run_bar,
            self.results,
            footnote(ESTIMATE_NOTE),
        )
        self.hold(form)

    # --- the job ----------------------------------------------------------------------

    def value(self) -> ImputeJob:
        """Return the job that the form asks for; see :meth:`.Dock.value`."""
        return ImputeJob(
            input=self.channels.value(),
            missing=self.missing.value(),
            roles=self.missing.chosen_roles(),
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
        self.extent.set_value(value.plane)
        self.params.set_value(value.params)
        self.output = value.output

    def load(self, job: ImputeJob) -> Loaded:
        """Read stack and mask from their layers."""
        source, layers = self.channels.source(), self.viewer.layers
        found = loaded(source, missing_of(layers, source), self.missing.layer())
        if isinstance(job.missing, MaskFile):
            found = replace(found, missing=read_mask(job.missing.path))
        return found

    @property
    def idle(self) -> bool:
        """Whether no work is going on."""
        return super().idle and self.show_missing.idle

    # --- the result -------------------------------------------------------------------

    def begin(self, job: ImputeJob) -> None:
        """Show the source once more, in layers that will take the tiles."""
        frame = None if job.plane is None else {"T": job.plane.t, "Z": job.plane.z}
        layers = ResultLayers(self.viewer, self.channels.source(), frame)
        self.results.forget()
        layers.open(self.missing.layer())
        self._layers = layers

    def show_progress(self, step: Progress) -> None:
        """Show a finished tile, and what a person should hear of before the first."""
        super().show_progress(step)
        if step.found:
            self.notice.tell(step.found)
        if step.patch is not None and self._layers is not None:
            self._layers.put(step.patch)
            if not self._redraw.isActive():
                self._redraw.start()

    def show_result(self, result: Imputation) -> tuple[str, Imputation]:
        """Give the layers their final pixels, and say what was done."""
        assert self._layers is not None
        found = shares(result)
        if any(found.values()):
            self._layers.finish(result)
        # Only now: new layers are news to the field of view, and news clear the shares.
        self.channels.show_shares(found)
        if not any(found.values()):
            self.discard()
            return "Nothing to do: no pixel is missing.", result
        self.show_missing.setChecked(True)
        self.results.take(result, self._layers.pairs())
        filled = in_percent(sum(found.values()) / len(found))
        self._layers = None
        tiles, took = self.run_bar.total, self.run_bar.took
        return summary(result, filled, tiles, took, self.notice.told), result

    def discard(self) -> None:
        """Leave no trace of the run."""
        self._redraw.stop()
        layers, self._layers = self._layers, None
        if layers is not None:
            layers.discard()

    def _on_redraw(self) -> None:
        if self._layers is not None:
            self._layers.refresh()

    # --- the form ---------------------------------------------------------------------

    def follow_layers(self) -> None:
        """Offer the layers that there are."""
        self.missing.refresh()

    def _sought(self) -> tuple[ImputeJob, Loaded, Any]:
        job = self.value()
        return job, self.load(job), self.missing.layer()

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


def shares(result: Imputation) -> dict[str, float]:
    """Return the share of pixels that were filled, 0 to 1, by role."""
    keys, told = result.stack.channel_keys, result.provenance.missing_fraction
    return {role: told[keys[i]] for role, i in result.stack.roles.items()}


def summary(
    result: Imputation, filled: str, tiles: int, took: str, told: Collection[str] = ()
) -> str:
    """Return what stands under a finished run: a line, and one for each note.

    Parameters
    ----------
    result : Imputation
        With its notes.
    filled : str
        Share of pixels that were filled, in words.
    tiles : int
        How many.
    took : str
        How long, in words.
    told : collection of str
        Notes that stand elsewhere in the dock.

    Returns
    -------
    str
    """
    many = "1 tile" if tiles == 1 else f"{tiles} tiles"
    line = (
        f"Filled {filled} of pixels in {many}, {took}; do not quantify filled pixels "
        "as measurements."
    )
    notes = [n for n in dict.fromkeys([*result.notes, *result.provenance.notes]) if n not in told]
    return "\n".join([line, *(f"• {legible(note)}" for note in notes)])
