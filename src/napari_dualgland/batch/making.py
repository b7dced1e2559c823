"""From the stacks that were found and what is asked for to a batch, every job of it written out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from napari_dualgland.batch.manifest import read_manifest
from napari_dualgland.batch.names import Names
from napari_dualgland.batch.queue import Batch, StackJobs
from napari_dualgland.batch.stacks import FoundStack
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import home_expanded
from napari_dualgland.frozen import first_fault
from napari_dualgland.jobs.base import Job
from napari_dualgland.jobs.inputs import FileInput, MaskFile
from napari_dualgland.jobs.saved import StackJob
from napari_dualgland.model.weights import list_models

KINDS: Mapping[str, type[Job]] = {
    kind.model_fields["kind"].default: kind for kind in get_args(get_args(StackJob)[0])
}
"""What can be done for a stack, by name, in the order in which it is done."""

_RESULTS = {"impute": "_imputed.ome.tif", "localize": "_localized"}
"""What follows the stack's name in that of a result; of others their own name, as OME-TIFF."""


def make_batch(
    stacks: Iterable[FoundStack],
    output: str | Path,
    do: Mapping[str, BaseModel],
    workers: int | None = None,
) -> Batch:
    """Return a batch: what is asked for, done for each stack.

    Parameters
    ----------
    stacks : iterable of FoundStack
        One that brings its own jobs keeps them.
    output : str or pathlib.Path
        Where the results go; a folder for each stack is made in it. Stacks that an earlier
        batch has worked on there keep their folders.
    do : mapping of str to pydantic.BaseModel
        From ``impute``, ``localize``, … to the parameters. Where imputing is among them, the
        others look at its result.
    workers : int, optional
        Processes at a time.

    Returns
    -------
    Batch

    Raises
    ------
    DualglandError
        If nothing is asked for, or something that there is not.
    """
    unknown = [kind for kind in do if kind not in KINDS]
    if unknown or not do:
        found = f"{unknown[0]!r} is nothing that can be done" if unknown else "nothing is asked for"
        raise DualglandError(Kind.BAD_VALUE, "do", found, expected=", ".join(KINDS))
    stacks, folder = list(stacks), home_expanded(output).absolute()
    former = {name: Path(record.source) for name, record in read_manifest(folder).items()}
    names = Names(folder, former, [file for stack in stacks for file in stack.files])
    do = {kind: _placed(params) for kind, params in do.items()}
    made = []
    for stack in stacks:
        name, error = names.give(stack.path), stack.error
        jobs: tuple[StackJob, ...] = ()
        if error is None:
            try:
                stack = stack.model_copy(update={"options": stack.options.absolute()})
                jobs = _moved(stack.jobs, folder / name, name) or _asked(
                    stack, folder / name, name, do
                )
            except DualglandError as refused:
                error = refused.as_data()
        files = (*stack.files, *stack.options.reads())
        made.append(StackJobs(name=name, source=stack.path, files=files, jobs=jobs, error=error))
    try:
        return Batch(stacks=tuple(made), output=folder, workers=workers)
    except ValidationError as refused:
        raise DualglandError(Kind.BAD_VALUE, *first_fault(refused)) from None


def _placed(params: BaseModel) -> BaseModel:
    """Return parameters that name the same model wherever they are read."""
    model = getattr(params, "model", "")
    if not model.endswith((".safetensors", ".json")) or model in list_models():
        return params
    return params.model_copy(update={"model": str(home_expanded(model).absolute())})


def _result(kind: str, folder: Path, name: str) -> Path:
    return folder / f"{name}{_RESULTS.get(kind, f'_{kind}.ome.tif')}"


def _asked(
    stack: FoundStack, folder: Path, name: str, do: Mapping[str, BaseModel]
) -> tuple[StackJob, ...]:
    """Return the jobs that are asked for, in the order in which they can be done."""
    jobs: list[StackJob] = []
    for kind, job in KINDS.items():
        if kind not in do:
            continue
        told: dict[str, Any] = {"params": do[kind], "output": _result(kind, folder, name)}
        fields, options = job.model_fields, stack.options
        if jobs and jobs[0].kind == "impute":
            told["input"] = FileInput(path=_result("impute", folder, name))
        else:
            told["input"] = stack.input()
            if kind == "impute" or ("missing" in fields and isinstance(options.missing, MaskFile)):
                told["missing"] = options.missing
        if "cells" in fields and options.cells is not None:
            told["cells"] = options.cells
        jobs.append(job(**told))  # type: ignore[arg-type]
    return tuple(jobs)


def _moved(jobs: tuple[StackJob, ...], folder: Path, name: str) -> tuple[StackJob, ...]:
    """Return jobs whose results go to a folder, wherever they went before."""
    moved: list[StackJob] = []
    new: dict[Path, Path] = {}
    for job in jobs:
        output = _result(job.kind, folder, name)
        changes: dict[str, Any] = {"output": output}
        if isinstance(job.input, FileInput) and job.input.path in new:
            changes["input"] = job.input.model_copy(update={"path": new[job.input.path]})
        if job.output is not None:
            new[job.output] = output
        moved.append(job.model_copy(update=changes))
    return tuple(moved)
