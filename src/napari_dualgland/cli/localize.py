"""``dualgland localize``: one stack in; a table, the cells, the maps and a picture out."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_dualgland.classes import CLASSES
from napari_dualgland.cli.console import progress_bar
from napari_dualgland.jobs.localize import FILES, LocalizeJob
from napari_dualgland.progress import finish

if TYPE_CHECKING:
    from rich.console import Console

    from napari_dualgland.results import Localization


def run(job: LocalizeJob) -> dict[str, Any]:
    """Localize the protein of a file and write what was found; return that, ready for JSON.

    Raises
    ------
    DualglandError
        For anything that the user can put right; then nothing has been written.
    """
    start = time.perf_counter()
    # Mistyped options are told before minutes are spent on the stack.
    job.check()
    with progress_bar("localizing") as step:
        result = finish(job.steps(job.load()), step)
    job.save(result)
    assert job.output is not None
    return describe(result, job.output, time.perf_counter() - start)


def describe(result: Localization, out: Path, seconds: float) -> dict[str, Any]:
    """Return what is to be told of a localization, ready for JSON.

    Parameters
    ----------
    result : Localization
    out : pathlib.Path
        Where it was written.
    seconds : float
        How long it took.

    Returns
    -------
    dict
    """
    from napari_dualgland.localization.damage import DAMAGED

    how, table = result.provenance, result.table
    named = Counter(name for said in table["classes"] for name in said.split("; ") if name)
    total = len(table)
    return {
        "output": str(out.absolute()),
        "files": {name: str((out / name).absolute()) for name in FILES},
        "cells": total,
        "classes": [
            {"name": name, "cells": named[name], "share": round(named[name] / total, 4)}
            for name in sorted(named, key=lambda n: (-named[n], CLASSES.index(n)))
        ],
        "unnamed": int((table["classes"] == "").sum()),
        "damaged": int((table["missing"] > DAMAGED).sum()),
        "imputed": int((table["imputed"] > DAMAGED).sum()),
        "model": how.model,
        "model_sha256": how.model_sha256,
        "device": how.device,
        "seconds": round(seconds, 3),
        "notes": list(how.notes),
    }


def show(result: dict[str, Any], to: Console) -> None:
    """Show the result of :func:`run` to a person.

    Parameters
    ----------
    result : dict
        What :func:`run` returned.
    to : rich.console.Console
    """
    show_classes(result, to)
    to.print(f"model {result['model']} on {result['device']}, {result['seconds']:.1f} s")
    for note in result["notes"]:
        to.print(f"note: {note}", soft_wrap=True)
    to.print(f"written: {', '.join(FILES)}", soft_wrap=True)
    to.print(f"in {result['output']}", soft_wrap=True)


def show_classes(result: dict[str, Any], to: Console) -> None:
    """Show in how many cells each class was named.

    Parameters
    ----------
    result : dict
        What :func:`describe` returned.
    to : rich.console.Console
    """
    from rich.table import Table

    if not result["cells"]:
        to.print("no cells were found; give labels of them with --cells")
        return
    table = Table("where", box=None, pad_edge=False)
    table.add_column("cells", justify="right")
    table.add_column("share", justify="right")
    for row in result["classes"]:
        table.add_row(row["name"], str(row["cells"]), f"{100 * row['share']:.0f} %")
    if result["unnamed"]:
        share = result["unnamed"] / result["cells"]
        table.add_row("no class is probable enough", str(result["unnamed"]), f"{100 * share:.0f} %")
    to.print(table)
    count = "1 cell" if result["cells"] == 1 else f"{result['cells']} cells"
    said = [f"{result[kind]} partly {kind}" for kind in ("damaged", "imputed") if result[kind]]
    to.print(", ".join([f"{count}; a cell may have several classes", *said]), soft_wrap=True)
