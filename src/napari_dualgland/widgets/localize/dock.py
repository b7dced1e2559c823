"""The *Localize* dock widget: choose the channels, say where the protein is, walk the cells.

It asks, shows and passes on; what is computed is computed by its job, which knows nothing of
it. Work runs in a thread, layers are read and made here, on the main thread.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

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
from napari_dualgland.widgets.field.channels_form import ChannelsForm
from napari_dualgland.widgets.field.job_input import loaded
from napari_dualgland.widgets.field.repaired import missing_of
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.kit.dock import Dock
from napari_dualgland.widgets.kit.model_choice import DeviceField, ModelField
from napari_dualgland.widgets.kit.params_form import ParamsForm
from napari_dualgland.widgets.kit.run_bar import RunBar
from napari_dualgland.widgets.localize.canvas_link import ClickWatch, fly_to
from napari_dualgland.widgets.localize.cells_form import CellsForm
from napari_dualgland.widgets.localize.layers import LocalizationLayers
from napari_dualgland.widgets.localize.painting import Painted, paint_steps
from napari_dualgland.widgets.localize.results import LocalizeResults

if TYPE_CHECKING:
    import napari.viewer

ABSENT = "— no such channel —"
PLUGIN = "napari-dualgland"


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
        self._source: Source | None = None
        self._layers: LocalizationLayers | None = None
        self.channels = ChannelsForm(napari_viewer, absent=ABSENT, shares=False, repaired=True)
        self.cells = CellsForm(napari_viewer)
        self.results = LocalizeResults()
        self._split = QSplitter(Qt.Orientation.Vertical)
        self._lay_out()
        self.cells.changed.connect(self._show_needed)
        self.results.legend.toggled.connect(self._on_place)
        self.results.table.chosen.connect(self._on_row)
        self.results.impute_first.connect(self._on_impute_first)
        self.results.to_write.connect(self.write)
        # Kept as an attribute: napari refers to it weakly.
        self._clicks = ClickWatch(napari_viewer, self._clicked_layer, self._on_click)
        self.destroyed.connect(self._clicks.stop)

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
        return LocalizeJob(input=chosen, params=self.params.value(), output=self.output, **given)

    def set_value(self, value: LocalizeJob | LocalizeParams) -> None:
        """Show a job in the form, or its parameters alone.

        Raises
        ------
        DualglandError
            If it is about one plane: this dock looks at all of them.
        """
        if isinstance(value, LocalizeParams):
            self.params.set_value(value)
            return
        if value.plane is not None:
            raise DualglandError(
                Kind.UNSUPPORTED,
                "Localize",
                "looks at whole stacks",
                way_out="run this job outside napari",
            )
        self.channels.set_value(value.input)
        self.cells.set_value(value)
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
        """Remember which layers the result belongs to."""
        self._source = self.channels.source()

    @override
    def steps(
        self, job: LocalizeJob, loaded: Loaded, should_stop: Callable[[], bool]
    ) -> Generator[Progress, None, Painted]:
        """Do the job and paint what was found; see :meth:`.Dock.steps`."""
        result = yield from job.steps(loaded, should_stop)
        return (yield from paint_steps(result, should_stop))

    def show_result(self, result: Painted) -> tuple[str, Localization]:
        """Show what was found, in layers, legend and table."""
        assert self._source is not None
        layers = LocalizationLayers(self.viewer, self._source, result)
        layers.show()
        self._layers = layers
        self.results.take(result.result)
        self._share_height()
        return summary(result.result, self.run_bar.took), result.result

    # --- what was found -------------------------------------------------------------

    def _on_place(self, k: int, wanted: bool) -> None:
        if self._layers is None:
            return
        if wanted:
            # The person goes on with the layer that they were at.
            active = self.viewer.layers.selection.active
            self._layers.show_place(k)
            self.viewer.layers.selection.active = active
        else:
            self._layers.hide_place(k)

    def _on_row(self, row: int) -> None:
        """Fly to the cell in a row of the table."""
        layers, result = self._layers, self.results.result
        if layers is None or result is None or layers.cells is None or not layers.is_there():
            self.run_bar.say("The cells are not in the viewer any more; click Localize again.")
            return
        cell = result.table.iloc[row]
        layers.choose(int(cell["cell"]))
        fly_to(self.viewer, layers.cells, *layers.place_of(cell))

    def _on_click(self, label: int, place: tuple[int, ...]) -> None:
        """Show the row of the cell that was clicked."""
        if self._layers is None:
            return
        row = self._layers.row_of(label, place)
        if row is None:
            return
        self._layers.choose(label)
        if not self.results.table.select_row(row):
            self.run_bar.say(f"Cell {label} is left out by the filter.")

    def _clicked_layer(self) -> Any:
        return self._layers.cells if self._layers and self._layers.is_there() else None

    def _on_impute_first(self) -> None:
        """Open *Impute*, which looks at the same field of view."""
        self.viewer.window.add_plugin_dock_widget(PLUGIN, "Impute")

    # --- the form ---------------------------------------------------------------------

    def follow_layers(self) -> None:
        """Offer the layers that there are."""
        self.cells.refresh()
        if self._layers is not None:
            self.results.legend.show_ticked(self._layers.places())

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
            self.params,
            self.run_bar,
            self.copy_as,
        )
        self._form = form
        self._split.setChildrenCollapsible(False)
        self._split.addWidget(form)
        self._split.addWidget(self.results)
        self._split.setStretchFactor(1, 1)
        self.hold(self._split)

    def _share_height(self) -> None:
        """Give the form what it needs and the table the rest, unless that is too little."""
        whole = self._split.height()
        below = self.results.minimumSizeHint().height()
        form = min(self._form.needed_height(), max(whole - below, whole // 3))
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
