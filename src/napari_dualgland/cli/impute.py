"""``dualgland impute``: one stack in, one corrected OME-TIFF out."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_dualgland.cli.console import console, progress_bar
from napari_dualgland.findings import Finding
from napari_dualgland.jobs import ImputeJob
from napari_dualgland.progress import Progress, finish
from napari_dualgland.results import NOTHING_MISSING, Imputation

if TYPE_CHECKING:
    from rich.console import Console


def run(job: ImputeJob) -> dict[str, Any]:
    """Impute a file and write the result; return what was done, ready for JSON.

    Raises
    ------
    DualglandError
        For anything that the user can put right; then nothing has been written.
    """
    start = time.perf_counter()
    # Mistyped options are told before minutes are spent on the stack.
    job.check()
    loaded = job.load()
    found: list[Finding] = []
    with progress_bar("imputing") as step:

        def hear(event: Progress) -> None:
            found.extend(event.found)
            for finding in event.found:
                console(stderr=True).print(f"note: {finding.sentence()}", soft_wrap=True)
            step(event)

        result = finish(job.steps(loaded), hear)
    job.save(result)
    assert job.output is not None
    told = describe(result, job.output, time.perf_counter() - start)
    told["notes"] = list(dict.fromkeys([*(f.sentence() for f in found), *told["notes"]]))
    return told | {"found": [asdict(finding) for finding in found]}


def describe(result: Imputation, out: Path, seconds: float) -> dict[str, Any]:
    """Return what is to be told of an imputation, ready for JSON.

    Parameters
    ----------
    result : Imputation
    out : pathlib.Path
        Where it was written.
    seconds : float
        How long it took.

    Returns
    -------
    dict
    """
    how = result.provenance
    computed = {"model", "model_sha256", "seed", "device", "precision"}
    told = {
        "output": str(out.absolute()),
        "nothing_to_do": result.unchanged,
        "shape": list(result.shape),
        "axes": result.axes,
        "dtype": str(result.dtype),
        "channels": [{"name": c.name, "role": c.role} for c in result.channels],
        "missing_fraction": dict(how.missing_fraction),
        **how.model_dump(include=computed),
        "seconds": round(seconds, 3),
        # What was odd about reading comes before what was odd about imputing.
        "notes": list(dict.fromkeys([*result.notes, *how.notes])),
    }
    if result.unchanged:
        told |= dict.fromkeys(computed)
        told["missing_fraction"] = dict.fromkeys(result.channel_keys, 0.0)
        copied = f"{NOTHING_MISSING}; the output is an identical copy"
        told["notes"] = [*(n for n in told["notes"] if n != NOTHING_MISSING), copied]
    return told


def show(result: dict[str, Any], to: Console) -> None:
    """Show the result of :func:`run` to a person.

    Parameters
    ----------
    result : dict
        What :func:`run` returned.
    to : rich.console.Console
    """
    from rich.table import Table

    if result["nothing_to_do"]:
        to.print("nothing to do: no pixel is missing")
        to.print(f"an identical copy is in {result['output']}", soft_wrap=True)
        for note in result["notes"][:-1]:
            to.print(f"note: {note}", soft_wrap=True)
        return
    table = Table("channel", "role", "imputed", box=None, pad_edge=False)
    shares = result["missing_fraction"].values()
    for channel, share in zip(result["channels"], shares, strict=True):
        table.add_row(channel["name"], channel["role"] or "–", f"{100 * share:.2f} %")
    to.print(table)
    to.print(f"model {result['model']} on {result['device']}, {result['seconds']:.1f} s")
    for note in result["notes"]:
        to.print(f"note: {note}", soft_wrap=True)
    to.print(f"written: {result['output']}", soft_wrap=True)
    to.print("Imputed pixels are a model's estimate; the file marks them.")
