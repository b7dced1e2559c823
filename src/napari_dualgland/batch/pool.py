"""The pool of processes that work on stacks: started, told, heard, ended."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.memory import available
from napari_dualgland.threads import COUNTS, cores, settle

_NEEDS = 3 * 2**30
"""Bytes of memory for a process: torch, a model, and a stack of 2048 x 2048 on its way."""
_MOST = 8
PATIENCE = 30.0
"""Seconds for a tile to end; after that the process is ended by force."""

Event = tuple["WorkerProcess", dict[str, Any]]


def room(stacks: int) -> int:
    """Return how many processes the machine has room for, with so many stacks to do."""
    return max(1, min(_MOST, cores(), available() // _NEEDS, stacks))


class WorkerProcess:
    """A process that works on one stack at a time.

    Parameters
    ----------
    heard : queue.SimpleQueue
        Gets what it tells, as ``(member, event)``; at last ``{"event": "ended"}``.
    beside : int
        How many work at the same time, among which the cores are shared.
    """

    def __init__(self, heard: queue.SimpleQueue[Event], beside: int) -> None:
        self.ready = False
        # A file, not a pipe: nobody has to read it for the process to go on.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "napari_dualgland.batch.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=_environment(os.environ, beside),
            # Ctrl-C is for the parent, who tells its processes in its own way.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._listener = threading.Thread(target=self._listen, args=(heard,), daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def give(self, task: Mapping[str, Any]) -> None:
        """Give it a stack to work on."""
        assert self._process.stdin is not None
        with suppress(OSError):  # it has ended, which will be heard
            self._process.stdin.write(json.dumps(task).encode() + b"\n")
            self._process.stdin.flush()

    def dismiss(self) -> None:
        """Let it end: at once where it waits, at the next tile where it works."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()

    def wait(self, patience: float = PATIENCE) -> None:
        """Wait for its end, which is forced where it takes too long.

        Parameters
        ----------
        patience : float
            Seconds.
        """
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._errors.close()

    def last_words(self, source: str) -> DualglandError:
        """Return why it has ended by itself.

        Parameters
        ----------
        source : str
            The stack that it was at.
        """
        code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        said = lines[-1][:200] if lines else ""
        if code == -9:
            return DualglandError(
                Kind.TOO_LARGE,
                source,
                "the process that worked on it was killed by the system, most likely for memory",
                way_out="close other programs, use fewer workers, or cut the field; then retry",
            )
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        found = f"the process that worked on it ended {how}" + (f" ({said})" if said else "")
        return DualglandError(Kind.CRASHED, source, found, way_out="retry; please report it")

    def _listen(self, heard: queue.SimpleQueue[Event]) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with suppress(ValueError):  # a line that a kill has cut off
                heard.put((self, json.loads(line)))
        heard.put((self, {"event": "ended"}))


class WorkerPool:
    """The processes there are; one is started when there is something for it to do.

    Parameters
    ----------
    heard : queue.SimpleQueue
        Gets what they tell.
    count : int
        How many there may be.
    """

    def __init__(self, heard: queue.SimpleQueue[Event], count: int) -> None:
        self._heard, self._count = heard, count
        self._workers: list[WorkerProcess] = []

    def idle(self, busy: Collection[WorkerProcess]) -> WorkerProcess:
        """Return a process that is not among those that have something to do."""
        free = [worker for worker in self._workers if worker not in busy]
        if not free:
            free = [WorkerProcess(self._heard, self._count)]
            self._workers += free
        return free[0]

    def forget(self, worker: WorkerProcess) -> None:
        """Leave out one that has ended."""
        self._workers.remove(worker)
        worker.dismiss()
        worker.wait()

    def end(self) -> None:
        """Let all of them end, at the next tile at the latest, and wait for it."""
        for worker in self._workers:
            worker.dismiss()
        for worker in self._workers:
            worker.wait()


def _environment(own: Mapping[str, str], beside: int) -> dict[str, str]:
    """Return the environment of a process: our modules, and its share of the cores."""
    told = dict(own)
    told["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    if not any(name in own and name not in settle().sets for name in COUNTS):
        told[COUNTS[0]] = str(max(1, cores() // beside))
    return told
