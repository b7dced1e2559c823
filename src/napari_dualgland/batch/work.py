"""All that is done for one stack, job after job, in whatever process."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_dualgland.batch.beside import write_beside
from napari_dualgland.batch.thumbnail import Panel, panels_of, write_preview
from napari_dualgland.compartments.report import cell_count
from napari_dualgland.io.places import made
from napari_dualgland.jobs.base import Job
from napari_dualgland.jobs.inputs import FileInput
from napari_dualgland.progress import Progress
from napari_dualgland.results import Boundaries, Imputation, Localization

STEPS = 1000
"""Of the whole stack, whatever its jobs count."""


def stack_steps(
    jobs: Sequence[Job], folder: Path, should_stop: Callable[[], bool]
) -> Generator[Progress, None, dict[str, Any]]:
    """Do the jobs of a stack.

    Parameters
    ----------
    jobs : sequence of Job
        In their order.
    folder : pathlib.Path
        Of the stack's results; made if it is not there.
    should_stop : callable
        Asked between tiles.

    Returns
    -------
    dict
        What is said of the results, ready for JSON.

    Yields
    ------
    Progress
        ``done`` of :data:`STEPS`.

    Raises
    ------
    DualglandError
        For anything that a person can put right; results of earlier jobs stay.
    """
    made(folder)
    try:
        return (yield from _all(jobs, folder, should_stop))
    finally:
        with suppress(OSError):  # something is in it
            folder.rmdir()


def _all(
    jobs: Sequence[Job], folder: Path, should_stop: Callable[[], bool]
) -> Generator[Progress, None, dict[str, Any]]:
    told: dict[str, Any] = {}
    same: dict[Path, FileInput] = {}
    panels: list[Panel] = []
    for number, job in enumerate(jobs):
        # Where nothing was missing, what comes next reads the source: it says which channel is
        # which, as the copy may not.
        if isinstance(job.input, FileInput) and job.input.path in same:
            job = job.model_copy(update={"input": same[job.input.path]})
        # Read first: what is wrong with a file shows at once, and a model takes seconds to load.
        loaded = job.load()
        job.check()
        result = yield from _counted(job, job.steps(loaded, should_stop), number, len(jobs))
        job.save(result)
        write_beside(job, result)
        if isinstance(result, Imputation) and result.unchanged and job.output is not None:
            same[job.output] = job.file or FileInput(path=job.output)
        panels += panels_of(loaded.stack, result, job.output, first=not panels)
        told = _joined(told, _facts(result), list(loaded.stack.notes))
    write_preview(panels, folder)
    return told | {"panels": [panel.title for panel in panels]}


def _facts(result: Any) -> dict[str, Any]:
    """Return what is said of a result, ready for JSON."""
    if isinstance(result, Imputation):
        known = dict(result.provenance.missing_fraction)
        keys = result.channel_keys
        shares = {key: 0.0 if result.unchanged else known.get(key, 0.0) for key in keys}
        roles = {key: result.channels[i].role or "" for i, key in enumerate(keys)}
        notes = list(result.provenance.notes)
        return {"missing": shares, "roles": roles, "model": result.provenance.model, "notes": notes}
    if isinstance(result, Localization):
        return {"cells": len(result.table), "notes": list(result.provenance.notes)}
    if isinstance(result, Boundaries):
        return {"cells": cell_count(result), "notes": list(result.provenance.notes)}
    return {}


def _joined(told: dict[str, Any], more: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    every = [*told.get("notes", ()), *notes, *more.get("notes", ())]
    return {**told, **more, "notes": list(dict.fromkeys(every))}


def _counted(
    job: Job, steps: Generator[Progress, None, Any], number: int, jobs: int
) -> Generator[Progress, None, Any]:
    """Count the steps of one job as its part of all that is done for the stack."""
    kind = str(job.model_dump(include={"kind"})["kind"]).capitalize()
    try:
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                return end.value
            share = step.done / step.total if step.total else 0.0
            said = step.message or f"{step.done} of {step.total}"
            done = round(STEPS * (number + share) / jobs)
            yield replace(step, done=done, total=STEPS, patch=None, message=f"{kind}: {said}")
    finally:
        steps.close()
