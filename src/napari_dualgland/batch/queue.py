"""A batch as a value: which stacks, what is done for each, and where the results go."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import decoding, regular
from napari_dualgland.frozen import FrozenModel, first_fault
from napari_dualgland.io.places import refuse_long_name
from napari_dualgland.io.targets import refuse_folder
from napari_dualgland.jobs.saved import StackJob, load_job, on_stack
from napari_dualgland.model.weights import KINDS, card_for, read_card

QUEUE = "batch.json"
"""The batch itself, in the folder of its results."""


class StackJobs(FrozenModel):
    """A stack and what is done for it.

    Attributes
    ----------
    name : str
        Of its folder among the results; no other stack has it.
    source : pathlib.Path
        What it is read from.
    files : tuple of pathlib.Path
        All the files that are read for it, whose change makes it new.
    jobs : tuple
        In their order; what one writes, a later one may read.
    error : dict or None
        Why nothing can be done.
    """

    name: str
    source: Path
    files: tuple[Path, ...] = ()
    jobs: tuple[StackJob, ...] = ()
    error: dict[str, Any] | None = None


class Batch(FrozenModel):
    """Stacks, what is done for each, and where the results go.

    Attributes
    ----------
    stacks : tuple of StackJobs
    output : pathlib.Path
        A folder; each stack has one of its own in it.
    workers : int or None
        Processes at a time; None: as many as the machine has room for.
    """

    kind: Literal["batch"] = "batch"
    stacks: tuple[StackJobs, ...]
    output: Path
    workers: int | None = Field(default=None, ge=1)

    def check_output(self) -> None:
        """Refuse a folder that cannot be written to, or that is an input.

        Raises
        ------
        DualglandError
            Of kind ``conflict``, ``not-a-file``, ``unwritable`` and the like.
        """
        refuse_folder(self.output, (), ())
        if self.output.is_dir():
            refuse_long_name(QUEUE, self.output, self.output)

    def check(self) -> None:
        """Refuse at once what would cost every stack: an output or a model that cannot be had.

        Raises
        ------
        DualglandError
        """
        self.check_output()
        asked = {(job.kind, job.params.model) for stack in self.stacks for job in stack.jobs}
        for kind, model in sorted(asked):
            if kind in KINDS:
                card_for(kind, model)
            else:
                read_card(model)


def load_jobs(path: Path) -> list[tuple[StackJob, ...]]:
    """Return the jobs that a file holds: of one stack, or of each stack of a batch.

    Parameters
    ----------
    path : pathlib.Path
        JSON.

    Raises
    ------
    DualglandError
        If it holds neither.
    """
    content = _content(path, "job")
    try:
        record = json.loads(content)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict) or record.get("kind") != "batch":
        return [(on_stack(load_job(path)),)]
    return [stack.jobs for stack in _parsed(content, path).stacks if stack.jobs]


def load_batch(path: Path) -> Batch:
    """Read a batch.

    Parameters
    ----------
    path : pathlib.Path
        The file :data:`QUEUE` that a batch has left among its results.

    Raises
    ------
    DualglandError
        If it holds none.
    """
    return _parsed(_content(path, "batch"), path)


def _content(path: Path, what: str) -> bytes:
    regular(path, what)
    with decoding(path, what):
        return path.read_bytes()


def _parsed(content: bytes, path: Path) -> Batch:
    try:
        return Batch.model_validate(json.loads(content))
    except ValidationError as error:
        at, why = first_fault(error)
        found = f"is no batch ({why})"
        raise DualglandError(Kind.WRONG_CONTENT, path, found, part=at) from None
    except (ValueError, RecursionError):
        raise DualglandError(Kind.WRONG_CONTENT, path, "is no batch (no JSON)") from None


def folder_of(batch: Batch, stack: StackJobs) -> Path:
    """Return where the results of a stack lie.

    Parameters
    ----------
    batch : Batch
    stack : StackJobs
        One of its stacks.

    Returns
    -------
    pathlib.Path
    """
    return Path(os.path.abspath(batch.output)) / stack.name
