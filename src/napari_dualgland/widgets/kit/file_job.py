"""Writing files off the main thread: a large result takes seconds, and napari stays awake."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import Any

from napari_dualgland.progress import Progress
from napari_dualgland.widgets.kit.thread import Job


def write_beside(widget: Any, write: Callable[[], Any]) -> None:
    """Write in a thread and tell the person.

    Parameters
    ----------
    widget : QWidget
        With signals ``said`` (a line) and ``failed`` (the exception); its life bounds the work.
    write : callable
        Writes, and returns the path that was written.
    """
    job = Job(partial(_steps, write), widget)
    job.succeeded.connect(lambda path: widget.said.emit(f"Wrote {path}"))
    job.failed.connect(widget.failed)
    job.ended.connect(job.deleteLater)
    widget.said.emit("Writing …")
    job.start()


def _steps(
    write: Callable[[], Any], should_stop: Callable[[], bool]
) -> Generator[Progress, None, Any]:
    yield Progress(0, 0, "Writing")
    return write()
