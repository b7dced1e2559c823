"""What a dock is that looks at the cells of a field: its form, its run, and what it leads to.

It asks, shows and passes on; what is computed is computed by its job, which knows nothing of
it. Work runs in a thread, layers are read and made here, on the main thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic

from typing_extensions import override

from napari_dualgland.jobs import BoundariesJob, Loaded, LocalizeJob
from napari_dualgland.widgets.cells.cells_form import CellsForm
from napari_dualgland.widgets.cells.results import CellsResults
from napari_dualgland.widgets.cells.run import R, Run
from napari_dualgland.widgets.cells.run_view import RunView
from napari_dualgland.widgets.cells.split import FormAndResults
from napari_dualgland.widgets.cells.summary import summary
from napari_dualgland.widgets.field.channels_form import ChannelsForm
from napari_dualgland.widgets.field.plane_form import PlaneForm
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.kit.dock import Dock
from napari_dualgland.widgets.kit.params_form import ParamsForm
from napari_dualgland.widgets.kit.run_bar import RunBar

ABSENT = "— no such channel —"
_EXTENT_TIP = "Look at every plane, or only at the one that is shown."


class CellsDock(Dock, Generic[R]):
    """A dock whose job looks at cells.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer whose layers are looked at.
    run_bar : RunBar
    params : ParamsForm
        As of every dock.
    run_view : RunView
        What is looked at of a run.
    results : CellsResults
        Where that is told.
    heading : str
        Of what stands below the channels.
    """

    JOB: type[LocalizeJob | BoundariesJob]
    TOLD_ELSEWHERE: str
    """In a note that is shown in another place than below the button."""

    def __init__(
        self,
        viewer: Any,
        run_bar: RunBar,
        params: ParamsForm[Any],
        run_view: RunView[R],
        results: CellsResults[R],
        heading: str,
    ) -> None:
        super().__init__(viewer, run_bar, params)
        self._begun: tuple[LocalizeJob | BoundariesJob, Source] | None = None
        self._run: Run[R] | None = None
        self.channels = ChannelsForm(viewer, absent=ABSENT, shares=False, repaired=True)
        self.cells = CellsForm(viewer)
        self.extent = PlaneForm(viewer, self.channels, "Look at", _EXTENT_TIP)
        self.run_view = run_view
        form = self.form(
            "Channels", self.channels, heading, self.cells, self.extent, params, run_bar,
            self.copy_as,
        )  # fmt: skip
        self._split = FormAndResults(form, results)
        self.hold(self._split)
        results.to_write.connect(self.write)
        run_view.changed.connect(self._on_another_run)
        run_view.said.connect(run_bar.say)
        self.follow_layers()

    # --- the job ----------------------------------------------------------------------

    def value(self) -> Any:
        """Return the job that the form asks for; see :meth:`.Dock.value`."""
        chosen, given = self.channels.value(), self.cells.value()
        if given["impute_first"]:
            self.channels.require_decided()  # what is not there would be estimated whole
        return self.JOB(
            input=chosen,
            plane=self.extent.value(),
            params=self.params.value(),
            output=self.output,
            **given,
        )

    def set_value(self, value: Any) -> None:
        """Show a job in the form, or its parameters alone."""
        if isinstance(value, self.params.model):
            self.params.set_value(value)
            return
        self.channels.set_value(value.input)
        self.cells.set_value(value)
        self.extent.set_value(value.plane)
        self.params.set_value(value.params)
        self.output = value.output

    def load(self, job: LocalizeJob | BoundariesJob) -> Loaded:
        """Read stack, cells and what is damaged from their layers or files."""
        return self.cells.load(job, self.channels.source())

    def begin(self, job: LocalizeJob | BoundariesJob) -> None:
        """Remember what the result belongs to."""
        self._begun = job, self.channels.source()
        self.run_view.follows = False

    # --- what was found ---------------------------------------------------------------

    @override
    def show_steps(self, result: Any) -> Iterator[None]:
        """Lay what was found over the source; see :meth:`.Dock.show_steps`."""
        assert self._begun is not None
        job, source = self._begun
        found: R = result.result
        said = summary(found, self.count(found), self.run_bar.took, self.TOLD_ELSEWHERE)
        self._run = Run(job, found, source.sizes, said)
        yield from self.run_view.kind(self.viewer, self._run).put(source, result)

    def show_result(self, result: Any) -> tuple[str, R]:
        """Show what was found, in legend and tables."""
        run, self._run, self._begun = self._run, None, None
        assert run is not None
        self.run_view.look_at(self.run_view.kind(self.viewer, run))
        # A little later: layers, tables and the first look at them at once are a long breath.
        self.run_view.unveil()
        return run.said, run.result

    @property
    def idle(self) -> bool:
        """Whether no work is going on, and what was found is in sight."""
        return super().idle and self.run_view.settled

    def discard(self) -> None:
        """Leave no trace of work that failed or was cancelled."""
        self._begun = self._run = None

    def closing(self) -> None:
        """Let go of the viewer and of what was found; its layers keep it."""
        while self._turns is not None:
            self._take_turn()  # of a result that has begun to appear, all does
        super().closing()
        self.run_view.close()

    def count(self, result: R) -> int:
        """Return how many cells were looked at."""
        raise NotImplementedError

    def _on_another_run(self, run: Run[R] | None) -> None:
        if run is not None:
            self.run_bar.end(run.said)
            self._split.share_height()

    # --- the form ---------------------------------------------------------------------

    def follow_layers(self) -> None:
        """Offer the layers that there are, and show what they carry."""
        self.cells.refresh()
        self.run_view.follows = True
        self.run_view.follow()
