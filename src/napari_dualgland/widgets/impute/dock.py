"""The *Impute* dock widget: choose the channels, see what is missing, fill it in.

It asks, shows and passes on; what is computed is computed by the engine, which knows
nothing of it. Work runs in a thread, layers are made here, on the main thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QComboBox, QPushButton, QWidget

from napari_dualgland.errors import DualglandError
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.io.layer_masks import is_coded
from napari_dualgland.progress import Progress
from napari_dualgland.results import Imputation
from napari_dualgland.widgets.field.channels_form import ChannelsForm, in_percent
from napari_dualgland.widgets.field.roles import ESTIMATE_NOTE
from napari_dualgland.widgets.field.watch import LayerWatch
from napari_dualgland.widgets.impute.code import as_command, as_python
from napari_dualgland.widgets.impute.missing_form import MissingForm
from napari_dualgland.widgets.impute.model_form import ModelForm
from napari_dualgland.widgets.impute.request import Found, ImputeRequest
from napari_dualgland.widgets.impute.result_bar import ResultBar
from napari_dualgland.widgets.impute.result_layers import ResultLayers
from napari_dualgland.widgets.kit.dock import FormDock
from napari_dualgland.widgets.kit.run_bar import RunBar
from napari_dualgland.widgets.kit.style import footnote, form_layout, heading
from napari_dualgland.widgets.kit.thread import Job
from napari_dualgland.widgets.layers.missing_layer import (
    find_missing_layer,
    missing_codes,
    show_missing,
)

if TYPE_CHECKING:
    import napari.viewer

_REDRAW_MS = 150
"""Tiles may finish faster than the canvas can be redrawn; it is redrawn this often."""
_SETTLE_MS = 250
"""How long the form must rest before the missing pixels are looked for anew."""


class ImputeWidget(FormDock):
    """Fill in the missing pixels of a field of view.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        The viewer whose layers are repaired.
    """

    result_ready = Signal(object)
    """The :class:`~napari_dualgland.results.Imputation` of a run, after its layers are shown."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(RunBar("Impute", "tiles"))
        self._viewer = napari_viewer
        self._finder: Job | None = None
        self._results: ResultLayers | None = None
        self._sought: ImputeRequest | None = None
        self.channels = ChannelsForm(napari_viewer)
        self.missing = MissingForm(napari_viewer)
        self.model = ModelForm()
        self.extent = QComboBox()
        self.show_missing = QPushButton("Show missing")
        self.results = ResultBar()
        self._redraw = _delay(self, _REDRAW_MS)
        self._look_again = _delay(self, _SETTLE_MS)
        self._lay_out()
        self._connect()
        self._on_channels_changed()

    # --- parameters -----------------------------------------------------------------

    def value(self) -> ImputeParams:
        """Return the options of the engine as they stand in the form."""
        return self.model.value()

    def set_value(self, params: ImputeParams) -> None:
        """Show these options in the form."""
        self.model.set_value(params)

    def request(self) -> ImputeRequest:
        """Return the run that the form asks for.

        Raises
        ------
        DualglandError
            If something is not chosen, or what is chosen does not fit together.
        """
        source = self.channels.source()
        frame = None
        if source.frame_lengths() and self.extent.currentData() == "plane":
            frame = source.frame_at(self._viewer.dims.point)
        return ImputeRequest(
            source=source,
            how=self.missing.value(),
            marked_in=self.missing.layer(),
            marking=self.missing.marking(source),
            roles=self.missing.chosen_roles(),
            frame=frame,
            params=self.value(),
        )

    @property
    def idle(self) -> bool:
        """Whether no work is going on."""
        return self._job is None and self._finder is None

    # --- impute ---------------------------------------------------------------------

    def start(self) -> None:
        """Begin to impute; what the button *Impute* does."""
        try:
            request = self.request()
            results = ResultLayers(self._viewer, request.source, request.frame)
        except DualglandError as error:
            self.tell(error)
            return
        self.results.forget()
        results.open(request.marked_in)
        self._results = results
        self.work(request.impute_steps)

    def on_progress(self, step: Progress) -> None:
        """Show a finished tile."""
        super().on_progress(step)
        if step.patch is not None and self._results is not None:
            self._results.put(step.patch)
            if not self._redraw.isActive():
                self._redraw.start()

    def _on_redraw(self) -> None:
        if self._results is not None and self._job is not None:
            self._results.refresh()

    def on_done(self, result: Imputation) -> None:
        """Give the layers their final pixels, and say what was done."""
        assert self._results is not None
        found = shares(result)
        self.channels.show_shares(found)
        if not any(found.values()):
            self._discard()
            self.run_bar.end("Nothing to do: no pixel is missing.")
            return
        try:
            self._results.finish(result)
        except Exception as error:  # the run must end in the form, whatever napari says
            self.on_failed(error)
            return
        self.show_missing.setChecked(True)
        self.results.take(result, self._results.pairs())
        filled = in_percent(sum(found.values()) / len(found))
        self.run_bar.end(summary(result, filled, self.run_bar.total, self.run_bar.took))
        self.result_ready.emit(result)

    def on_failed(self, error: Exception) -> None:
        """Leave no trace of the run, and say why."""
        self._discard()
        super().on_failed(error)

    def on_cancelled(self) -> None:
        """Leave no trace of the run."""
        self._discard()
        super().on_cancelled()

    def on_ended(self) -> None:
        """Follow what the layers have become meanwhile."""
        self._results = None
        self._on_layers_changed()

    def _discard(self) -> None:
        self._redraw.stop()
        if self._results is not None:
            self._results.discard()

    # --- show missing ---------------------------------------------------------------

    def _on_show_missing(self, wanted: bool) -> None:
        if wanted:
            self._look_for_missing()
        else:
            self._look_again.stop()
            if self._finder is not None:
                self._finder.cancel()
            self._hide_missing()

    def _look_for_missing(self) -> None:
        if self._finder is not None or self._job is not None:
            self._look_again.start()
            return
        try:
            self._sought = self.request()
        except DualglandError as error:
            self._on_not_found(error)
            return
        self.show_missing.setText("Looking …")
        self._finder = Job(self._sought.find_steps, self)
        self._finder.succeeded.connect(self._on_found)
        self._finder.failed.connect(self._on_not_found)
        self._finder.ended.connect(self._on_finder_ended)
        self._finder.start()

    def _on_found(self, found: Found) -> None:
        assert self._sought is not None
        self.channels.show_shares(found.shares)
        if not self.show_missing.isChecked():
            return
        sought = self._sought
        if sought.marked_in is not None and is_coded(sought.marked_in):
            # The person edits this very layer: it shows what is missing as it is.
            sought.marked_in.visible = True
            return
        codes = missing_codes(sought.source, found.stack, found.missing, sought.frame)
        show_missing(self._viewer, sought.source, codes, outline=False)

    def _on_not_found(self, error: Exception) -> None:
        self.show_missing.setChecked(False)
        self.tell(error)

    def _on_finder_ended(self) -> None:
        finder, self._finder = self._finder, None
        if finder is not None:
            finder.deleteLater()
        self.show_missing.setText("Show missing")

    def _hide_missing(self) -> None:
        try:
            layer = find_missing_layer(self._viewer, self.channels.source())
        except DualglandError:
            return  # nothing is chosen, so nothing of it is painted
        if layer is not None:
            layer.visible = False

    # --- the form -------------------------------------------------------------------

    def _on_form_changed(self) -> None:
        """What was found belongs to the form as it was; look again if it is being shown."""
        self.channels.show_shares(None)
        if self.show_missing.isChecked() and self._job is None:
            self._look_again.start()

    def _on_channels_changed(self) -> None:
        try:
            lengths = self.channels.source().frame_lengths()
        except DualglandError:
            lengths = {}
        self._extent_row.setVisible(bool(lengths))
        self._on_form_changed()

    def _on_layers_changed(self) -> None:
        if self._job is None:
            self.missing.refresh()

    def enable_form(self, enabled: bool) -> None:
        """Let the person change the form, or not while it works."""
        for widget in (self.channels, self.missing, self.model, self._extent_row, self.results):
            widget.setEnabled(enabled)
        self.show_missing.setEnabled(enabled)

    def _connect(self) -> None:
        self.channels.changed.connect(self._on_channels_changed)
        self.missing.changed.connect(self._on_form_changed)
        self.extent.currentIndexChanged.connect(self._on_form_changed)
        self.show_missing.clicked.connect(self._on_show_missing)
        self.run_bar.started.connect(self.start)
        self.run_bar.cancelled.connect(self.cancel)
        copy = self.results.copy
        copy.python.connect(lambda: self.copy(lambda: as_python(self.request())))
        copy.command.connect(lambda: self.copy(lambda: as_command(self.request())))
        self.results.said.connect(self.run_bar.say)
        self.results.failed.connect(self.tell)
        self._redraw.timeout.connect(self._on_redraw)
        self._look_again.timeout.connect(self._look_for_missing)
        # Kept as an attribute: napari and Qt refer to it weakly.
        self._watch = LayerWatch(self._viewer.layers, self._on_layers_changed)
        self.destroyed.connect(self._watch.stop)

    def _lay_out(self) -> None:
        self.extent.addItem("Whole stack", "whole")
        self.extent.addItem("This plane", "plane")
        self.extent.setToolTip("Fill in every plane, or only the one that is shown.")
        self._extent_row = QWidget()
        rows = form_layout(self._extent_row)
        rows.addRow("Fill in", self.extent)
        self.show_missing.setCheckable(True)
        self.show_missing.setToolTip(
            "Paint the missing pixels in the viewer and count them for each channel."
        )
        form = self.scrolled(
            heading("Channels"),
            self.channels,
            heading("Missing pixels"),
            self.missing,
            self.show_missing,
            heading("Model"),
            self.model,
            self._extent_row,
            self.run_bar,
            self.results,
            footnote(ESTIMATE_NOTE),
        )
        self.hold(form)


def shares(result: Imputation) -> dict[str, float]:
    """Return the share of pixels that were filled, 0 to 1, by role."""
    channels, told = result.stack.channels, result.provenance.missing_fraction
    return {role: told[channels[i].name] for role, i in result.stack.roles.items()}


def summary(result: Imputation, filled: str, tiles: int, took: str) -> str:
    """Return what stands under a finished run: a line, and one for each note."""
    many = "1 tile" if tiles == 1 else f"{tiles} tiles"
    line = (
        f"Filled {filled} of pixels in {many}, {took}; do not quantify filled pixels "
        "as measurements."
    )
    return "\n".join([line, *(f"• {note}" for note in result.provenance.notes)])


def _delay(parent: QWidget, milliseconds: int) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    return timer
