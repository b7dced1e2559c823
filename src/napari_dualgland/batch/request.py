"""A batch as a person asks for it: stacks, what to do with all of them, and where it goes.

It is what the dock shows, and what is written down as code. :meth:`BatchRequest.batch` writes
every job of it out.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from napari_dualgland.batch.finding import find_stacks
from napari_dualgland.batch.making import KINDS, make_batch
from napari_dualgland.batch.queue import Batch, StackJobs
from napari_dualgland.batch.stacks import FoundStack, StackOptions
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.frozen import FrozenModel
from napari_dualgland.jobs.channel_words import channels_option
from napari_dualgland.jobs.code import flags, path_word, told
from napari_dualgland.jobs.inputs import Detect, FileInput, LabelsFile, MaskFile, pixel_size_option

_ALWAYS = ("model", "device", "seed")
_MAY_BE_THERE_NOW = (Kind.NOT_THERE, Kind.UNREADABLE)


class BatchRequest(FrozenModel):
    """What a person asks for.

    Attributes
    ----------
    stacks : tuple of FoundStack
    output : pathlib.Path
    do : dict
        From ``impute``, ``localize``, … to the parameters.
    workers : int or None
        Processes at a time; None: as many as the machine has room for.
    """

    stacks: tuple[FoundStack, ...]
    output: Path
    do: dict[str, BaseModel]
    workers: int | None = Field(default=None, ge=1)

    def check_output(self) -> None:
        """Refuse what cannot be the folder of results.

        Raises
        ------
        DualglandError
        """
        Batch(stacks=(), output=self.output).check_output()

    def batch(self) -> Batch:
        """Return the batch; stacks that could not be found are looked for again.

        Raises
        ------
        DualglandError
            If nothing is asked for.
        """
        stacks = [_again(stack) for stack in self.stacks]
        return make_batch(stacks, self.output, self.do, self.workers)

    def as_command(self) -> str:
        """Return the shell line that does the same.

        Raises
        ------
        DualglandError
            If there is none: options of one stack alone can only stand in a table, and not every
            parameter has an option.
        """
        options = {stack.options.model_dump_json() for stack in self.stacks}
        device = {"device": getattr(next(iter(self.do.values())), "device", "auto")}
        others = [kind for kind in self.do if kind != "impute"]
        plain = all(self.do[k] == _default(k).model_copy(update=device) for k in others)
        if len(options) != 1 or any(stack.jobs for stack in self.stacks) or not plain:
            found = "no one line says all that is asked for here"
            raise DualglandError(Kind.UNSUPPORTED, "the batch", found, way_out="copy as Python")
        given = self.stacks[0].options
        words = ["dualgland", "batch", *(path_word(stack.path) for stack in self.stacks)]
        words += flags({"out": self.output, "do": ",".join(self.do)})
        words += flags({"workers": self.workers}) if self.workers else []
        words += channels_option(given.channels) + pixel_size_option(given.pixel_size)
        if isinstance(given.missing, MaskFile):
            words += flags({"missing": given.missing.path})
        elif given.missing == Detect.nan_only() and "impute" in self.do:
            words += flags({"missing": "nan"})
        words += flags(told(self.do["impute"], _ALWAYS) if "impute" in self.do else device)
        return shlex.join(words)

    def as_python(self) -> str:
        """Return a script of the public API that does the same."""
        lists: dict[str, list[str]] = {}
        for stack in self.stacks:
            lists.setdefault(_spelt(stack.options), []).append(str(stack.path))
        names = {"find_stacks", "make_batch", "run_batch"}
        names |= {"StackOptions"} if any(lists) else set()
        kinds = ("Detect", "LabelsFile", "MaskFile")
        of_jobs = [kind for kind in kinds if any(f"={kind}" in options for options in lists)]
        body = ["stacks = []"]
        for options, paths in lists.items():
            listed = "".join(f"    {path!r},\n" for path in paths)
            body.append(f"stacks += find_stacks([\n{listed}]{f', {options}' if options else ''})")
        asked = "".join(
            f"    {kind!r}: {type(params).__name__}({_options(params)}),\n"
            for kind, params in self.do.items()
        )
        public = ", ".join(sorted(type(params).__name__ for params in self.do.values()))
        lines = [
            f"from napari_dualgland import {public}",
            f"from napari_dualgland.batch import {', '.join(sorted(names))}",
            *([f"from napari_dualgland.jobs import {', '.join(of_jobs)}"] * bool(of_jobs)),
            "",
            *body,
            f"do = {{\n{asked}}}",
            f"batch = make_batch(stacks, {str(self.output)!r}, do, workers={self.workers!r})",
            "for step in run_batch(batch):",
            "    if step.stack.error is not None:",
            "        print(step.stack.sentence())",
        ]
        return "\n".join(lines) + "\n"


def request_of(batch: Batch) -> BatchRequest:
    """Return what was asked for where a batch has been made of it.

    Parameters
    ----------
    batch : Batch

    Returns
    -------
    BatchRequest
        Where stacks are worked on in different ways, they bring their jobs.
    """
    first = next((stack.jobs for stack in batch.stacks if stack.jobs), ())
    do: dict[str, BaseModel] = {job.kind: job.params for job in first}
    stacks = tuple(_found(stack, do) for stack in batch.stacks)
    return BatchRequest(stacks=stacks, output=batch.output, do=do, workers=batch.workers)


def _found(stack: StackJobs, do: dict[str, BaseModel]) -> FoundStack:
    plain = FoundStack(path=stack.source, files=stack.files, error=stack.error)
    if not stack.jobs:
        return plain
    first, given = stack.jobs[0], stack.jobs[0].file or FileInput(path=stack.source)
    said: dict[str, Any] = {"channels": given.channels, "pixel_size": given.pixel_size}
    missing = getattr(first, "missing", None)
    said |= {"missing": missing} if isinstance(missing, Detect | MaskFile) else {}
    cells = [getattr(job, "cells", None) for job in stack.jobs]
    said["cells"] = next((source for source in cells if isinstance(source, LabelsFile)), None)
    options = StackOptions(**said)
    files = tuple(file for file in stack.files if file not in options.reads())
    found = plain.model_copy(update={"options": options, "files": files})
    (again,) = make_batch([found], Path(os.devnull), do).stacks
    nowhere = {"output": None, "input": given}
    alike = [job.model_copy(update=nowhere) for job in again.jobs]
    own = [job.model_copy(update=nowhere) for job in stack.jobs]
    return found if alike == own else plain.model_copy(update={"jobs": stack.jobs})


def _again(stack: FoundStack) -> FoundStack:
    if stack.error is None or stack.error["kind"] not in _MAY_BE_THERE_NOW:
        return stack
    found = find_stacks([stack.path], stack.options)
    return found[0] if len(found) == 1 else stack


def _default(kind: str) -> BaseModel:
    default: BaseModel = KINDS[kind].model_fields["params"].get_default(call_default_factory=True)
    return default


def _options(params: BaseModel) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in told(params, ()).items())


def _spelt(options: StackOptions) -> str:
    """Return options as Python; nothing where they say nothing."""
    said = []
    if options.channels:
        said.append(f"channels={options.channels!r}")
    if options.pixel_size is not None:
        said.append(f"pixel_size={options.pixel_size!r}")
    if isinstance(options.missing, MaskFile):
        said.append(f"missing=MaskFile(path={str(options.missing.path)!r})")
    elif options.missing != Detect():
        said.append("missing=Detect.nan_only()")
    if options.cells is not None:
        said.append(f"cells=LabelsFile(path={str(options.cells.path)!r})")
    return f"StackOptions({', '.join(said)})" if said else ""
