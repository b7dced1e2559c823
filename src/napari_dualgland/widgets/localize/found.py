"""What a run found, as the layers that it left carry it: enough to show all of it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from weakref import ReferenceType, ref

from napari_dualgland.io.carried import Carried
from napari_dualgland.jobs import LocalizeJob
from napari_dualgland.results import Localization


@dataclass(frozen=True, eq=False)
class Found(Carried):
    """A run and its result.

    Attributes
    ----------
    job : LocalizeJob
        What was asked.
    result : Localization
        What was found.
    sizes : dict of str to int
        Length of each axis of the layers that were looked at, by its letter; with ``C`` only
        where channels share one layer.
    said : str
        What the dock said of it.
    hidden : list of weakref.ReferenceType
        Layers that were seen before, and that the picture covers.
    """

    job: LocalizeJob
    result: Localization
    sizes: dict[str, int]
    said: str
    hidden: list[ReferenceType[Any]] = field(default_factory=list)

    def hide(self, layer: Any) -> None:
        """Hide a layer that the picture shows too, and remember that it was seen."""
        if layer.visible:
            self.hidden.append(ref(layer))
            layer.visible = False

    def show_hidden(self) -> None:
        """Show again what was hidden."""
        for layer in filter(None, (known() for known in self.hidden)):
            layer.visible = True

    def hide_again(self) -> None:
        """Hide what was hidden before."""
        for layer in filter(None, (known() for known in self.hidden)):
            layer.visible = False

    @property
    def axes(self) -> str:
        """Letters of ``sizes``."""
        return "".join(self.sizes)

    @property
    def frame(self) -> dict[str, int] | None:
        """The plane that was looked at, ``{"T": t, "Z": z}``; None for all."""
        plane = self.job.plane
        return None if plane is None else {"T": plane.t, "Z": plane.z}

    def place_in(self, axes: str, cell: Any) -> list[float]:
        """Return where a row's cell lies.

        Parameters
        ----------
        axes : str
            Of the layer.
        cell : pandas.Series
            A row of the table.

        Returns
        -------
        list of float
            In pixels of the layer, an entry per axis.
        """
        known = {"T": cell.get("t", 0), "Z": cell.get("z", 0), "Y": cell["y"], "X": cell["x"]}
        known |= self.frame or {}
        return [float(known.get(axis, 0)) for axis in axes]

    def row_of(self, label: int, place: dict[str, int]) -> int | None:
        """Return the row of a cell.

        Parameters
        ----------
        label : int
            Of the cell.
        place : dict of str to int
            Position by axis: the label means another cell in each frame.

        Returns
        -------
        int or None
            None where there is no such cell.
        """
        table = self.result.table
        rows = table["cell"] == label
        for axis in "tz":
            if axis in table and axis.upper() in place:
                rows &= table[axis] == place[axis.upper()]
        found = table.index[rows]
        return int(found[0]) if len(found) else None
