"""Write a result that is there already: what, where, in which format; planned before it is done.

The value of the *Export* dock. Nothing is computed here that is not in the result already, so
it is no :class:`~napari_dualgland.jobs.base.Job`, which starts from a field of view.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Literal

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.frozen import FrozenModel
from napari_dualgland.io.boundaries_writing import as_stack, write_boundaries
from napari_dualgland.io.boundaries_writing import write_table as write_set_points
from napari_dualgland.io.cell_table import CellTable
from napari_dualgland.io.localization_writing import write_table
from napari_dualgland.io.targets import refuse_ending, refuse_file, refuse_folder
from napari_dualgland.io.tiff_writing import sources
from napari_dualgland.io.writing import Plan, PlannedFile, WriteOptions, plan, write_result
from napari_dualgland.jobs.inputs import LayerRef
from napari_dualgland.jobs.localize import FILES, save_localization
from napari_dualgland.progress import Progress
from napari_dualgland.results import Boundaries, Localization
from napari_dualgland.stack import Stack

Exportable = Stack | Localization | Boundaries | CellTable
"""What an export can write."""

_MEANING = dict(
    zip(
        FILES,
        (
            "table of cells",
            "labels of cells",
            "probability of 19 places for every pixel",
            "picture with its legend",
        ),
        strict=True,
    )
)


class ExportJob(FrozenModel):
    """Write a result.

    Attributes
    ----------
    what : str
        Whose result it is and of what kind, in words.
    layers : tuple of LayerRef
        The layers that show it.
    output : pathlib.Path or None
        Its ending says the format; a folder for a whole localization. None: not chosen yet.
    options : WriteOptions
    """

    kind: Literal["export"] = "export"
    what: str
    layers: tuple[LayerRef, ...]
    output: Path | None = None
    options: WriteOptions = WriteOptions()

    def check_output(self) -> None:
        """Refuse an export without a place.

        Raises
        ------
        DualglandError
            Of kind ``lacking``.
        """
        if self.output is None:
            found, way_out = "no file is chosen", "say where the export is to go"
            raise DualglandError(Kind.LACKING, "Export", found, way_out=way_out)

    def plan(self, result: Exportable) -> Plan:
        """Return what would be written; nothing is.

        Raises
        ------
        DualglandError
            If it cannot be written there.
        """
        self.check_output()
        assert self.output is not None
        if isinstance(result, Stack):
            return plan(result, self.output, self.options)
        place = self.output
        if isinstance(result, CellTable):
            name, files = result.name, result.files
        else:
            name, files = result.stack.name, tuple(sources(result.stack))
        rows = result.set_points if isinstance(result, Boundaries) else result.table
        unit = "rows" if isinstance(result, Boundaries) else "cells"
        table = f"{len(rows)} {unit}, {len(rows.columns)} columns"
        if isinstance(result, CellTable) or place.suffix.lower() == ".csv":
            refuse_file(place, files)
            return Plan("CSV", name, (PlannedFile(place, table),))
        if isinstance(result, Boundaries):
            refuse_ending(place)
            refuse_file(place, files)
            drawn = as_stack(result)
            holds = "compartments, their probabilities, boundary map"
            file = PlannedFile.of_pixels(place, holds, drawn.axes, drawn.shape, drawn.data.dtype)
            return Plan("OME-TIFF", name, (file,))
        refuse_folder(place, FILES, files)
        meaning = {**_MEANING, FILES[0]: table}
        places = tuple(PlannedFile(place / n, said) for n, said in meaning.items())
        return Plan("Folder of a localization", name, places)

    def steps(
        self, result: Exportable, should_stop: Callable[[], bool]
    ) -> Generator[Progress, None, Plan]:
        """Write it.

        Parameters
        ----------
        result : Stack, Localization, Boundaries or CellTable
        should_stop : callable
            Asked between channels.

        Yields
        ------
        Progress

        Returns
        -------
        Plan
            What was written.
        """
        planned = self.plan(result)
        assert self.output is not None
        yield Progress(0, 0, f"writing {self.output.name}")
        if isinstance(result, Stack):
            return write_result(result, self.output, self.options, should_stop)
        if isinstance(result, CellTable):
            write_table(result.table, self.output, result.files)
        elif isinstance(result, Boundaries):
            if self.output.suffix.lower() == ".csv":
                write_set_points(result.set_points, self.output, sources(result.stack))
            else:
                write_boundaries(result, self.output)
        elif self.output.suffix.lower() == ".csv":
            write_table(result.table, self.output, sources(result.stack))
        else:
            save_localization(result, self.output)
        return planned
