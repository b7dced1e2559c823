"""The temporary file beside a target: its name, its lock, and what killed runs have left.

The file is locked as long as its writer lives. The system frees the lock when a process ends,
however it ends, on this machine or on another that shares the disk; so a file that can be
locked belongs to nobody any more, and the next run to the same place removes it.
"""

from __future__ import annotations

import os
import re
import uuid
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Self

if os.name != "nt":
    import fcntl

_ENDING = re.compile(r"\.[0-9a-f]{32}\.part")
_ENDING_BYTES = 38
_USUAL_LONGEST = 255


class Beside:
    """A file beside its target; entered, it is there, empty and locked; left, it is gone.

    Parameters
    ----------
    target : pathlib.Path
        Its folder is there.
    """

    path: Path
    _file: BinaryIO

    def __init__(self, target: Path) -> None:
        self.target = target

    def __enter__(self) -> Self:
        _clear(self.target)
        while True:
            self.path = beside_name(self.target)
            self._file = self.path.open("xb")
            lock(self._file, wait=True)
            if self.path.exists():  # else another run took it for a leftover before it was locked
                return self
            self._file.close()

    def __exit__(self, *_: object) -> None:
        self._file.close()
        # On a read-only disk removing what never came to be is an error of its own.
        with suppress(OSError):
            self.path.unlink()

    def flush(self) -> None:
        """Put its content on the disk, or a power cut may leave the new name on an empty file."""
        with self.path.open("rb+") as file:
            os.fsync(file.fileno())
        if os.name == "nt":  # which renames no open file
            self._file.close()


def beside_name(target: Path) -> Path:
    """Return a new hidden name beside a target, short enough for its file system."""
    return target.with_name(f"{hidden_name(target)}.{uuid.uuid4().hex}.part")


def longest_name(folder: Path) -> int:
    """Return how many bytes a name in a folder may have."""
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):  # Windows has no such call
        return _USUAL_LONGEST


def hidden_name(target: Path) -> str:
    """Return how the hidden names beside a target begin."""
    # Cut by bytes, for that is how names are measured; a letter that is cut in two is left out.
    room = longest_name(target.absolute().parent) - _ENDING_BYTES - 1
    return "." + os.fsencode(target.name)[:room].decode(errors="ignore")


def _clear(target: Path) -> None:
    """Remove what killed runs have left beside a target."""
    prefix = hidden_name(target)
    for name in os.listdir(target.absolute().parent):
        if name.startswith(prefix) and _ENDING.fullmatch(name[len(prefix) :]):
            with suppress(OSError):  # somebody is at it, or it is not ours to remove
                _remove_if_free(target.with_name(name))


def _remove_if_free(leftover: Path) -> None:
    if os.name == "nt":  # which removes no open file
        leftover.unlink()
        return
    with leftover.open("rb+") as file:
        lock(file, wait=False)
        leftover.unlink()


def lock(file: BinaryIO, *, wait: bool) -> None:
    """Lock a file.

    Where the disk knows no locks, a file that is waited for stays unlocked; to others it can
    never be locked either, so that they leave it alone.

    Parameters
    ----------
    file : binary file
    wait : bool
        Until another process has left it; else OSError if one holds it.

    Raises
    ------
    OSError
        If it is held, or the disk knows no locks, and ``wait`` is false.
    """
    if os.name == "nt":
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        if not wait:
            raise
