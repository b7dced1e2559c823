"""Long work off the main thread: steps in, signals out.

A :class:`JobThread` runs a generator of progress in napari's thread pool. The generator knows
nothing of Qt and asks ``should_stop`` between tiles; the job tells the widget, on the
main thread, how it went. When its parent is destroyed in the middle (the dock or the
viewer closed), the work stops at the next tile and nobody is told. Where the program ends in the
middle, it waits for that: a worker that outlives Qt aborts the process.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QObject, Signal
from superqt.utils import WorkerBase

from napari_dualgland.memory import give_back
from napari_dualgland.progress import Progress

Steps = Callable[[Callable[[], bool]], Generator[Progress, None, Any]]
"""Takes ``should_stop``, yields progress, returns the result."""


@dataclass(frozen=True)
class _Outcome:
    """How the work ended; errors travel as values because the pool drops RuntimeErrors."""

    result: Any = None
    error: Exception | None = None


class JobThread(QObject):
    """A piece of work that can be watched and cancelled.

    Parameters
    ----------
    steps : callable
        The work: takes ``should_stop()``, yields :class:`Progress`, returns the result.
    parent : QObject
        Its life bounds the work.
    """

    progressed = Signal(object)
    """A :class:`Progress`."""
    succeeded = Signal(object)
    """What the steps returned."""
    failed = Signal(object)
    """The exception."""
    cancelled = Signal()
    ended = Signal()
    """After any of the three."""

    def __init__(self, steps: Steps, parent: QObject) -> None:
        super().__init__(parent)
        self._stop = threading.Event()
        self.destroyed.connect(self._stop.set)
        # napari's types know neither generator functions nor signals without a value.
        create: Any = create_worker
        self._worker = create(_run, steps, self._stop, _start_thread=False, _ignore_errors=True)
        self._worker.yielded.connect(self._on_progress)
        self._worker.returned.connect(self._on_outcome)
        self._worker.aborted.connect(self._on_aborted)

    def start(self) -> None:
        """Begin; returns at once."""
        self._worker.start()

    def cancel(self) -> None:
        """Ask the work to stop at the next tile."""
        self._stop.set()

    def _on_progress(self, progress: Progress) -> None:
        if not self._stop.is_set():
            self.progressed.emit(progress)

    def _on_outcome(self, outcome: _Outcome) -> None:
        if self._stop.is_set():
            # Whatever came out after the person said stop is not wanted any more.
            self.cancelled.emit()
        elif outcome.error is not None:
            self.failed.emit(outcome.error)
        else:
            self.succeeded.emit(outcome.result)
        self.ended.emit()

    def _on_aborted(self) -> None:
        self.cancelled.emit()
        self.ended.emit()


def _run(steps: Steps, stop: threading.Event) -> Generator[Progress, None, _Outcome]:
    try:
        return _Outcome(result=(yield from steps(stop.is_set)))
    except Exception as error:  # shown to the person by whoever listens to ``failed``
        return _Outcome(error=error)
    finally:
        give_back()


# napari itself waits where its own loop ends; a script may close the window and end without.
atexit.register(WorkerBase.await_workers)
