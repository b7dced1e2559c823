"""A run as a process that outlives whoever has started it, and how it is known again.

It has a session of its own and its words go to a file, so that neither Ctrl-C in napari's
terminal nor napari's end reaches it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.runs.folder import EVENTS, LOG, STOP, State, is_held
from napari_dualgland.runs.history import History
from napari_dualgland.runs.tail import Tail

PROCESS = "process.json"
"""Number and time of birth: numbers are given again, but never with the same time."""

_SAME = 1.0
"""Seconds between two readings of one birth."""

_started: list[subprocess.Popen[bytes]] = []
"""Kept, so that what has ended is taken note of, and no process is mourned that lives on."""


def start(folder: Path, words: Sequence[str]) -> None:
    """Start the command line in a run's folder, and return at once.

    Parameters
    ----------
    folder : pathlib.Path
        It is there.
    words : sequence of str
        What stands behind ``dualgland`` in a shell.

    Raises
    ------
    DualglandError
        If the folder cannot be written to, or no process can be started.
    """
    import psutil  # not above: a run is described without it

    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    try:
        (folder / STOP).unlink(missing_ok=True)
        with (folder / LOG).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "napari_dualgland", *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                **apart,
            )
        _started.append(process)
        told = {"pid": process.pid, "born": psutil.Process(process.pid).create_time()}
        (folder / PROCESS).write_text(json.dumps(told), encoding="utf-8")
    except OSError as error:
        found = f"no run can be started there ({error.strerror})"
        raise DualglandError(Kind.UNWRITABLE, folder, found) from error


def is_going(folder: Path) -> bool:
    """Whether a run goes on: its process lives, or the trainer that it has started does."""
    import psutil

    _started[:] = [process for process in _started if process.poll() is None]
    try:
        told = json.loads((folder / PROCESS).read_text(encoding="utf-8"))
        process = psutil.Process(int(told["pid"]))
        same = abs(process.create_time() - told["born"]) < _SAME
        if same and process.status() != psutil.STATUS_ZOMBIE:
            return True
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        pass  # no such process any more, or the run was started in a terminal
    return is_held(folder)


def standing(folder: Path) -> State:
    """Return how a run stands, by the end of its log."""
    if is_going(folder):
        return State.GOING
    return last_told(folder).ended or State.BROKEN


def last_told(folder: Path) -> History:
    """Return what the end of a run's log tells."""
    history = History()
    for event in Tail(folder / EVENTS).last():
        history.take(event)
    return history
