"""One process trains in a folder at a time; the system lets go of it whatever ends the process.

Two runs in one folder would overwrite each other's checkpoints. A lock that the system
holds needs no tidying up after a kill, as a file with a process number in it would.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from napari_dualgland.errors import DualglandError

PATIENCE = 120.0
"""Seconds: a run that was told to stop first ends its step and writes its checkpoint."""

HELD = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
"""What a system says of a lock that another process has."""


def _try_lock(file: int) -> None:
    """Take the lock of a file or raise OSError."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class RunLock:
    """The right to train in a folder, from now until :meth:`close` or the process's end.

    Parameters
    ----------
    folder : pathlib.Path
        Of the run; it exists.
    say : callable
        Told once if another process has to be waited for.
    patience : float
        Seconds to wait for it.

    Raises
    ------
    DualglandError
        If another process trains there and goes on doing so.
    """

    def __init__(
        self, folder: Path, say: Callable[[str], None], patience: float = PATIENCE
    ) -> None:
        self.file: int | None = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        until, told = time.monotonic() + patience, False
        while True:
            try:
                _try_lock(self.file)
            except OSError as error:
                if error.errno not in HELD:
                    return  # some file systems of clusters have no locks: go without
            else:
                return
            if time.monotonic() > until:
                self.close()
                raise DualglandError(
                    f"{folder}: another process trains in this folder; stop it, or choose "
                    "another folder"
                )
            if not told:
                say(f"{folder}: another process still trains there; waiting for it to end")
                told = True
            time.sleep(0.2)

    def close(self) -> None:
        """Let another process train in the folder."""
        if self.file is not None:
            with contextlib.suppress(OSError):
                os.close(self.file)
            self.file = None
