"""The *Boundaries* dock: name the compartments, map where they end, see who is off balance.

It asks, shows and passes on; what is computed is computed by its job, which knows nothing of
it. Work runs in a thread, layers are read and made here, on the main thread.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSplitter
from typing_extensions import override

from napari_dualgland.compartments.params import BoundariesParams
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io import read_labels, read_mask
from napari_dualgland.jobs import BoundariesJob, LabelsFile, Loaded
from napari_dualgland.legible import legible
from napari_dualgland.progress import Progress
from napari_dualgland.results import Boundaries
from napari_dualgland.widgets.boundaries.drawing import Drawn, draw_steps
from napari_dualgland.widgets.boundaries.layers import BoundaryLayers, Seen, seen_in
from napari_dualgland.widgets.boundaries.location_field import LocationField
from napari_dualgland.widgets.boundaries.pairs import pairs_at
from napari_dualgland.widgets.boundaries.results import BoundariesResults
from napari_dualgland.widgets.cells.canvas_link import ClickWatch, fly_to
from napari_dualgland.widgets.cells.cells_form import CellsForm
from napari_dualgland.widgets.field.channels_form import ChannelsForm
from napari_dualgland.widgets.field.job_input import loaded
from napari_dualgland.widgets.field.repaired import missing_of
from napari_dualgland.widgets.field.selection_watch import SelectionWatch
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.kit.dock import Dock
from napari_dualgland.widgets.kit.model_choice import DeviceField, ModelField
from napari_dualgland.widgets.kit.params_form import ParamsForm
from napari_dualgland.widgets.kit.run_bar import RunBar

if TYPE_CHECKING:
    import napari.viewer

ABSENT = "— no such channel —"


class BoundariesWidget(Dock):
    """Name the compartments of every cell, and see which are out of balance.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        The viewer whose layers are looked at.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        special = {
            "location": LocationField(),
            "model": ModelField("impute"),
            "device": DeviceField(),
        }
        params = ParamsForm(BoundariesParams, special)
        super().__init__(napari_viewer, RunBar("Boundaries", "steps"), params)
        self._source: Source | None = None
        self._layers: BoundaryLayers | None = None
        self._found: BoundaryLayers | None = None
        self.channels = ChannelsForm(napari_viewer, absent=ABSENT, shares=False, repaired=True)
        self.cells = CellsForm(napari_viewer)
        self.results = BoundariesResults()
        self._split = QSplitter(Qt.Orientation.Vertical)
        self._lay_out()
        self.results.legend.toggled.connect(self._on_place)
        self.results.cell_chosen.connect(self._on_row)
        self.results.hole_chosen.connect(self._on_row)
        self.results.to_write.connect(self.write)
        self._clicks = _watch_clicks(self)
        self.destroyed.connect(self._clicks.stop)
        self._selected = SelectionWatch(napari_viewer.layers, self._on_layers_changed)
        self.destroyed.connect(self._selected.stop)
        self.follow_layers()

    # --- the job ----------------------------------------------------------------------

    def value(self) -> BoundariesJob:
        """Return the job that the form asks for; see :meth:`.Dock.value`."""
        return BoundariesJob(
            input=self.channels.value(),
            params=self.params.value(),
            output=self.output,
            **self.cells.value(),
        )

    def set_value(self, value: BoundariesJob | BoundariesParams) -> None:
        """Show a job in the form, or its parameters alone.

        Raises
        ------
        DualglandError
            If it is about one plane: this dock looks at all of them.
        """
        if isinstance(value, BoundariesParams):
            self.params.set_value(value)
            return
        if value.plane is not None:
            way_out = "run this job outside napari"
            raise DualglandError(
                Kind.UNSUPPORTED, "Boundaries", "looks at whole stacks", way_out=way_out
            )
        self.channels.set_value(value.input)
        self.cells.set_value(value)
        self.params.set_value(value.params)
        self.output = value.output

    def load(self, job: BoundariesJob) -> Loaded:
        """Read stack, cells and what is damaged from their layers or files."""
        source, layers = self.channels.source(), self.viewer.layers
        found = loaded(source, missing_of(layers, source), cells=self.cells.layer())
        if isinstance(job.cells, LabelsFile):
            found = replace(found, cells=read_labels(job.cells.path))
        if job.missing is not None:
            found = replace(found, missing=read_mask(job.missing.path))
        return found

    def begin(self, job: BoundariesJob) -> None:
        """Remember which layers the result belongs to."""
        self._source = self.channels.source()

    @override
    def steps(
        self, job: BoundariesJob, loaded: Loaded, should_stop: Callable[[], bool]
    ) -> Generator[Progress, None, Drawn]:
        """Do the job and compute what the layers show; see :meth:`.Dock.steps`."""
        result = yield from job.steps(loaded, should_stop)
        return (yield from draw_steps(result, should_stop))

    @override
    def show_steps(self, result: Drawn) -> Iterator[None]:
        """Lay what was found over the source; see :meth:`.Dock.show_steps`."""
        assert self._source is not None
        said = summary(result.result, self.run_bar.took)
        self._found = BoundaryLayers(self.viewer, Seen(self._source, result, said))
        yield from self._found.show()

    def show_result(self, result: Drawn) -> tuple[str, Boundaries]:
        """Show what was found, in legend, plot and tables."""
        found, self._found = self._found, None
        assert found is not None
        self._look_at(found)
        return found.seen.said, result.result

    def closing(self) -> None:
        """Let go of the viewer and of what was found; its layers keep it."""
        super().closing()
        self._clicks.stop()
        self._selected.stop()
        self._look_at(None)

    # --- what was found -------------------------------------------------------------

    def _on_place(self, k: int, wanted: bool) -> None:
        if self._layers is None:
            return
        active = self.viewer.layers.selection.active
        (self._layers.show_place if wanted else self._layers.hide_place)(k)
        if active in self.viewer.layers:  # the person goes on with the layer that they were at
            self.viewer.layers.selection.active = active

    def _on_row(self, row: Any) -> None:
        """Fly to the cell or the hole in a row of a table."""
        if self._layers is None or not self._layers.are_there():
            self.run_bar.say("The layers are not in the viewer any more; click Boundaries again.")
            return
        layer, position, across = self._layers.view_of(row)
        fly_to(self.viewer, layer, position, across)

    def _on_click(self, label: int, place: tuple[int, ...]) -> None:
        """Show the row of the cell that was clicked, and the pairs of the pixel."""
        if self._layers is not None:
            frame = self._layers.frame_of(place)
            self.results.select(label, frame)
            self.results.pairs.take(*pairs_at(self._layers.result, frame))

    def _clicked_layer(self) -> Any:
        return None if self._layers is None else self._layers.cells

    # --- the form ---------------------------------------------------------------------

    def follow_layers(self) -> None:
        """Offer the layers that there are, and show what they carry."""
        self.cells.refresh()
        self._look_at(seen_in(self.viewer, None if self._layers is None else self._layers.seen))

    def _look_at(self, layers: BoundaryLayers | None) -> None:
        """Show the run that these layers carry, or none."""
        before, self._layers = self._layers, layers
        if layers is None:
            if before is not None:
                self.results.forget()
            return
        if before is None or before.seen is not layers.seen:
            self.results.take(layers.result)
            self.run_bar.end(layers.seen.said)
            self._share_height()
        self.results.legend.show_ticked(layers.places())

    def _lay_out(self) -> None:
        self._form = self.form(
            "Channels", self.channels, "Cells and balance", self.cells, self.params,
            self.run_bar, self.copy_as,
        )  # fmt: skip
        self._split.setChildrenCollapsible(False)
        self._split.addWidget(self._form)
        self._split.addWidget(self.results)
        self._split.setStretchFactor(1, 1)
        self.hold(self._split)

    def _share_height(self) -> None:
        """Give the form what it needs and the results the rest, unless that is too little."""
        whole = self._split.height()
        # The legend flows: how high it is hangs on how wide it may be.
        below = self.results.layout().minimumHeightForWidth(self._split.width())
        form = min(self._form.needed_height(), max(whole - below, whole // 4))
        self._split.setSizes([form, whole - form])


def _watch_clicks(dock: BoundariesWidget) -> ClickWatch:
    """Return what tells a dock of clicks as long as it is there, and does not hold it."""
    there = weakref.ref(dock)

    def layer() -> Any:
        known = there()
        return None if known is None else known._clicked_layer()

    def tell(label: int, place: tuple[int, ...]) -> None:
        known = there()
        if known is not None:
            known._on_click(label, place)

    return ClickWatch(dock.viewer, layer, tell)


def summary(result: Boundaries, took: str) -> str:
    """Return what stands under a finished run: a line, and one for each note.

    Parameters
    ----------
    result : Boundaries
        With its notes.
    took : str
        How long, in words.

    Returns
    -------
    str
    """
    rows = result.set_points
    cells = rows[rows["cell"] > 0].drop_duplicates([n for n in ("cell", "t", "z") if n in rows])
    line = f"Looked at {'1 cell' if len(cells) == 1 else f'{len(cells)} cells'}, {took}."
    notes = [*result.stack.notes, *result.provenance.notes]
    told = [note for note in dict.fromkeys(notes) if "named the compartments" not in note]
    return "\n".join([line, *(f"• {legible(note[:1].upper() + note[1:])}" for note in told)])
