"""Ctrl-C put off for a moment, where stopping in the midst would leave half of something."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def put_off() -> Iterator[None]:
    """Answer Ctrl-C and SIGTERM only when what stands inside is done."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread alone
        return
    came: list[int] = []
    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}
    # None is a handler that is not Python's and could not be put back.
    ours = {s: handler for s, handler in before.items() if handler is not None}
    try:
        for each in ours:
            signal.signal(each, lambda number, _frame: came.append(number))
        yield
    finally:
        for each, handler in ours.items():
            signal.signal(each, handler)
    for number in came:
        signal.raise_signal(number)
