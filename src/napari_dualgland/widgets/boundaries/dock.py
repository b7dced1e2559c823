"""The *Boundaries* dock: name the compartments, map where they end, see who is off balance."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from typing_extensions import override

from napari_dualgland.compartments.params import BoundariesParams
from napari_dualgland.compartments.report import cell_count
from napari_dualgland.jobs import BoundariesJob, Loaded
from napari_dualgland.progress import Progress
from napari_dualgland.results import Boundaries
from napari_dualgland.widgets.boundaries.drawing import Drawn, draw_steps
from napari_dualgland.widgets.boundaries.layers import BoundaryLayers
from napari_dualgland.widgets.boundaries.location_field import LocationField
from napari_dualgland.widgets.boundaries.results import BoundariesResults
from napari_dualgland.widgets.cells.dock import CellsDock
from napari_dualgland.widgets.cells.run_view import RunView
from napari_dualgland.widgets.kit.model_choice import DeviceField, ModelField
from napari_dualgland.widgets.kit.params_form import ParamsForm
from napari_dualgland.widgets.kit.run_bar import RunBar

if TYPE_CHECKING:
    import napari.viewer


class BoundariesWidget(CellsDock[Boundaries]):
    """Name the compartments of every cell, and see which are out of balance.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        The viewer whose layers are looked at.
    """

    JOB = BoundariesJob
    TOLD_ELSEWHERE = "named the compartments"  # in the legend

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        special = {
            "location": LocationField(),
            "model": ModelField("impute"),
            "device": DeviceField(),
        }
        results = BoundariesResults()
        super().__init__(
            napari_viewer,
            RunBar("Boundaries", "steps"),
            ParamsForm(BoundariesParams, special),
            RunView(napari_viewer, results, BoundaryLayers),
            results,
            "Cells and balance",
        )
        self.results = results
        self.run_view.clicked.connect(self.results.show_pairs)

    @override
    def steps(
        self, job: BoundariesJob, loaded: Loaded, should_stop: Callable[[], bool]
    ) -> Generator[Progress, None, Drawn]:
        """Do the job and compute what the layers show; see :meth:`.Dock.steps`."""
        result = yield from job.steps(loaded, should_stop)
        return (yield from draw_steps(result, should_stop))

    @override
    def count(self, result: Boundaries) -> int:
        return cell_count(result)
