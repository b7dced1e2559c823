"""A run that is watched: its log read as it grows, a little at a time, on the main thread."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QObject, QTimer, Signal

from napari_dualgland.runs.folder import EVENTS, State
from napari_dualgland.runs.history import History
from napari_dualgland.runs.process import is_going
from napari_dualgland.runs.tail import Tail

_EVERY_MS = 400


class RunWatch(QObject):
    """Tells how a run stands, from its files alone, as long as it goes on.

    Parameters
    ----------
    parent : QObject
        Its life bounds the watch; the run goes on without.

    Attributes
    ----------
    folder : pathlib.Path or None
        Of the run that is watched.
    history : History
        What it has told so far.
    """

    told = Signal(object)
    """The :class:`State` of the run; there may be news in :attr:`history`."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.folder: Path | None = None
        self.history = History()
        self._tail: Tail | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._look)

    def follow(self, folder: Path | None) -> None:
        """Watch a run from its beginning, or none any more."""
        self.folder, self.history = folder, History()
        self._tail = None if folder is None else Tail(folder / EVENTS)
        self._timer.stop()
        if folder is not None:
            self._timer.start(0)

    def look_again(self) -> None:
        """Tell once more how it stands."""
        self._timer.start(0)

    def _look(self) -> None:
        if self.folder is None or self._tail is None:
            return
        # Before its last words are read: what is said between the two would be missed.
        going = is_going(self.folder)
        events, more = self._tail.read()
        for event in events:
            self.history.take(event)
        if more:  # a long log is drawn when all of it is read
            self._timer.start(0)
            return
        if going:
            self._timer.start(_EVERY_MS)
        self.told.emit(State.GOING if going else self.history.ended or State.BROKEN)
