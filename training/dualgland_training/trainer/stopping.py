"""Being told to stop: a cluster's SIGTERM, a person's Ctrl-C or a file end a run between steps.

A file called ``stop`` in the run's folder is how a program that has not started the run asks,
on any system. The first request lets the step at hand end and a checkpoint be written; a second
signal ends the process where it stands. The same signal may come twice at once: a cluster
signals every process of a job, and those that are signalled pass it on.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)

SAME = 1.0
"""Seconds within which a second signal is the first one, told twice."""

LIFELINE = "DUALGLAND_LIFELINE"
"""Variable that a starting process sets if our standard input closes with its end."""


def follow_starter() -> None:
    """Take the end of the process that started us for a SIGTERM, where it asks for that.

    ``dualgland train`` may be killed in a way that it cannot pass on. Its end of the pipe
    then closes by itself; without a look at it we would go on unseen, in a folder in which
    the next run is about to start.
    """
    if os.environ.pop(LIFELINE, "") != "stdin":
        return

    def watch() -> None:
        with contextlib.suppress(OSError):
            os.read(0, 1)
        signal.raise_signal(signal.SIGTERM)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


class StopRequest:
    """A context in which SIGINT and SIGTERM raise a flag instead of ending the process.

    Parameters
    ----------
    file : pathlib.Path, optional
        One that is taken for a request when it is there; removed at the end.

    Attributes
    ----------
    signal : signal.Signals or None
        The one that came.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.signal: signal.Signals | None = None
        self._file = file
        self._before: dict[signal.Signals, Any] = {}
        self._since = 0.0

    def __bool__(self) -> bool:
        return self.signal is not None or (self._file is not None and self._file.exists())

    def _note(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.signal is None:
            self.signal, self._since = signal.Signals(number), now
        elif now - self._since >= SAME:
            self._restore()
            signal.raise_signal(number)

    def _restore(self) -> None:
        while self._before:
            which, handler = self._before.popitem()
            signal.signal(which, handler)

    def __enter__(self) -> StopRequest:
        # Python lets the main thread alone handle signals; elsewhere nobody asks us.
        if threading.current_thread() is threading.main_thread():
            for which in SIGNALS:
                self._before[which] = signal.signal(which, self._note)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._restore()
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.unlink(missing_ok=True)
