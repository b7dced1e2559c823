"""The run that a person looks at: its layers, its legend and its tables, kept in step.

A row leads to its cell and a click on a cell to its row; the selected layer says which run it is.
Nothing of a run is held longer than one of its layers is there.
"""

from __future__ import annotations

from typing import Any, Generic

from qtpy.QtCore import QObject, QTimer, Signal

from napari_dualgland.io.carried import carried_by
from napari_dualgland.io.layer_tag import tag_of
from napari_dualgland.widgets.cells.canvas_link import ClickWatch, fly_to
from napari_dualgland.widgets.cells.layers import RunLayers
from napari_dualgland.widgets.cells.results import CellsResults
from napari_dualgland.widgets.cells.run import R, Run
from napari_dualgland.widgets.field.selection_watch import SelectionWatch

_GONE = "The layers are not in the viewer any more; run it again to see them."


class RunView(QObject, Generic[R]):
    """Leads from what is shown of a run to the rest of it.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where its layers are.
    results : CellsResults
        Where it is told.
    kind : type of RunLayers
        Which runs are looked at.

    Attributes
    ----------
    layers : RunLayers or None
        Of the run that is looked at.
    follows : bool
        Whether it follows the selected layer; not while the next run goes on.
    settled : bool
        Whether the layers of the run are in sight.
    """

    changed = Signal(object)
    """Another run is looked at: it, or None."""
    said = Signal(str)
    """A line that a person should read."""
    clicked = Signal(object)
    """A place in a cell was clicked: :meth:`.Run.frame_of` it."""

    def __init__(self, viewer: Any, results: CellsResults[R], kind: type[RunLayers[R]]) -> None:
        super().__init__(results)
        self._viewer, self._results, self.kind = viewer, results, kind
        self.layers: RunLayers[R] | None = None
        results.legend.toggled.connect(self._on_place)
        results.chosen.connect(self._on_row)
        # Kept as attributes: napari refers to them weakly.
        self._clicks = ClickWatch(viewer, self._clicked_layer, self._on_click)
        self._selection = SelectionWatch(viewer.layers, self._on_selected)
        for watch in (self._clicks, self._selection):
            self.destroyed.connect(watch.stop)
        self._unveil = QTimer(self)
        self._unveil.setSingleShot(True)
        self._unveil.timeout.connect(self._on_unveil)
        self.follows = True
        self.settled = True

    def look_at(self, layers: RunLayers[R] | None) -> None:
        """Show the run that these layers carry, or none."""
        before, self.layers = self.layers, layers
        run = None if layers is None else layers.run
        if before is not None and before.home is None:
            self._give_back(before.run)
        if (None if before is None else before.run) is not run:
            self._results.take(run)
            self.changed.emit(run)

    def unveil(self) -> None:
        """Let the new layers be seen, one after the other: each takes its time."""
        self.settled = False
        self._unveil.start(0)

    def follow(self) -> None:
        """Look at the run whose layers are there, and show which of them are."""
        before = None if self.layers is None else self.layers.run
        self.look_at(self.kind.looked_at(self._viewer, before))
        if self.layers is not None:
            self._results.show_ticked(self.layers)

    def close(self) -> None:
        """Let go of the viewer and of the run; its layers keep it, and all of them are seen."""
        self._clicks.stop()
        self._selection.stop()
        while not self.settled:
            self._on_unveil()
        if self.layers is not None:
            self.layers.run.show_hidden(self._viewer.layers)
        self.look_at(None)

    def there(self) -> RunLayers[R] | None:
        """Return the layers; None, and a line that says so, where nothing is left of them."""
        if self.layers is not None and self.layers.home is None:
            self.said.emit(_GONE)
            return None
        return self.layers

    def _give_back(self, run: Run[R]) -> None:
        """Show what a run has hidden whose layers are gone, but not what another one covers."""
        layers = self._viewer.layers
        others = [carried_by(layer) for layer in layers if tag_of(layer).kind in self.kind.HOMES]
        covered = [known for other in others if isinstance(other, Run) for known in other.hidden]
        run.hidden[:] = [known for known in run.hidden if known not in covered]
        run.show_hidden(layers)

    def _on_selected(self) -> None:
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
        if (layers := self.there()) is not None:
            (layers.show_place if wanted else layers.hide_place)(k)

    def _on_row(self, row: Any) -> None:
        """Fly to what stands in a row of a table."""
        if (layers := self.there()) is not None:
            layers.choose(int(row["cell"]))
            fly_to(self._viewer, layers.home, layers.run.place_of(row), layers.width_of(row))

    def _on_click(self, label: int, place: tuple[int, ...]) -> None:
        """Show the row of the cell that was clicked."""
        if self.layers is None:
            return
        frame = self.layers.run.frame_of(place)
        row = self._results.row_of(label, frame)
        if row is not None:
            self.layers.choose(label)
            if not self._results.select(row):
                self.said.emit(f"Cell {label} is left out by the filter.")
        self.clicked.emit(frame)

    def _clicked_layer(self) -> Any:
        return None if self.layers is None else self.layers.cells
