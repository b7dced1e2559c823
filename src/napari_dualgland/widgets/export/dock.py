"""The *Export* dock widget: choose a result, a format and a place, see what will be written.

Results are found from their layers, so that they can be exported whatever dock made them and
whether it is still open; each says whose it is. What is written is written by its job.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.writing import Plan
from napari_dualgland.jobs.export import Exportable, ExportJob
from napari_dualgland.legible import legible
from napari_dualgland.widgets.export.found import Found, found_in
from napari_dualgland.widgets.export.options_form import OptionsForm
from napari_dualgland.widgets.export.pickers import WhatForm
from napari_dualgland.widgets.export.place_form import PlaceForm
from napari_dualgland.widgets.export.plan_view import PlanView
from napari_dualgland.widgets.export.words import written_words
from napari_dualgland.widgets.field.proposed import proposed
from napari_dualgland.widgets.field.selection_watch import SelectionWatch
from napari_dualgland.widgets.kit.ask_file import may_replace
from napari_dualgland.widgets.kit.dock import Dock
from napari_dualgland.widgets.kit.run_bar import RunBar
from napari_dualgland.widgets.kit.warming import warm_up

if TYPE_CHECKING:
    import napari.viewer

_LOOK_MS = 120
"""Somebody who types a path types on; what would be written is looked at when they stop."""
_KEPT = 4
"""Exports that the dock still tells of."""


class ExportWidget(Dock):
    """Write results to files.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        The viewer whose results are written.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        self.options = OptionsForm()
        super().__init__(napari_viewer, RunBar("Export", "files"), self.options)
        self.what = WhatForm()
        self.place = PlaceForm()
        self.planned = PlanView()
        self._told: list[str] = []
        self._look = QTimer(self)
        self._look.setSingleShot(True)
        self._look.setInterval(_LOOK_MS)
        self._look.timeout.connect(self._on_look)
        self.what.changed.connect(self._on_chosen)
        self.place.changed.connect(self._look.start)
        self.params.changed.connect(self._look.start)
        self._selected = SelectionWatch(napari_viewer.layers, self._on_layers_changed)
        self.destroyed.connect(self._selected.stop)
        form = self.form(
            self.what, self.params, "Where to", self.place,
            "What will be written", self.planned, self.run_bar,
        )  # fmt: skip
        self.hold(form)
        # Layers of a session are no input that a script could name.
        self.copy_as.setParent(self)
        self.copy_as.hide()
        self.follow_layers()

    # --- the job ----------------------------------------------------------------------

    def value(self) -> ExportJob:
        """Return the job that the form asks for; see :meth:`.Dock.value`."""
        found = self._chosen()
        return ExportJob(
            what=found.label,
            layers=found.refs(),
            output=self.place.value(),
            options=self.options.asked(),
        )

    def set_value(self, value: ExportJob) -> None:
        """Show a job in the form, as far as its layers are there."""
        ids = {ref.id for ref in value.layers}
        for found in found_in(self.viewer):
            if {ref.id for ref in found.refs()} == ids and found.label == value.what:
                self.what.choose(found.key)
        self.params.set_value(value.options)
        self.place.set_value(value.output)

    def load(self, job: ExportJob) -> Exportable:
        """Read the result from its layers; large pixels stay where they are."""
        return self._chosen().load()

    def start(self) -> None:
        """Export, after asking where something would be replaced."""
        plan = self.show_plan()
        if plan is None or may_replace(plan.replaced, plan.field, self):
            super().start()

    def show_result(self, result: Plan) -> tuple[str, Plan]:
        """Say what was written where, above what was said of earlier exports."""
        line = f"Wrote {written_words(result)}"
        self._told = [line, *(told for told in self._told if told != line)][:_KEPT]
        self._look.start()  # what was written is there now, and would be replaced
        return "\n".join(self._told), result

    def discard(self) -> None:
        """Look again at what would be written: nothing has been."""
        self._look.start()

    # --- the form ---------------------------------------------------------------------

    def follow_layers(self) -> None:
        """Offer what there is to export."""
        self.what.offer(found_in(self.viewer))

    def show_plan(self) -> Plan | None:
        """List what would be written; None where nothing can be."""
        self._look.stop()
        # A later run puts its results into the layers of the earlier one.
        self.what.renew(found_in(self.viewer))
        try:
            result = self._chosen().load()
            self.options.offer(result)
            if self.place.is_proposed:  # the fill that was chosen is part of the name
                self._propose()
            plan = self.value().plan(result)
        except DualglandError as error:
            self.planned.refuse(legible(str(error)))
            return None
        self.planned.show_plan(plan)
        return plan

    def showEvent(self, event: Any) -> None:
        """List what has changed while the dock lay behind another."""
        super().showEvent(event)
        self._look.start()

    def _on_look(self) -> None:
        if warm_up().is_alive():  # a plan needs what is being loaded
            self._look.start()
        elif self.isVisibleTo(self.window()):  # else it lies behind another dock
            self.show_plan()

    def _chosen(self) -> Found:
        found = self.what.found()
        if found is None:
            raise DualglandError(
                Kind.LACKING,
                "Export",
                "there is nothing to export",
                way_out="open a field, or run Impute, Localize or Boundaries first",
            )
        return found

    def _on_chosen(self) -> None:
        offered = self.what.offered()
        self.params.setVisible(offered is not None and offered.has_options)
        self._propose()
        self._look.start()

    def _propose(self) -> None:
        """Propose a place, named for what will be in it."""
        found, offered = self.what.found(), self.what.offered()
        if found is not None and offered is not None:
            suffix = offered.suffix or found.suffix_for(self.options.asked().fill)
            self.place.propose(proposed(found.field, found.path, suffix), offered)
