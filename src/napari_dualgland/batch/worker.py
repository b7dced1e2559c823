"""The process that works on stacks: ``python -m napari_dualgland.batch.worker``.

It reads tasks and writes events, a line of JSON each. A process of its own script, and not one
of :mod:`multiprocessing`: it needs nothing of the program that has started it, be that a script
without a guard, napari or the command line. It ends when nobody writes to it any more, so that
none is left behind by a parent that was killed; what it was at is given up at the next tile.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import IO, Any

from napari_dualgland.batch.work import stack_steps
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.jobs.saved import on_stack, parse_job
from napari_dualgland.progress import Cancelled, Progress
from napari_dualgland.refusals import refusal_of

_BETWEEN = 0.1
"""Seconds between two events of progress; nobody reads faster."""


class Worker:
    """Does tasks, one after the other.

    Parameters
    ----------
    tasks : text stream
        A line for each.
    events : text stream
        Where it is told how each goes.
    """

    def __init__(self, tasks: IO[str], events: IO[str]) -> None:
        self._tasks, self._events = tasks, events
        self._stop = threading.Event()
        self._waiting: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()

    def run(self) -> None:
        """Work until there is nobody who gives any."""
        listener = threading.Thread(target=self._listen, daemon=True)
        listener.start()
        self._tell(event="ready")
        while (task := self._waiting.get()) is not None:
            self._do(task)
        listener.join()

    def _listen(self) -> None:
        for line in self._tasks:
            self._waiting.put(json.loads(line))
        self._stop.set()
        self._waiting.put(None)

    def _do(self, task: dict[str, Any]) -> None:
        try:
            if self._stop.is_set():
                raise Cancelled.run()
            jobs = [on_stack(parse_job(job, "the batch")) for job in task["jobs"]]
            steps = stack_steps(jobs, Path(task["folder"]), self._stop.is_set)
            self._tell(event="done", told=self._watched(steps))
        except Cancelled:
            self._tell(event="cancelled")
        except Exception as error:  # it costs this stack alone
            self._tell(event="failed", error=_refusal(error, task["source"]).as_data())

    def _watched(self, steps: Any) -> Any:
        last = 0.0
        while True:
            try:
                step: Progress = next(steps)
            except StopIteration as end:
                return end.value
            if self._stop.is_set():
                steps.close()
                raise Cancelled.run()
            now = time.monotonic()
            if now - last >= _BETWEEN:
                last = now
                self._tell(event="step", done=step.done, total=step.total, message=step.message)

    def _tell(self, **event: Any) -> None:
        try:
            self._events.write(json.dumps(event) + "\n")
            self._events.flush()
        except OSError:  # nobody listens any more
            self._stop.set()


def _refusal(error: Exception, source: str) -> DualglandError:
    refusal = refusal_of(error)
    if refusal is not None:
        return refusal
    traceback.print_exc()
    found = f"unexpected {type(error).__name__}: {error}"
    return DualglandError(Kind.CRASHED, source, found, way_out="please report it, with this stack")


def main() -> None:
    """Work for whoever has started this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who will tell us
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not stand among the events
    Worker(sys.stdin, events).run()


if __name__ == "__main__":
    main()
