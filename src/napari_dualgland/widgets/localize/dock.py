"""The *Localize* dock widget: choose the channels, say where the protein is, walk the cells.

It asks, shows and passes on; what is computed is computed by the engine, which knows
nothing of it. Work runs in a thread, layers are made here, on the main thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QSplitter

from napari_dualgland.errors import DualglandError
from napari_dualgland.io.layer_masks import mask_from_layer
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.results import Localization
from napari_dualgland.widgets.field.channels_form import ChannelsForm
from napari_dualgland.widgets.field.repaired import missing_of
from napari_dualgland.widgets.field.watch import LayerWatch
from napari_dualgland.widgets.kit.copy_button import CopyButton
from napari_dualgland.widgets.kit.dock import FormDock
from napari_dualgland.widgets.kit.run_bar import RunBar
from napari_dualgland.widgets.kit.style import heading
from napari_dualgland.widgets.localize.canvas_link import ClickWatch, fly_to
from napari_dualgland.widgets.localize.code import localize_as_command, localize_as_python
from napari_dualgland.widgets.localize.form import LocalizeForm
from napari_dualgland.widgets.localize.layers import LocalizationLayers
from napari_dualgland.widgets.localize.request import LocalizeRequest, Painted
from napari_dualgland.widgets.localize.results import LocalizeResults

if TYPE_CHECKING:
    import napari.viewer

ABSENT = "— no such channel —"
PLUGIN = "napari-dualgland"


class LocalizeWidget(FormDock):
    """Say where in each cell the protein is.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        The viewer whose layers are looked at.
    """

    result_ready = Signal(object)
    """The :class:`~napari_dualgland.results.Localization` of a run, after it is shown."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(RunBar("Localize", "cells"))
        self._viewer = napari_viewer
        self._request: LocalizeRequest | None = None
        self._layers: LocalizationLayers | None = None
        self.channels = ChannelsForm(napari_viewer, absent=ABSENT, shares=False, repaired=True)
        self.form = LocalizeForm(napari_viewer)
        self.copy_as = CopyButton()
        self.results = LocalizeResults()
        self._lay_out()
        self._connect()

    # --- parameters -----------------------------------------------------------------

    def value(self) -> LocalizeParams:
        """Return the options of the engine as they stand in the form."""
        return self.form.value()

    def set_value(self, params: LocalizeParams) -> None:
        """Show these options in the form."""
        self.form.set_value(params)

    def request(self) -> LocalizeRequest:
        """Return the run that the form asks for.

        Raises
        ------
        DualglandError
            If something is not chosen, or what is chosen does not fit together.
        """
        source = self.channels.source()
        if "protein" not in source.layers:
            raise DualglandError(
                "no layer is chosen as the protein, so there is nothing to localize"
            )
        filled = missing_of(self._viewer.layers, source)
        return LocalizeRequest(
            source=source,
            cells_in=self.form.cells.layer(),
            marking=self.form.marking(source),
            estimated_in=filled,
            estimated=None
            if filled is None
            else mask_from_layer(filled, source.layers, source.channel_axis),
            params=self.value(),
        )

    # --- localize -------------------------------------------------------------------

    def start(self) -> None:
        """Begin to localize; what the button *Localize* does."""
        try:
            self._request = self.request()
        except DualglandError as error:
            self.tell(error)
            return
        self.work(self._request.localize_steps)

    def on_done(self, result: Painted) -> None:
        """Show what was found, in layers, legend and table."""
        assert self._request is not None
        layers = LocalizationLayers(self._viewer, self._request.source, result)
        try:
            layers.show()
        except Exception as error:  # the run must end in the form, whatever napari says
            self.on_failed(error)
            return
        self._layers = layers
        self.results.take(result.result)
        self._share_height()
        self.run_bar.end(summary(result.result, self.run_bar.took))
        self.result_ready.emit(result.result)

    def on_ended(self) -> None:
        """Follow what the layers have become meanwhile."""
        self._on_layers_changed()

    def enable_form(self, enabled: bool) -> None:
        """Let the person change the form, or not while it works."""
        for widget in (self.channels, self.form, self.copy_as):
            widget.setEnabled(enabled)

    # --- what was found -------------------------------------------------------------

    def _on_place(self, k: int, wanted: bool) -> None:
        if self._layers is None:
            return
        if wanted:
            # The person goes on with the layer that they were at.
            active = self._viewer.layers.selection.active
            self._layers.show_place(k)
            self._viewer.layers.selection.active = active
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
        fly_to(self._viewer, layers.cells, *layers.place_of(cell))

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
        self._viewer.window.add_plugin_dock_widget(PLUGIN, "Impute")

    # --- the form -------------------------------------------------------------------

    def _on_layers_changed(self) -> None:
        if self._job is None:
            self.form.refresh()
        if self._layers is not None:
            self.results.legend.show_ticked(self._layers.places())

    def _connect(self) -> None:
        self.run_bar.started.connect(self.start)
        self.run_bar.cancelled.connect(self.cancel)
        self.copy_as.python.connect(lambda: self.copy(lambda: localize_as_python(self.request())))
        self.copy_as.command.connect(lambda: self.copy(lambda: localize_as_command(self.request())))
        self.results.legend.toggled.connect(self._on_place)
        self.results.table.chosen.connect(self._on_row)
        self.results.impute_first.connect(self._on_impute_first)
        self.results.said.connect(self.run_bar.say)
        self.results.failed.connect(self.tell)
        # Kept as attributes: napari and Qt refer to them weakly.
        self._watch = LayerWatch(self._viewer.layers, self._on_layers_changed)
        self._clicks = ClickWatch(self._viewer, self._clicked_layer, self._on_click)
        self.destroyed.connect(self._watch.stop)
        self.destroyed.connect(self._clicks.stop)

    def _lay_out(self) -> None:
        self._split = QSplitter(Qt.Orientation.Vertical)
        self._split.setChildrenCollapsible(False)
        self._split.addWidget(
            self.scrolled(
                heading("Channels"),
                self.channels,
                heading("Cells and model"),
                self.form,
                self.run_bar,
                self.copy_as,
            )
        )
        self._split.addWidget(self.results)
        self._split.setStretchFactor(1, 1)
        self.hold(self._split)

    def _share_height(self) -> None:
        """Give the form what it needs and the table the rest, unless that is too little."""
        whole = self._split.height()
        below = self.results.minimumSizeHint().height()
        form = min(self.form_height(), max(whole - below, whole // 3))
        self._split.setSizes([form, whole - form])


def summary(result: Localization, took: str) -> str:
    """Return what stands under a finished run: a line, and one for each note."""
    count = len(result.table)
    line = f"Looked at {'1 cell' if count == 1 else f'{count} cells'}, {took}."
    if not count:
        line = f"No cells, {took}."
    # What is damaged is said beside the button that helps.
    notes = [note for note in result.provenance.notes if "impute first" not in note]
    return "\n".join([line, *(f"• {note}" for note in notes)])
