"""A run as a person sees it while it goes on: tiles on the canvas, as soon as it can draw them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qtpy.QtCore import QTimer

from napari_dualgland.jobs import ImputeJob
from napari_dualgland.progress import Progress
from napari_dualgland.results import Imputation
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.impute.result_layers import ResultLayers

_REDRAW_MS = 150
"""Tiles may finish faster than the canvas can be redrawn; it is redrawn this often."""


class LiveRun:
    """The layers of a run, made and drawn between napari's events.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they are shown.
    source : Source
        What is being repaired.
    job : ImputeJob
        The run.
    marked_in : napari.layers.Layer or None
        The layer that marks what is missing.
    """

    def __init__(self, viewer: Any, source: Source, job: ImputeJob, marked_in: Any) -> None:
        frame = None if job.plane is None else {"T": job.plane.t, "Z": job.plane.z}
        self.job = job
        self.layers = ResultLayers(viewer, source, frame, marked_in)
        self._opening = QTimer()
        self._opening.timeout.connect(self._open_one)
        self._redraw = QTimer()
        self._redraw.setSingleShot(True)
        self._redraw.setInterval(_REDRAW_MS)
        self._redraw.timeout.connect(self.layers.refresh)

    def show(self, step: Progress) -> None:
        """Show a finished tile; from the time on that the first is due, the layers for them."""
        if self.layers.gone:
            return
        if step.total and not step.message and not self._opening.isActive():
            self._opening.start(0)
        if step.patch is not None:
            self.layers.put(step.patch)
            if not self._redraw.isActive():
                self._redraw.start()

    def finish(self, result: Imputation) -> Iterator[None]:
        """Show what came out; see :meth:`.ResultLayers.finish_steps`."""
        self._stop()
        yield from self.layers.finish_steps(result)

    def close(self) -> None:
        """Leave no trace."""
        self._stop()
        self.layers.discard()

    def _stop(self) -> None:
        self._opening.stop()
        self._redraw.stop()

    def _open_one(self) -> None:
        if not self.layers.open_one():
            self._opening.stop()
