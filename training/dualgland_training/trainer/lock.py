"""One process trains in a folder at a time; the system lets go of it whatever ends the process.

Two runs in one folder would overwrite each other's checkpoints. A lock that the system
holds needs no tidying up after a kill, as a file with a process number in it would.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from napari_dualgland.errors import DualglandError, Kind

PATIENCE = 120.0
"""Seconds: a run that was told to stop first ends its step and writes its checkpoint."""


def hold_folder(
    folder: Path, say: Callable[[str], None], patience: float = PATIENCE
) -> AbstractContextManager[Any]:
    """Take the right to train in a folder, until the context that is returned ends.

    Parameters
    ----------
    folder : pathlib.Path
        Of the run; it exists.
    say : callable
        Told once if another process has to be waited for.
    patience : float
        Seconds to wait for it.

    Returns
    -------
    context manager
        Whose end lets another process train there.

    Raises
    ------
    DualglandError
        If another process trains there and goes on doing so.
    """
    lock = FileLock(folder / ".lock", mode=0o644, thread_local=False)
    try:
        try:
            return lock.acquire(timeout=0)
        except Timeout:
            say(f"{folder}: another process still trains there; waiting for it to end")
        return lock.acquire(timeout=patience, poll_interval=0.2)
    except Timeout:
        raise DualglandError(
            Kind.CONFLICT,
            folder,
            "another process trains in this folder",
            way_out="stop it, or choose another folder",
        ) from None
    except (OSError, NotImplementedError):
        return nullcontext()  # some file systems of clusters have no locks: go without
