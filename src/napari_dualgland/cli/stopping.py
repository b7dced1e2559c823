"""Ctrl-C and SIGTERM, from the first moment to the last: one line and code 130, no traceback.

This file loads next to nothing, so that it is there before what is slow to load.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

from napari_dualgland.written import written

INTERRUPTED = 130
SAID = "interrupted; no file was written"

LIFELINE = {"DUALGLAND_LIFELINE": "stdin"}
"""Asks a process of the training module to take it for a SIGTERM when its standard input closes:
when we are gone."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
Handler = Callable[[int, Any], Any]


@contextlib.contextmanager
def handled(handler: Handler, last: bool = False) -> Iterator[None]:
    """Answer the signals that ask a program to stop; one that is ignored stays ignored.

    Parameters
    ----------
    handler : callable
        Takes the signal and the frame, as Python's do.
    last : bool
        Ignore them afterwards: the work is done and told, all that is left is Python's own end.

    Yields
    ------
    None
    """
    before = {}
    with contextlib.suppress(ValueError):  # another thread: whoever runs us handles signals
        for which in _SIGNALS:
            if signal.getsignal(which) is not signal.SIG_IGN:
                before[which] = signal.signal(which, handler)
    try:
        yield
    finally:
        for which, former in before.items():
            signal.signal(which, signal.SIG_IGN if last else former)


def at_once(*, as_json: bool) -> Handler:
    """Return a handler for as long as nothing is at work: it ends the program there and then.

    An exception would be raised somewhere inside an import, and libraries turn that into
    errors of their own.
    """

    def end(_signal: int, _frame: Any) -> None:
        said = "interrupted at the end; all files were written" if written() else SAID
        told = f'{{"error": "{said}", "exit_code": {INTERRUPTED}, "kind": "interrupted"}}\n'
        with contextlib.suppress(OSError):
            os.write(1, told.encode() if as_json else b"")
            os.write(2, f"dualgland: {said}\n".encode())
        os._exit(INTERRUPTED)

    return end


class _Interrupt(KeyboardInterrupt):
    """Of its own class, for Python's sake.

    Of a plain one that goes through ``exec`` of a text, as amid the import of a dataclass, ``-m``
    remembers at its very end, and dies of the signal whatever code was told.
    """


class Asked:
    """A handler that raises a KeyboardInterrupt, and knows later that it did.

    A library may make another exception of it, on the way up.
    """

    yes = False

    def __call__(self, _signal: int, _frame: Any) -> None:
        self.yes = True
        raise _Interrupt
