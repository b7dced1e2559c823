"""A batch, done: stacks go to processes, what becomes of each is written down before the next."""

from __future__ import annotations

import json
import queue
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from napari_dualgland.batch.ledger import Ledger
from napari_dualgland.batch.pool import Event, WorkerPool, WorkerProcess, room
from napari_dualgland.batch.queue import QUEUE, Batch
from napari_dualgland.batch.state import BatchProgress, StackState, Status
from napari_dualgland.batch.unreported import try_report
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.atomic import replacing
from napari_dualgland.io.places import made
from napari_dualgland.jobs.base import never

_LOOK = 0.1
"""Seconds after which it is asked again whether to stop."""
_REPORT = 30.0
"""Seconds between two reports of a batch that goes on."""


def run_batch(
    batch: Batch, should_stop: Callable[[], bool] = never
) -> Generator[BatchProgress, None, tuple[StackState, ...]]:
    """Do a batch, or what is left of one that was killed.

    What an earlier run has done is kept where neither the files nor what is asked for have
    changed since, nor the results.

    Parameters
    ----------
    batch : Batch
    should_stop : callable
        Asked ten times a second. What is being worked on then is given up at the next tile;
        the same batch goes on with it.

    Returns
    -------
    tuple of StackState
        How it ended, for each stack in its order.

    Yields
    ------
    BatchProgress
        Each about one stack.

    Raises
    ------
    DualglandError
        If the folder cannot be written to, or another batch is at work in it; or if no process
        can be started at all. What goes wrong with a stack is in its state.
    Unreported
        At the very end, if the report cannot be written; it has the states.
    """
    batch.check()
    with _held(made(batch.output)):
        with replacing(batch.output / QUEUE) as beside:
            # Not by pydantic: it knows no names with bytes that are no text.
            beside.write_text(json.dumps(batch.model_dump(mode="json"), indent=1), encoding="ascii")
        ledger = Ledger(batch)
        try:
            for state in ledger.states.values():
                yield ledger.step(state)
            if ledger.waiting:
                yield from _work(batch, ledger, should_stop)
        finally:
            for name in [n for n, s in ledger.states.items() if s.status == Status.RUNNING]:
                ledger.give_up(name)
            # Not raised from here: it would hide what has ended the batch before its time.
            unreported = try_report(batch.output, list(ledger.states.values()))
    if unreported is not None:
        raise unreported
    return tuple(ledger.states.values())


def _work(
    batch: Batch, ledger: Ledger, should_stop: Callable[[], bool]
) -> Generator[BatchProgress, None, None]:
    waiting = deque(ledger.waiting)
    count = min(batch.workers or room(len(waiting)), len(waiting))
    heard: queue.SimpleQueue[Event] = queue.SimpleQueue()
    at: dict[WorkerProcess, str] = {}
    reported = time.monotonic()
    with ExitStack() as held:
        pool = WorkerPool(heard, count)
        held.callback(pool.end)
        while (waiting or at) and not should_stop():
            while waiting and len(at) < count:
                worker = pool.idle(at)
                name = waiting.popleft()
                at[worker] = name
                worker.give(ledger.task(name))
                yield ledger.step(ledger.begin(name))
            try:
                worker, event = heard.get(timeout=_LOOK)
            except queue.Empty:
                continue
            if event["event"] == "ready":
                worker.ready = True
                ledger.restart_clock(at.get(worker))
            elif event["event"] == "ended":
                yield from _after(pool, worker, at, ledger)
            elif worker in at:
                state = ledger.hear(at[worker], event)
                if state.status != Status.RUNNING:
                    del at[worker]
                yield ledger.step(state)
            if time.monotonic() - reported > _REPORT:
                try_report(batch.output, list(ledger.states.values()))  # else the next time
                reported = time.monotonic()
        for name in at.values():
            yield ledger.step(replace(ledger.states[name], message="stopping"))
    # What had been finished before the word came counts.
    while not heard.empty():
        worker, event = heard.get()
        if worker in at and event["event"] in ("done", "failed"):
            yield ledger.step(ledger.hear(at.pop(worker), event))
    for name in [*at.values(), *waiting]:
        yield ledger.step(ledger.give_up(name))


def _after(
    pool: WorkerPool, worker: WorkerProcess, at: dict[WorkerProcess, str], ledger: Ledger
) -> Iterator[BatchProgress]:
    """Go on where a process has ended by itself: that costs the stack it was at."""
    name = at.pop(worker, None)
    source = str(ledger.states[name].source) if name is not None else "the batch"
    error = worker.last_words(source)
    pool.forget(worker)
    if not (worker.ready or error.kind == Kind.TOO_LARGE):
        # It never came to work, and nobody has killed it: nor would the next one.
        found = f"no process can be started: {error.found}"
        raise DualglandError(Kind.CRASHED, "the batch", found, way_out="see dualgland doctor")
    if name is not None:
        event = {"event": "failed", "error": error.as_data()}
        yield ledger.step(ledger.hear(name, event))


def _held(folder: Path) -> AbstractContextManager[Any]:
    """Keep other batches out of a folder; the system lets go of it whatever ends the process."""
    lock = FileLock(folder / ".batch.lock", mode=0o644, thread_local=False)
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        raise DualglandError(
            Kind.CONFLICT,
            folder,
            "another batch is at work in this folder",
            way_out="wait for its end or stop it, or choose another folder",
        ) from None
    except (OSError, NotImplementedError):
        return nullcontext()  # some file systems of clusters have no locks


def summary(states: tuple[StackState, ...]) -> dict[str, Any]:
    """Return how many stacks ended in which way, ready for JSON."""
    counts = {status.value: 0 for status in Status}
    for state in states:
        counts[state.status.value] += 1
    kept = sum(state.earlier for state in states)
    return {"stacks": len(states), "kept": kept, **counts}
