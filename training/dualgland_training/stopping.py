"""Being told to stop: a cluster's SIGTERM and a person's Ctrl-C end a run between steps.

The first request lets the step at hand end and a checkpoint be written; a second one
ends the process where it stands.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """A context in which SIGINT and SIGTERM raise a flag instead of ending the process.

    Attributes
    ----------
    signal : signal.Signals or None
        The one that came.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __bool__(self) -> bool:
        return self.signal is not None

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.signal = signal.Signals(number)
        self._restore()

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
