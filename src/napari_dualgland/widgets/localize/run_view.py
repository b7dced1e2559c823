"""The run that a person looks at: its layers, its legend and its table, kept in step.

A row leads to its cell and a click on a cell to its row; the selected layer says which run it is.
Nothing of a run is held longer than one of its layers is there.
"""

from __future__ import annotations

import contextlib
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_dualgland.errors import DualglandError
from napari_dualgland.widgets.cells.canvas_link import ClickWatch, fly_to
from napari_dualgland.widgets.field.field_of_view import field_of
from napari_dualgland.widgets.field.selection_watch import SelectionWatch
from napari_dualgland.widgets.localize.found import Found
from napari_dualgland.widgets.localize.layers import LocalizationLayers, shown_in
from napari_dualgland.widgets.localize.results import LocalizeResults

PLUGIN = "napari-dualgland"


class RunView(QObject):
    """Leads from what is shown of a run to the rest of it.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where its layers are.
    results : LocalizeResults
        Where it is told.

    Attributes
    ----------
    layers : LocalizationLayers or None
        Of the run that is looked at.
    follows : bool
        Whether it follows the selected layer; not while the next run goes on.
    settled : bool
        Whether the layers of the run are in sight.
    """

    changed = Signal(object)
    """Another run is looked at: its :class:`Found`, or None."""
    said = Signal(str)
    """A line that a person should read."""

    def __init__(self, viewer: Any, results: LocalizeResults) -> None:
        super().__init__(results)
        self._viewer, self._results = viewer, results
        self.layers: LocalizationLayers | None = None
        results.legend.toggled.connect(self._on_place)
        results.table.chosen.connect(self._on_row)
        results.table.numbers.toggled.connect(self._on_numbers)
        results.original.toggled.connect(self._on_original)
        results.impute_first.connect(self._on_impute_first)
        # Kept as attributes: napari refers to them weakly.
        self._clicks = ClickWatch(viewer, self._clicked_layer, self._on_click)
        self._selection = SelectionWatch(viewer.layers, self._on_active)
        for watch in (self._clicks, self._selection):
            self.destroyed.connect(watch.stop)
        self._unveil = QTimer(self)
        self._unveil.setSingleShot(True)
        self._unveil.timeout.connect(self._on_unveil)
        self.follows = True
        self.settled = True

    def look_at(self, layers: LocalizationLayers | None) -> None:
        """Show the run that these layers carry, or none."""
        before, self.layers = self.layers, layers
        found = None if layers is None else layers.found
        if before is not None and before.home is None:
            before.found.show_hidden()
        if (None if before is None else before.found) is not found:
            self._results.take(found)
            self.changed.emit(found)

    def unveil(self) -> None:
        """Let the new layers be seen, one after the other: each takes its time."""
        self.settled = False
        self._unveil.start(0)

    def follow(self) -> None:
        """Look at the run whose layers are there, and show which of them are."""
        before: Found | None = None if self.layers is None else self.layers.found
        self.look_at(shown_in(self._viewer, before))
        if self.layers is not None:
            self._results.show_ticked(self.layers)

    def close(self) -> None:
        """Let go of the viewer and of the run; its layers keep it."""
        self._clicks.stop()
        self._selection.stop()
        while not self.settled:
            self._on_unveil()
        if self.layers is not None:
            self.layers.found.show_hidden()
        self.look_at(None)

    def _on_active(self) -> None:
        if self.follows and self.settled:
            self.follow()

    def _on_unveil(self) -> None:
        hidden = [] if self.layers is None else self.layers.veiled()
        if hidden:
            hidden[0].visible = True
        self.settled = len(hidden) < 2
        if not self.settled:
            self._unveil.start(0)
        elif self.layers is not None:
            self._results.show_ticked(self.layers)

    def _on_place(self, k: int, wanted: bool) -> None:
        if self.layers is not None:
            (self.layers.show_place if wanted else self.layers.hide_place)(k)

    def _on_numbers(self, wanted: bool) -> None:
        if self.layers is not None:
            self.layers.show_numbers(wanted)

    def _on_original(self, wanted: bool) -> None:
        if self.layers is not None:
            self.layers.show_original(wanted)

    def _on_row(self, row: int) -> None:
        """Fly to the cell in a row of the table."""
        if self.layers is not None:
            cell = self.layers.found.result.table.iloc[row]
            self.layers.choose(int(cell["cell"]))
            fly_to(self._viewer, self.layers.home, *self.layers.place_of(cell))

    def _on_click(self, label: int, place: tuple[int, ...]) -> None:
        """Show the row of the cell that was clicked."""
        row = None if self.layers is None else self.layers.row_of(label, place)
        if self.layers is None or row is None:
            return
        self.layers.choose(label)
        if not self._results.table.select_row(row):
            self.said.emit(f"Cell {label} is left out by the filter.")

    def _clicked_layer(self) -> Any:
        return None if self.layers is None else self.layers.cells

    def _on_impute_first(self) -> None:
        """Open *Impute* on the field that was looked at, its damage in sight."""
        if self.layers is None:
            return
        field, looked_at = field_of(self._viewer), self.layers.found.job.input
        with contextlib.suppress(DualglandError):  # its layers are gone, another one is chosen
            if field.value(repaired=True) != looked_at:
                field.set_value(looked_at)
        self._results.original.setChecked(True)
        dock, _ = self._viewer.window.add_plugin_dock_widget(PLUGIN, "Impute")
        dock.show()
        dock.raise_()
