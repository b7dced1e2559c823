"""Draw the compartments of one field of view, and measure the balance among them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import ClassVar, Literal

from typing_extensions import override

from napari_dualgland.compartments.params import BoundariesParams
from napari_dualgland.io import write
from napari_dualgland.io.targets import refuse_ending, refuse_file
from napari_dualgland.jobs.cells import CellsJob
from napari_dualgland.progress import Progress
from napari_dualgland.results import Boundaries
from napari_dualgland.stack import Stack
from napari_dualgland.typing import LazyArray


class BoundariesJob(CellsJob):
    """Draw the compartments of one field of view, and measure the balance among them.

    Attributes
    ----------
    input, plane, output, cells, missing, impute_first
        As of every :class:`~napari_dualgland.jobs.cells.CellsJob`; the output is an OME-TIFF.
        Where what is damaged is filled first, before and after are told.
    params : BoundariesParams
    """

    kind: Literal["boundaries"] = "boundaries"
    params: BoundariesParams = BoundariesParams()

    ending: ClassVar[str] = "_boundaries.ome.tif"
    always: ClassVar[tuple[str, ...]] = ("location", "model", "device")
    filled_with: ClassVar[tuple[str, ...]] = ("model", "device")

    @override
    def refuse_over(self, read: list[Path]) -> None:
        """Refuse a file that cannot be written; see :meth:`.CellsJob.refuse_over`."""
        if self.output is not None:
            refuse_ending(self.output)
            refuse_file(self.output, read)

    @override
    def check(self) -> None:
        """Refuse a location, model, device or output that cannot be had; see :meth:`.Job.check`."""
        from napari_dualgland.compartments.location import location_named

        self.check_output()
        location_named(self.params.location)
        self._refuse_model("impute")

    @override
    def look_steps(
        self,
        stack: Stack,
        labels: LazyArray | None,
        missing: LazyArray | None,
        should_stop: Callable[[], bool],
    ) -> Generator[Progress, None, Boundaries]:
        """Name the compartments and measure; see :meth:`.CellsJob.look_steps`."""
        from napari_dualgland.compartments.draw import boundaries_steps

        return (yield from boundaries_steps(stack, labels, self.params, missing, should_stop))

    @override
    def save(self, result: Boundaries) -> None:
        """Write compartments and boundary map as OME-TIFF."""
        assert self.output is not None
        write(result, self.output)
