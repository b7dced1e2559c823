"""What a run on cells found, under the form: legend, tables, and the ways out to files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from napari_dualgland.widgets.cells.layers import RunLayers
from napari_dualgland.widgets.cells.run import R, Run
from napari_dualgland.widgets.cells.swatches import Swatches
from napari_dualgland.widgets.kit.ask_file import ask_file, may_replace

if TYPE_CHECKING:
    import pandas as pd


class CellsResults(QWidget, Generic[R]):
    """Shows what a run found; hidden until there is something.

    Parameters
    ----------
    legend : Swatches
        Of the places that are shown.

    Attributes
    ----------
    run : Run or None
        What is shown.
    cells : pandas.DataFrame or None
        A row per cell of it.
    """

    chosen = Signal(object)
    """The person chose this row of a table."""
    to_write = Signal(object)
    """A function that writes files and returns their path."""

    def __init__(self, legend: Swatches) -> None:
        super().__init__()
        self.legend = legend
        self.run: Run[R] | None = None
        self.cells: pd.DataFrame | None = None
        self.hide()

    @property
    def result(self) -> R | None:
        """What the run has found."""
        return None if self.run is None else self.run.result

    def take(self, run: Run[R] | None) -> None:
        """Show what a run found, or nothing, and hold nothing."""
        self.run = run
        self.setVisible(run is not None)

    def select(self, row: int) -> bool:
        """Select a row of :attr:`cells` without telling; False where it is filtered out."""
        raise NotImplementedError

    def show_ticked(self, layers: RunLayers[R]) -> None:
        """Show which layers of the run there are, without asking for any."""
        self.legend.show_ticked(layers.places())

    def row_of(self, label: int, frame: dict[str, int]) -> int | None:
        """Return the row of a cell in :attr:`cells`, None where it has none.

        Parameters
        ----------
        label : int
            Of the cell.
        frame : dict of str to int
            ``t`` and ``z`` of several: the label means another cell in each.

        Returns
        -------
        int or None
        """
        if self.cells is None:
            return None
        found = self.cells["cell"] == label
        for axis in ("t", "z"):
            if axis in self.cells and axis in frame:
                found &= self.cells[axis] == frame[axis]
        rows: list[Any] = found.to_numpy().nonzero()[0].tolist()
        return rows[0] if rows else None

    def ask_file(self, title: str, name: str, kind: str, *endings: str) -> Path | None:
        """Ask for a file to write, and whether one that is there may be replaced.

        Parameters
        ----------
        title, name, kind : str
            Of the dialog, what is proposed, and which files it shows.
        *endings : str
            That its name may have; without one of them it gets the first.

        Returns
        -------
        pathlib.Path or None
            None where the person has thought better of it.
        """
        if self.result is None:
            return None
        return ask_file(self, title, name, kind, endings, self.result.stack.name)

    def may_write(self, *paths: Path) -> bool:
        """Ask, where something is there already, whether the result may replace it."""
        return self.result is not None and may_replace(paths, self.result.stack.name, self)
