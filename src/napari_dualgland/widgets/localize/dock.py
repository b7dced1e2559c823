"""The *Localize* dock widget: choose the channels, say where the protein is, walk the cells."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from typing_extensions import override

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.jobs import Loaded, LocalizeJob
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.progress import Progress
from napari_dualgland.results import Localization
from napari_dualgland.widgets.cells.dock import CellsDock
from napari_dualgland.widgets.cells.run_view import RunView
from napari_dualgland.widgets.field.field_of_view import field_of
from napari_dualgland.widgets.kit.model_choice import DeviceField, ModelField
from napari_dualgland.widgets.kit.params_form import ParamsForm
from napari_dualgland.widgets.kit.run_bar import RunBar
from napari_dualgland.widgets.localize.layers import LocalizationLayers
from napari_dualgland.widgets.localize.painting import Painted, paint_steps
from napari_dualgland.widgets.localize.results import LocalizeResults

if TYPE_CHECKING:
    import napari.viewer

PLUGIN = "napari-dualgland"


class LocalizeWidget(CellsDock[Localization]):
    """Say where in each cell the protein is.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        The viewer whose layers are looked at.
    """

    JOB = LocalizeJob
    TOLD_ELSEWHERE = "impute first"  # beside the button that helps

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        special = {"model": ModelField("localize"), "device": DeviceField()}
        params = ParamsForm(LocalizeParams, special)
        results = LocalizeResults()
        super().__init__(
            napari_viewer,
            RunBar("Localize", "cells"),
            params,
            RunView(napari_viewer, results, LocalizationLayers),
            results,
            "Cells and model",
        )
        self.results = results
        self.cells.changed.connect(self._show_needed)
        self.results.table.numbers.toggled.connect(self._on_numbers)
        self.results.original.toggled.connect(self._on_original)
        self.results.impute_first.connect(self._on_impute_first)

    @override
    def value(self) -> LocalizeJob:
        """Return the job that the form asks for; see :meth:`.Dock.value`."""
        job: LocalizeJob = super().value()
        if "protein" not in job.input.layers:
            raise DualglandError(
                Kind.LACKING,
                "protein",
                "no layer is chosen as the protein, so there is nothing to localize",
            )
        return job

    @override
    def steps(
        self, job: LocalizeJob, loaded: Loaded, should_stop: Callable[[], bool]
    ) -> Generator[Progress, None, Painted]:
        """Do the job and paint what was found; see :meth:`.Dock.steps`."""
        result = yield from job.steps(loaded, should_stop)
        return (yield from paint_steps(result, should_stop))

    @override
    def count(self, result: Localization) -> int:
        return len(result.table)

    def _show_needed(self) -> None:
        """Sizes are asked for only where cells are to be found."""
        for name in ("nucleus_um", "smallest_um2"):
            self.params.fields[name].widget.setEnabled(not self.cells.given())

    # --- what only a localization has -------------------------------------------------

    def _on_numbers(self, wanted: bool) -> None:
        if isinstance(layers := self.run_view.there(), LocalizationLayers):
            layers.show_numbers(wanted)

    def _on_original(self, wanted: bool) -> None:
        if isinstance(layers := self.run_view.there(), LocalizationLayers):
            layers.show_original(wanted)

    def _on_impute_first(self) -> None:
        """Open *Impute* on the field that was looked at, its damage in sight."""
        if (layers := self.run_view.there()) is None:
            return
        field, looked_at = field_of(self.viewer), layers.run.job.input
        with contextlib.suppress(DualglandError):  # its layers are gone, another one is chosen
            if field.value(repaired=True) != looked_at:
                field.set_value(looked_at)
        self.results.original.setChecked(True)
        dock, _ = self.viewer.window.add_plugin_dock_widget(PLUGIN, "Impute")
        dock.show()
        dock.raise_()
