"""The folder of a training run: what was asked for, what lies in it, how the run stands.

Whoever looks has not started the run, or is a program that was closed and opened again; so
all of it is read from files, and from the lock that the trainer holds as long as it lives.
"""

from __future__ import annotations

import os
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

import platformdirs

from napari_dualgland.errors import DualglandError, Kind

EVENTS, STOP, LOCK, LOG = "events.jsonl", "stop", ".lock", "log.txt"
JOB = "job.json"
"""What was asked for, in a run that was started from here."""

_LOG_TAIL = 2**14
"""Bytes at the end of a log in which its last lines are looked for."""


class State(StrEnum):
    """How a run stands."""

    GOING = "going"
    FINISHED = "finished"
    STOPPED = "stopped"
    """A person has asked for it; it can be gone on with."""
    BROKEN = "broken"
    """It has ended by itself before its time."""


def runs_folder() -> Path:
    """Return the folder in which runs are kept; ``DUALGLAND_RUNS`` names another."""
    chosen = os.environ.get("DUALGLAND_RUNS")
    return Path(chosen) if chosen else platformdirs.user_data_path("dualgland") / "runs"


def list_runs() -> list[Path]:
    """Return the folders of all runs that are kept, the one that was told of last first."""
    found = [path.parent for path in runs_folder().glob(f"*/{JOB}")]
    return sorted(found, key=_last_told, reverse=True)


def _last_told(folder: Path) -> float:
    times = [0.0]
    for name in (JOB, EVENTS):
        with suppress(OSError):
            times.append((folder / name).stat().st_mtime)
    return max(times)


def is_held(folder: Path) -> bool:
    """Whether a trainer on this machine holds a run's folder."""
    path = folder / LOCK
    if not path.exists():
        return False
    # Here and not above: it loads asyncio, and every dock opens with this module.
    from filelock import FileLock, Timeout

    lock = FileLock(path, mode=0o644, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except (OSError, NotImplementedError):
        return False  # some file systems of clusters have no locks
    lock.release()
    return False


def ask_to_stop(folder: Path) -> None:
    """Ask a run to end on a checkpoint, after the step at hand.

    Raises
    ------
    DualglandError
        If its folder cannot be written to.
    """
    try:
        (folder / STOP).touch()
    except OSError as error:
        found = f"cannot be written to ({error.strerror})"
        raise DualglandError(Kind.UNWRITABLE, folder, found) from error


def last_lines(folder: Path, count: int = 4) -> list[str]:
    """Return the end of what a run has said.

    Parameters
    ----------
    folder : pathlib.Path
        Of the run.
    count : int
        Lines at most.

    Returns
    -------
    list of str
        None where it has said nothing.
    """
    try:
        with (folder / LOG).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LOG_TAIL))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [line.strip() for line in text.splitlines() if line.strip()][-count:]
