"""The *Localize* dock widget: choose the channels, say where the protein is, walk the cells.

It asks, shows and passes on; what is computed is computed by its job, which knows nothing of
it. Work runs in a thread, layers are read and made here, on the main thread.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSplitter
from typing_extensions import override

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io import read_labels, read_mask
from napari_dualgland.jobs import LabelsFile, Loaded, LocalizeJob
from napari_dualgland.legible import legible
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.progress import Progress
from napari_dualgland.results import Localization
from napari_dualgland.widgets.cells.cells_form import CellsForm
from napari_dualgland.widgets.field.channels_form import ChannelsForm
from napari_dualgland.widgets.field.job_input import loaded
from napari_dualgland.widgets.field.plane_form import PlaneForm
from napari_dualgland.widgets.field.repaired import missing_of
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.kit.dock import Dock
from napari_dualgland.widgets.kit.model_choice import DeviceField, ModelField
from napari_dualgland.widgets.kit.params_form import ParamsForm
from napari_dualgland.widgets.kit.run_bar import RunBar
from napari_dualgland.widgets.localize.found import Found
from napari_dualgland.widgets.localize.layers import LocalizationLayers, put_layers
from napari_dualgland.widgets.localize.painting import Painted, paint_steps
from napari_dualgland.widgets.localize.results import LocalizeResults
from napari_dualgland.widgets.localize.run_view import RunView

if TYPE_CHECKING:
    import napari.viewer

ABSENT = "— no such channel —"
_EXTENT_TIP = "Look at every plane, or only at the one that is shown."


class LocalizeWidget(Dock):
    """Say where in each cell the protein is.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        The viewer whose layers are looked at.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        special = {"model": ModelField("localize"), "device": DeviceField()}
        params = ParamsForm(LocalizeParams, special)
        super().__init__(napari_viewer, RunBar("Localize", "cells"), params)
        self._begun: tuple[LocalizeJob, Source] | None = None
        self._found: Found | None = None
        self.channels = ChannelsForm(napari_viewer, absent=ABSENT, shares=False, repaired=True)
        self.cells = CellsForm(napari_viewer)
        self.extent = PlaneForm(napari_viewer, self.channels, "Look at", _EXTENT_TIP)
        self.results = LocalizeResults()
        self._split = QSplitter(Qt.Orientation.Vertical)
        self._lay_out()
        self.cells.changed.connect(self._show_needed)
        self.results.to_write.connect(self.write)
        self.run_view = RunView(napari_viewer, self.results)
        self.run_view.changed.connect(self._on_another_run)
        self.run_view.said.connect(self.run_bar.say)
        self.follow_layers()

    # --- the job ----------------------------------------------------------------------

    def value(self) -> LocalizeJob:
        """Return the job that the form asks for; see :meth:`.Dock.value`."""
        chosen = self.channels.value()
        if "protein" not in chosen.layers:
            raise DualglandError(
                Kind.LACKING,
                "protein",
                "no layer is chosen as the protein, so there is nothing to localize",
            )
        given = self.cells.value()
        if given["impute_first"]:
            self.channels.require_decided()  # what is not there would be estimated whole
        return LocalizeJob(
            input=chosen,
            plane=self.extent.value(),
            params=self.params.value(),
            output=self.output,
            **given,
        )

    def set_value(self, value: LocalizeJob | LocalizeParams) -> None:
        """Show a job in the form, or its parameters alone."""
        if isinstance(value, LocalizeParams):
            self.params.set_value(value)
            return
        self.channels.set_value(value.input)
        self.cells.set_value(value)
        self.extent.set_value(value.plane)
        self.params.set_value(value.params)
        self.output = value.output

    def load(self, job: LocalizeJob) -> Loaded:
        """Read stack, cells and what is damaged from their layers or files."""
        source, layers = self.channels.source(), self.viewer.layers
        found = loaded(source, missing_of(layers, source), cells=self.cells.layer())
        if isinstance(job.cells, LabelsFile):
            found = replace(found, cells=read_labels(job.cells.path))
        if job.missing is not None:
            found = replace(found, missing=read_mask(job.missing.path))
        return found

    def begin(self, job: LocalizeJob) -> None:
        """Remember what the result belongs to."""
        self._begun = job, self.channels.source()
        self.run_view.follows = False

    @override
    def steps(
        self, job: LocalizeJob, loaded: Loaded, should_stop: Callable[[], bool]
    ) -> Generator[Progress, None, Painted]:
        """Do the job and paint what was found; see :meth:`.Dock.steps`."""
        result = yield from job.steps(loaded, should_stop)
        return (yield from paint_steps(result, should_stop))

    @override
    def show_steps(self, result: Painted) -> Iterator[None]:
        """Lay what was found over the source; see :meth:`.Dock.show_steps`."""
        assert self._begun is not None
        job, source = self._begun
        said = summary(result.result, self.run_bar.took)
        self._found = Found(job, result.result, source.sizes, said)
        yield from put_layers(self.viewer, source, self._found, result.picture)

    def show_result(self, result: Painted) -> tuple[str, Localization]:
        """Show what was found, in legend and table."""
        found, self._found, self._begun = self._found, None, None
        assert found is not None
        self.run_view.look_at(LocalizationLayers(self.viewer, found))
        # A little later: layers, table and the first look at them at once are a long breath.
        self.run_view.unveil()
        return found.said, result.result

    @property
    def idle(self) -> bool:
        """Whether no work is going on, and what was found is in sight."""
        return super().idle and self.run_view.settled

    def discard(self) -> None:
        """Leave no trace of work that failed or was cancelled."""
        self._begun = self._found = None

    def closing(self) -> None:
        """Let go of the viewer and of what was found; its layers keep it."""
        super().closing()
        self.run_view.close()

    def _on_another_run(self, found: Found | None) -> None:
        if found is not None:
            self.run_bar.end(found.said)
            self._share_height()

    # --- the form ---------------------------------------------------------------------

    def follow_layers(self) -> None:
        """Offer the layers that there are, and show what they carry."""
        self.cells.refresh()
        self.run_view.follows = True
        self.run_view.follow()

    def _show_needed(self) -> None:
        """Sizes are asked for only where cells are to be found."""
        for name in ("nucleus_um", "smallest_um2"):
            self.params.fields[name].widget.setEnabled(not self.cells.given())

    def _lay_out(self) -> None:
        form = self.form(
            "Channels",
            self.channels,
            "Cells and model",
            self.cells,
            self.extent,
            self.params,
            self.run_bar,
            self.copy_as,
        )
        self._split.setChildrenCollapsible(False)
        self._split.addWidget(form)
        self._split.addWidget(self.results)
        self._split.setStretchFactor(1, 1)
        self.hold(self._split)

    def _share_height(self) -> None:
        """Give the form what it needs, but the table the most: from here on it is walked by."""
        assert self._form is not None
        whole = self._split.height()
        form = min(self._form.needed_height(), whole * 2 // 5)
        self._split.setSizes([form, whole - form])


def summary(result: Localization, took: str) -> str:
    """Return what stands under a finished run: a line, and one for each note.

    Parameters
    ----------
    result : Localization
        With its notes.
    took : str
        How long, in words.

    Returns
    -------
    str
    """
    count = len(result.table)
    line = f"Looked at {'1 cell' if count == 1 else f'{count} cells'}, {took}."
    if not count:
        line = f"No cells, {took}."
    # What is damaged is said beside the button that helps.
    notes = [*result.stack.notes, *result.provenance.notes]
    notes = [note for note in dict.fromkeys(notes) if "impute first" not in note]
    return "\n".join([line, *(f"• {legible(note)}" for note in notes)])
