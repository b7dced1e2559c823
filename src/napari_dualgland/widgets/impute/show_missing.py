"""*Show missing*: paints the missing pixels before anything is filled, and counts them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Generator
from typing import Any

import numpy as np
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QPushButton

from napari_dualgland.errors import DualglandError
from napari_dualgland.io.layer_masks import is_coded
from napari_dualgland.io.layer_tag import tag_of
from napari_dualgland.jobs import FoundMissing, ImputeJob, Loaded
from napari_dualgland.progress import Progress
from napari_dualgland.typing import AnyArray
from napari_dualgland.widgets.field.channels_form import ChannelsForm
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.kit.thread import JobThread
from napari_dualgland.widgets.layers.hiding import bare
from napari_dualgland.widgets.layers.missing_layer import (
    find_missing_layer,
    marks_estimates,
    missing_codes,
    show_missing,
)
from napari_dualgland.widgets.layers.warm import Warming

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
    """The exception that kept them from being found, where a person has asked for them."""
    shown = Signal(bool)
    """Whether marks are painted in the viewer."""

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
        self._painted: tuple[Any, AnyArray] | None = None
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(_SETTLE_MS)
        self._settled.timeout.connect(self._look)
        self.clicked.connect(self._on_clicked)

    @property
    def idle(self) -> bool:
        """Whether nothing is being looked for."""
        return self._finder is None

    def by_hand(self) -> Any:
        """Return the layer of marks that was shown here, if a person has painted on it since."""
        layer = None if self._painted is None else self._painted[0]()
        if self._painted is None or layer not in self._viewer.layers:
            self._painted = None  # codes are as large as the field
            return None
        _, codes = self._painted
        if self._of_a_result(layer) or np.array_equal(np.asarray(layer.data), codes):
            return None
        return layer

    def mark_estimates(self) -> None:
        """Stay pressed: a run has marked what it has filled in, and those marks are shown."""
        self._painted = None
        self.setChecked(True)
        self.shown.emit(True)

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
        self.shown.emit(wanted)
        if not wanted:
            self.cancel()
            self._hide()
            return
        marks = self._marks()
        if self._of_a_result(marks):
            marks.visible = True  # what was filled in stays marked, whatever is missing by now
            return
        self._look(asked=True)

    def _look(self, asked: bool = False) -> None:
        if self._finder is not None or not self.isEnabled():
            self._settled.start()
            return
        try:
            source = self._channels.source()
            job, loaded, marked_in = self._ask()
        except DualglandError as error:
            self.setChecked(False)
            self.shown.emit(False)
            if asked:  # the form by itself may look in vain: layers come and go
                self.failed.emit(error)
            return
        self.setText("Looking …")
        self._finder = JobThread(lambda stop: _warmed(job.find_steps(loaded, stop)), self)
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
        marks = self._marks()
        if self._of_a_result(marks):
            return
        codes = missing_codes(source, found.stack, found.missing, frame)
        layer = show_missing(self._viewer, source, codes, outline=False)
        # What is painted may be the layer's own array, so what it held is kept apart.
        kept = codes.copy() if isinstance(codes, np.ndarray) else None
        self._painted = None if kept is None else (weakref.ref(bare(layer)), kept)

    def _marks(self) -> Any:
        """Return the layer that marks pixels of the chosen channels, if there is one."""
        try:
            return find_missing_layer(self._viewer, self._channels.source())
        except DualglandError:
            return None  # nothing is chosen, so nothing of it is painted

    def _of_a_result(self, marks: Any) -> bool:
        """Tell whether marks are of what a run has filled in, and its result is still there."""
        if marks is None or not marks_estimates(marks):
            return False
        made_from = tag_of(marks).sources
        tags = [tag_of(layer) for layer in self._viewer.layers]
        return any(tag.kind == "imputed" and tag.sources == made_from for tag in tags)

    def _hide(self) -> None:
        layer = self._marks()
        if layer is not None:
            layer.visible = False

    def _on_failed(self, error: Exception) -> None:
        self.setChecked(False)
        self.shown.emit(False)
        self.failed.emit(error)

    def _on_ended(self) -> None:
        finder, self._finder = self._finder, None
        if finder is not None:
            finder.deleteLater()
        self.setText("Show missing")


def _warmed(
    steps: Generator[Progress, None, FoundMissing],
) -> Generator[Progress, None, FoundMissing]:
    """Do the steps, and load meanwhile what napari needs to show marks."""
    warming = Warming("uint8")
    found = yield from steps
    warming.wait()
    return found
