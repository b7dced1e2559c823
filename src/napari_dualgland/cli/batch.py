"""``dualgland batch``: many stacks in, a folder of results and a report out."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from napari_dualgland.batch import (
    KINDS,
    Batch,
    BatchProgress,
    FoundStack,
    StackOptions,
    StackState,
    Status,
    find_steps,
    make_batch,
    run_batch,
)
from napari_dualgland.batch.report import PAGE, TABLE, filled_by_channel
from napari_dualgland.batch.run import summary
from napari_dualgland.batch.unreported import Unreported
from napari_dualgland.cli.console import console, progress_bar
from napari_dualgland.cli.refusals import PROGRAM
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.legible import legible
from napari_dualgland.progress import finish

if TYPE_CHECKING:
    from rich.console import Console


def asked(
    words: str, params: Mapping[str, BaseModel], device: str, model: str | None = None
) -> dict[str, BaseModel]:
    """Return what ``--do`` asks for, with its parameters.

    Parameters
    ----------
    words : str
        Names with commas between them.
    params : mapping of str to pydantic.BaseModel
        By name, of those that have options of their own.
    device : str
        For all others too.
    model : str, optional
        For another, where it is all that is asked for.

    Returns
    -------
    dict

    Raises
    ------
    DualglandError
        If there is no such thing to do.
    """
    names = [word.strip().lower() for word in words.split(",") if word.strip()]
    unknown = [name for name in names if name not in KINDS]
    if unknown or not names:
        found = f"{unknown[0]!r} is nothing that can be done" if unknown else "nothing is named"
        raise DualglandError(Kind.BAD_VALUE, "--do", found, expected=",".join(KINDS))
    made = {}
    others = {"device": device} | ({} if model is None or len({*names}) > 1 else {"model": model})
    for name in dict.fromkeys(names):
        default = KINDS[name].model_fields["params"].get_default(call_default_factory=True)
        fields = type(default).model_fields
        told = {option: value for option, value in others.items() if option in fields}
        made[name] = params.get(name, default.model_copy(update=told))
    return made


def run(
    inputs: Sequence[Path],
    out: Path,
    do: Mapping[str, BaseModel],
    options: StackOptions,
    workers: int | None,
) -> dict[str, Any]:
    """Do a batch and return what became of it, ready for JSON.

    Parameters
    ----------
    inputs : sequence of pathlib.Path
        Files, folders, patterns, tables, jobs.
    out : pathlib.Path
        Where the results go.
    do : mapping of str to pydantic.BaseModel
        What is done, and how.
    options : StackOptions
        What holds for all stacks.
    workers : int or None
        Processes at a time.

    Returns
    -------
    dict

    Raises
    ------
    DualglandError
        If the batch cannot be done at all, or a person stopped it.
    """
    start = time.perf_counter()
    with progress_bar("looking for stacks") as looking:
        found: list[FoundStack] = finish(find_steps(inputs, options, out), looking)
    batch = make_batch(found, out, do, workers)
    states, unreported = _watched(batch)
    seconds = round(time.perf_counter() - start, 3)
    files = {"output": str(batch.output), TABLE: str(batch.output / TABLE)}
    files |= {PAGE: str(batch.output / PAGE)}
    stacks = [_told(state) for state in states]
    error = None if unreported is None else str(unreported)
    return {**files, **summary(states), "seconds": seconds, "error": error, "each": stacks}


def _watched(batch: Batch) -> tuple[tuple[StackState, ...], Unreported | None]:
    """Do a batch before a person's eyes; return how it ended, and why it has no report."""
    ended: dict[str, StackState] = {}
    steps = run_batch(batch)
    try:
        with _bars(len(batch.stacks)) as show:
            while True:
                try:
                    step = next(steps)
                except StopIteration as end:
                    return end.value, None
                except Unreported as error:
                    console(stderr=True).print(legible(f"{PROGRAM}: {error}"), soft_wrap=True)
                    return error.states, error
                assert step.stack is not None
                ended[step.stack.name] = step.stack
                show(step)
    except KeyboardInterrupt:
        steps.close()
        done = sum(state.status == Status.DONE for state in ended.values())
        found = f"interrupted; {done} of {len(batch.stacks)} stacks are done"
        way_out = "the same command goes on with the others"
        raise DualglandError(Kind.INTERRUPTED, "the batch", found, way_out=way_out) from None


def _told(state: StackState) -> dict[str, Any]:
    return {
        "stack": state.name,
        "source": str(state.source),
        "status": state.status.value,
        "kept": state.earlier,
        "seconds": round(state.seconds, 3),
        "filled": filled_by_channel(state),
        "cells": state.told.get("cells"),
        "notes": list(state.told.get("notes", ())),
        "error": None if state.error is None else {**state.error, "sentence": state.sentence()},
        "results": [str(path) for path in state.results],
    }


@contextlib.contextmanager
def _bars(total: int) -> Iterator[Callable[[BatchProgress], None]]:
    """Yield what takes progress: a bar for all, one for each stack at work, a line for errors."""
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    err = console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    with Bars(*columns, console=err, transient=True, disable=not err.is_terminal) as bars:
        whole = bars.add_task(f"0 of {total} stacks", total=total)
        rows: dict[str, Any] = {}

        def show(step: BatchProgress) -> None:
            state = step.stack
            assert state is not None
            said = f"{step.done} of {total} stacks"
            bars.update(whole, completed=step.done, description=said)
            if state.status == Status.RUNNING:
                if state.name not in rows:
                    rows[state.name] = bars.add_task("", total=1.0)
                    if state.message.startswith("done anew"):
                        err.print(f"{state.name}: {state.message}", soft_wrap=True)
                said = f"{legible(state.name)[:40]}  {legible(state.message)[:40]}"
                bars.update(rows[state.name], completed=state.share, description=said)
            elif state.name in rows:
                bars.remove_task(rows.pop(state.name))
            if state.status == Status.FAILED:
                sentence, source = state.sentence(), str(state.source)
                said = sentence if source in sentence else f"{source}: {sentence}"
                err.print(f"failed: {said}", soft_wrap=True)

        yield show


def show(result: dict[str, Any], to: Console) -> None:
    """Show the result of :func:`run` to a person.

    Parameters
    ----------
    result : dict
        What :func:`run` returned.
    to : rich.console.Console
    """
    count = result["stacks"]
    kept = f" ({result['kept']} of them by an earlier run)" if result["kept"] else ""
    said = [f"{result['done']} of {count} stacks done{kept}"]
    said += [f"{result['failed']} failed"] if result["failed"] else []
    to.print(f"{', '.join(said)}, {result['seconds']:.1f} s", soft_wrap=True)
    if result["error"] is None:
        to.print(f"report: {result[PAGE]} and {TABLE}", soft_wrap=True)
    if any(stack["filled"] for stack in result["each"]):
        to.print("Imputed pixels are a model's estimate; the files mark them.")
