"""How it stands with every stack of a batch, in memory and in the manifest."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_dualgland.batch.beside import results_of
from napari_dualgland.batch.manifest import Manifest, Record, asked_by, given_by, seen
from napari_dualgland.batch.queue import Batch, StackJobs, folder_of
from napari_dualgland.batch.state import BatchProgress, StackState, Status
from napari_dualgland.jobs.base import Job
from napari_dualgland.model.weights import read_card

_ENDED = (Status.DONE, Status.FAILED)


class Ledger:
    """Knows how far each stack is, and writes down what must outlast a kill.

    Parameters
    ----------
    batch : Batch
        Its folder is there.

    Attributes
    ----------
    states : dict of str to StackState
        By name, in the order of the batch.
    waiting : list of str
        Names of the stacks that have to be done.
    """

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._stacks = {stack.name: stack for stack in batch.stacks}
        self._manifest = Manifest(batch.output)
        self._models: dict[str, str | None] = {}
        self._asked: dict[str, str] = {}
        self._given: dict[str, str] = {}
        self._began: dict[str, float] = {}
        self._first: dict[str, tuple[float, float]] = {}
        self.states = {s.name: self._at_first(i, s) for i, s in enumerate(batch.stacks)}
        self.waiting = [n for n, state in self.states.items() if state.status == Status.WAITING]

    def _at_first(self, number: int, stack: StackJobs) -> StackState:
        state = StackState(number, stack.name, stack.source)
        if stack.error is not None:
            return replace(state, status=Status.FAILED, error=stack.error)
        jobs = [_told(job, self._models) for job in stack.jobs]
        self._asked[stack.name] = asked_by(jobs, self._batch.output)
        files = {*stack.files, *(path for job in stack.jobs for path in job.reads())}
        written = {job.output for job in stack.jobs}
        self._given[stack.name] = given_by(files - written)
        why = self._manifest.holds(stack.name, self._asked[stack.name], self._given[stack.name])
        if why:
            return state if why == "new" else replace(state, message=f"done anew: {why}")
        record = self._manifest.records[stack.name]
        return replace(
            state,
            status=Status.DONE,
            earlier=True,
            share=1.0,
            seconds=record.seconds,
            told=record.told,
            results=tuple(self._batch.output / path for path in record.results),
        )

    def step(self, state: StackState) -> BatchProgress:
        """Return what is told of a stack."""
        done = sum(s.status in _ENDED for s in self.states.values())
        return BatchProgress(done, len(self.states), message=state.message, stack=state)

    def task(self, name: str) -> dict[str, Any]:
        """Return what a process is told to do for a stack."""
        stack = self._stacks[name]
        jobs = [job.model_dump(mode="json") for job in stack.jobs]
        folder = folder_of(self._batch, stack)
        return {"jobs": jobs, "folder": str(folder), "source": str(stack.source)}

    def begin(self, name: str) -> StackState:
        """Write down that the work on a stack begins: its folder is ours from now on."""
        self._began[name] = time.monotonic()
        self._manifest.add(
            Record(name=name, source=str(self._stacks[name].source), status=Status.RUNNING)
        )
        return self._set(name, status=Status.RUNNING)

    def restart_clock(self, name: str | None) -> None:
        """Count the time of a stack from now on: its process had to be started first."""
        if name is not None:
            self._began[name] = time.monotonic()

    def hear(self, name: str, event: dict[str, Any]) -> StackState:
        """Take in what a process tells of the stack that it is at.

        Parameters
        ----------
        name : str
            Of the stack.
        event : dict
            As the process tells it.

        Returns
        -------
        StackState
            Of the stack from now on.

        Raises
        ------
        DualglandError
            If what has become of the stack cannot be written down.
        """
        seconds = time.monotonic() - self._began[name]
        if event["event"] == "step":
            share = event["done"] / event["total"] if event["total"] else 0.0
            left = self._seconds_left(name, share)
            return self._set(
                name, share=share, left=left, message=event["message"], seconds=seconds
            )
        if event["event"] == "cancelled":
            return self.give_up(name)
        if event["event"] == "failed":
            return self._end(name, Status.FAILED, seconds, error=event["error"])
        return self._end(name, Status.DONE, seconds, told=event["told"])

    def give_up(self, name: str) -> StackState:
        """Say that a stack is left to another run."""
        return self._set(name, status=Status.CANCELLED, share=0.0, left=None, message="")

    def _end(self, name: str, status: Status, seconds: float, **more: Any) -> StackState:
        stack, folder = self._stacks[name], self._batch.output
        files = []
        if status == Status.DONE:
            made = [path for job in stack.jobs for path in results_of(job)]
            files = [file for path in made for file in _files_in(path)]
        marks = {path.relative_to(folder).as_posix(): seen(path) for path in files}
        results = {path: mark for path, mark in marks.items() if mark is not None}
        record = Record(
            name=name,
            source=str(stack.source),
            status=status,
            asked=self._asked[name],
            given=self._given[name],
            results=results,
            seconds=round(seconds, 3),
            **more,
        )
        self._manifest.add(record)
        share = 1.0 if status == Status.DONE else self.states[name].share
        return self._set(
            name,
            status=status,
            seconds=seconds,
            share=share,
            left=None,
            message="",
            results=tuple(files),
            **more,
        )

    def _set(self, name: str, **changes: Any) -> StackState:
        self.states[name] = replace(self.states[name], **changes)
        return self.states[name]

    def _seconds_left(self, name: str, share: float) -> float | None:
        """Extrapolate from the first progress on: loading the program is no part of it."""
        now = time.monotonic()
        since, first = self._first.setdefault(name, (now, share))
        if share <= first:
            return None
        return (now - since) / (share - first) * (1 - share)


def _files_in(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file())
    return [path]


def _told(job: Job, models: dict[str, str | None]) -> dict[str, Any]:
    """Return a job as JSON with the hash of its model, which a name does not tell."""
    told = job.model_dump(mode="json")
    model = told["params"].get("model")
    if model is not None and model not in models:
        models[model] = read_card(model)[0].sha256
    return told | {"sha256": models.get(model)}
