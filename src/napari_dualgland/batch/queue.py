"""A batch as a value: which stacks, what is done for each, and where the results go."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import decoding, regular
from napari_dualgland.frozen import FrozenModel
from napari_dualgland.io.places import refuse_long_name
from napari_dualgland.io.targets import refuse_folder
from napari_dualgland.jobs.base import Job
from napari_dualgland.jobs.channel_words import channels_option
from napari_dualgland.jobs.code import flags, path_word, told
from napari_dualgland.jobs.inputs import Detect, FileInput, MaskFile, pixel_size_option
from napari_dualgland.jobs.saved import AnyJob, load_job

QUEUE = "batch.json"
"""The batch itself, in the folder of its results."""
_ALWAYS = ("model", "device", "seed")


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
    jobs: tuple[AnyJob, ...] = ()
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

    def as_command(self) -> str:
        """Return the shell line that does the same.

        Raises
        ------
        DualglandError
            If stacks are worked on in different ways: only a table can say that.
        """
        first = self._first()
        options = first[0].input if first else None
        same = {_asked(stack.jobs) for stack in self.stacks if stack.jobs}
        if len(same) > 1 or not isinstance(options, FileInput):
            found = "not all stacks are worked on alike, which no one line says"
            way_out = "copy as Python, or write a jobs.csv"
            raise DualglandError(Kind.UNSUPPORTED, "the batch", found, way_out=way_out)
        words = ["dualgland", "batch", *(path_word(stack.source) for stack in self.stacks)]
        words += flags({"out": self.output, "do": ",".join(job.kind for job in first)})
        words += flags({"workers": self.workers}) if self.workers else []
        words += channels_option(options.channels) + pixel_size_option(options.pixel_size)
        for job in first:
            if job.kind == "impute":
                words += _missing_words(job.missing) + flags(told(job.params, _ALWAYS))
        return shlex.join(words)

    def as_python(self) -> str:
        """Return a script of the public API that does the same."""
        sources = "".join(f"    {str(stack.source)!r},\n" for stack in self.stacks)
        params = {job.kind: job.params for job in self._first()}
        kinds = [type(value).__name__ for value in params.values()]
        homes = {type(value).__module__ for value in params.values()}
        imports = [f"from {home} import {name}" for home, name in zip(sorted(homes), sorted(kinds))]
        asked = "".join(f"    {kind!r}: {_spelt(value)},\n" for kind, value in params.items())
        lines = [
            "from napari_dualgland.batch import find_stacks, make_batch, run_batch",
            *imports,
            "",
            f"stacks = find_stacks([\n{sources}])",
            f"do = {{\n{asked}}}",
            f"batch = make_batch(stacks, {str(self.output)!r}, do, workers={self.workers!r})",
            "for step in run_batch(batch):",
            "    pass  # step.stack says how far each stack is",
        ]
        return "\n".join(lines) + "\n"

    def _first(self) -> tuple[Any, ...]:
        return next((stack.jobs for stack in self.stacks if stack.jobs), ())


def _spelt(params: BaseModel) -> str:
    options = ", ".join(f"{key}={value!r}" for key, value in told(params, ()).items())
    return f"{type(params).__name__}({options})"


def _missing_words(source: Any) -> list[str]:
    if isinstance(source, MaskFile):
        return flags({"missing": source.path})
    return flags({"missing": "nan"}) if source == Detect.nan_only() else []


def _asked(jobs: tuple[Job, ...]) -> str:
    """Return what some jobs do, whatever they do it to."""
    left = {"output": True, "input": {"path"}}
    return json.dumps([job.model_dump(mode="json", exclude=left) for job in jobs], sort_keys=True)


def load_jobs(path: Path) -> list[tuple[AnyJob, ...]]:
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
    regular(path, "job")
    with decoding(path, "job"):
        content = path.read_bytes()
    try:
        record = json.loads(content)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict) or record.get("kind") != "batch":
        return [(load_job(path),)]
    return [stack.jobs for stack in load_batch(path).stacks if stack.jobs]


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
    regular(path, "batch")
    with decoding(path, "batch"):
        content = path.read_bytes()
    try:
        return Batch.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"])
        found = f"is no batch ({first['msg']})"
        raise DualglandError(Kind.WRONG_CONTENT, path, found, part=at) from None


def folder_of(batch: Batch, stack: StackJobs) -> Path:
    """Return where the results of a stack lie.

    Parameters
    ----------
    batch : Batch
    stack : StackJobs
        One of its stacks.
    """
    return Path(os.path.abspath(batch.output)) / stack.name
