"""``dualgland boundaries``: one stack in; compartments, boundary map and their balance out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_dualgland.cli.console import progress_bar
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.jobs.boundaries import BoundariesJob
from napari_dualgland.progress import finish

if TYPE_CHECKING:
    from rich.console import Console

    from napari_dualgland.results import Boundaries

MOST_HOLES = 10
"""Holes that are told on the screen; the JSON holds all."""


def run(job: BoundariesJob, table: Path | None) -> dict[str, Any]:
    """Draw the boundaries of a file and write them; return what was found, ready for JSON.

    Parameters
    ----------
    job : BoundariesJob
        With an output.
    table : pathlib.Path or None
        Where the set points go as CSV.

    Returns
    -------
    dict

    Raises
    ------
    DualglandError
        For anything that the user can put right; then nothing has been written.
    """
    from napari_dualgland.io.boundaries_writing import write_table
    from napari_dualgland.io.targets import refuse_file

    start = time.perf_counter()
    # Mistyped options are told before minutes are spent on the stack.
    job.check()
    assert job.output is not None
    if table is not None:
        refuse_file(table, [*job.reads(), job.output])
        if table.absolute() == job.output.absolute():
            found, way_out = "the maps go there, too", "give the table a name of its own"
            raise DualglandError(Kind.CONFLICT, table, found, part="--table", way_out=way_out)
    loaded = job.load()
    with progress_bar("boundaries") as step:
        result = finish(job.steps(loaded), step)
    job.save(result)
    if table is not None:
        write_table(result.set_points, table)
    return describe(result, job.output, table, time.perf_counter() - start)


def describe(result: Boundaries, out: Path, table: Path | None, seconds: float) -> dict[str, Any]:
    """Return what is to be told of boundaries, ready for JSON.

    Parameters
    ----------
    result : Boundaries
    out : pathlib.Path
        Where it was written.
    table : pathlib.Path or None
        Where the set points were written.
    seconds : float
        How long it took.

    Returns
    -------
    dict
    """
    from napari_dualgland.compartments.report import cell_count, field_balance, out_of_balance

    how = result.provenance
    return {
        "output": str(out.absolute()),
        "table": None if table is None else str(table.absolute()),
        "cells": cell_count(result),
        "location": how.options["location"],
        "balance": field_balance(result),
        "out_of_balance": out_of_balance(result),
        "holes": [_plain(row) for row in result.holes.to_dict("records")],
        "pixels": result.counts,
        "model": how.model,
        "model_sha256": how.model_sha256,
        "device": how.device,
        "seconds": round(seconds, 3),
        "notes": list(how.notes),
    }


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with None where nothing is known: JSON has no NaN."""
    return {
        key: (None if value != value else round(value, 4)) if isinstance(value, float) else value
        for key, value in row.items()
    }


def show(result: dict[str, Any], to: Console) -> None:
    """Show the result of :func:`run` to a person.

    Parameters
    ----------
    result : dict
        What :func:`run` returned.
    to : rich.console.Console
    """
    show_balance(result, to)
    show_holes(result, to)
    to.print(f"model {result['model']} on {result['device']}, {result['seconds']:.1f} s")
    for note in result["notes"]:
        to.print(f"note: {note}", soft_wrap=True)
    to.print(f"written: {result['output']}", soft_wrap=True)
    if result["table"] is not None:
        to.print(f"table:   {result['table']}", soft_wrap=True)


def show_balance(result: dict[str, Any], to: Console) -> None:
    """Show how each channel is shared among the compartments, and who is out of balance.

    Parameters
    ----------
    result : dict
        What :func:`describe` returned.
    to : rich.console.Console
    """
    from rich.table import Table

    place = result["location"]
    table = Table(
        title=f"Balance of the field (learned for: {place})",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for name in ("channel", "compartment"):
        table.add_column(name)
    for name in ("of the cell's mean", "usual", "spreads off", "cells out of balance"):
        table.add_column(name, justify="right")
    for row in result["balance"]:
        table.add_row(
            row["channel"],
            row["compartment"],
            _times(row["ratio"]),
            "–" if row["usual"] is None else f"{row['usual'][0]:.2f} to {row['usual'][1]:.2f}",
            "–" if row["z_score"] is None else f"{row['z_score']:+.1f}",
            "–" if row["judged"] == 0 else f"{row['out']} of {row['judged']}",
        )
    to.print(table)
    count = "1 cell" if result["cells"] == 1 else f"{result['cells']} cells"
    said = f"{count}; out of balance: more than 2 spreads from what annotated cells show"
    to.print(said, soft_wrap=True)


def show_holes(result: dict[str, Any], to: Console) -> None:
    """Show how much the largest moves were that a filled hole has made.

    Parameters
    ----------
    result : dict
        What :func:`describe` returned.
    to : rich.console.Console
    """
    from rich.table import Table

    moved = [row for row in result["holes"] if row["moved"] is not None]
    if not moved:
        return
    table = Table(title="Filled holes", title_justify="left", box=None, pad_edge=False)
    for name in ("hole", "µm²", "cell", "most in", "before", "after"):
        table.add_column(name, justify="left" if name == "most in" else "right")
    for row in sorted(moved, key=lambda row: -abs(row["moved"]))[:MOST_HOLES]:
        table.add_row(
            str(row["hole"] or "scattered"),
            f"{row['area_um2']:.1f}",
            str(row["cell"]),
            f"{row['channel']}, {row['compartment']}",
            f"{row['z_measured']:+.1f}",
            f"{row['z_filled']:+.1f}",
        )
    to.print(table)
    if len(moved) > MOST_HOLES:
        to.print(f"and {len(moved) - MOST_HOLES} more that moved it less")


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.2f} ×"
