"""The processes that a batch or another has started, seen from outside."""

from __future__ import annotations

import psutil


def workers(
    pid: int | None = None, module: str = "napari_dualgland.batch.worker"
) -> list[psutil.Process]:
    """Return those of this process, or of another one, that run a module."""
    return [p for p in psutil.Process(pid).children(recursive=True) if _runs(p, module)]


def _runs(process: psutil.Process, module: str) -> bool:
    try:
        return module in process.cmdline()
    except psutil.NoSuchProcess:
        return False
