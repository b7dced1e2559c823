"""*Show missing*: paints the missing pixels before anything is filled, and counts them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QPushButton

from napari_dualgland.errors import DualglandError
from napari_dualgland.io.layer_masks import is_coded
from napari_dualgland.jobs import FoundMissing, ImputeJob, Loaded
from napari_dualgland.widgets.field.channels_form import ChannelsForm
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.kit.thread import JobThread
from napari_dualgland.widgets.layers.missing_layer import (
    find_missing_layer,
    missing_codes,
    show_missing,
)

_SETTLE_MS = 250
"""How long the form must rest before the missing pixels are looked for anew."""


class ShowMissing(QPushButton):
    """A button that stays pressed as long as the missing pixels are shown.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they are painted.
    channels : ChannelsForm
        The layers that lack them.
    ask : callable
        Returns the job whose missing pixels they are, what it works on, and the layer that
        marks what is missing, if there is one.
    """

    counted = Signal(object)
    """Share of missing pixels, 0 to 1, by role."""
    noticed = Signal(object)
    """The findings that a person should hear of before anything is filled."""
    failed = Signal(object)
    """The exception that kept them from being found."""

    def __init__(
        self,
        viewer: Any,
        channels: ChannelsForm,
        ask: Callable[[], tuple[ImputeJob, Loaded, Any]],
    ) -> None:
        super().__init__("Show missing")
        self.setCheckable(True)
        self.setToolTip("Paint the missing pixels in the viewer and count them for each channel.")
        self._viewer = viewer
        self._channels = channels
        self._ask = ask
        self._finder: JobThread | None = None
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(_SETTLE_MS)
        self._settled.timeout.connect(self._look)
        self.clicked.connect(self._on_clicked)

    @property
    def idle(self) -> bool:
        """Whether nothing is being looked for."""
        return self._finder is None

    def look_again(self) -> None:
        """Look for them anew if they are shown, as soon as the form has settled."""
        if self.isChecked():
            self._settled.start()

    def cancel(self) -> None:
        """Look no further."""
        self._settled.stop()
        if self._finder is not None:
            self._finder.cancel()

    def _on_clicked(self, wanted: bool) -> None:
        if wanted:
            self._look()
        else:
            self.cancel()
            self._hide()

    def _look(self) -> None:
        if self._finder is not None or not self.isEnabled():
            self._settled.start()
            return
        try:
            source = self._channels.source()
            job, loaded, marked_in = self._ask()
        except DualglandError as error:
            self._on_failed(error)
            return
        self.setText("Looking …")
        self._finder = JobThread(lambda stop: job.find_steps(loaded, stop), self)
        self._finder.succeeded.connect(lambda found: self._show(found, job, source, marked_in))
        self._finder.failed.connect(self._on_failed)
        self._finder.ended.connect(self._on_ended)
        self._finder.start()

    def _show(self, found: FoundMissing, job: ImputeJob, source: Source, marked_in: Any) -> None:
        self.counted.emit(found.shares)
        self.noticed.emit(found.findings)
        if not self.isChecked():
            return
        if marked_in is not None and is_coded(marked_in):
            # The person edits this very layer: it shows what is missing as it is.
            marked_in.visible = True
            return
        frame = None if job.plane is None else {"T": job.plane.t, "Z": job.plane.z}
        codes = missing_codes(source, found.stack, found.missing, frame)
        show_missing(self._viewer, source, codes, outline=False)

    def _hide(self) -> None:
        try:
            source = self._channels.source()
        except DualglandError:
            return  # nothing is chosen, so nothing of it is painted
        layer = find_missing_layer(self._viewer, source)
        if layer is not None:
            layer.visible = False

    def _on_failed(self, error: Exception) -> None:
        self.setChecked(False)
        self.failed.emit(error)

    def _on_ended(self) -> None:
        finder, self._finder = self._finder, None
        if finder is not None:
            finder.deleteLater()
        self.setText("Show missing")
