"""The processes that a batch has started, seen from outside."""

from __future__ import annotations

import psutil


def workers(pid: int | None = None) -> list[psutil.Process]:
    """Return those of this process, or of another one."""
    return [p for p in psutil.Process(pid).children(recursive=True) if _works(p)]


def _works(process: psutil.Process) -> bool:
    try:
        return "napari_dualgland.batch.worker" in process.cmdline()
    except psutil.NoSuchProcess:
        return False
