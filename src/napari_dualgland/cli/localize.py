"""``dualgland localize``: one stack in; a table, the cells, the maps and a picture out."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dualgland.classes import CLASSES
from napari_dualgland.cli.console import progress_bar
from napari_dualgland.cli.impute import fill, make_params, options_of, parse_channels
from napari_dualgland.errors import DualglandError

if TYPE_CHECKING:
    from rich.console import Console

    from napari_dualgland.localization.params import LocalizeParams
    from napari_dualgland.results import Imputation, Localization
    from napari_dualgland.stack import Stack

OVERLAY = "overlay.png"
FILES = ("cells.csv", "cells.tif", "maps.ome.tif", OVERLAY)


def make_localize_params(**options: Any) -> LocalizeParams:
    """Return the parameter object; an option out of range is told by its name.

    Raises
    ------
    DualglandError
        For a value that the parameter object refuses.
    """
    from napari_dualgland.localization.params import LocalizeParams

    return options_of(LocalizeParams, options)


def run(
    source: Path,
    out: Path,
    cells: Path | None,
    missing: str,
    channels: str | None,
    params: LocalizeParams,
    *,
    impute_first: bool = False,
) -> dict[str, Any]:
    """Localize the protein of a file and write what was found.

    Parameters
    ----------
    source : pathlib.Path
        A stack, or the common prefix or folder of an HPA set.
    out : pathlib.Path
        The folder to write to; made where it is not there.
    cells : pathlib.Path or None
        Labels of the cells; None finds them.
    missing : str
        ``auto``, or the path of a mask.
    channels : str or None
        Roles by hand, as :func:`~napari_dualgland.cli.impute.parse_channels` takes them.
    params : LocalizeParams
        How to localize.
    impute_first : bool
        Fill what is damaged before looking.

    Returns
    -------
    dict
        What was found, ready for JSON.

    Raises
    ------
    DualglandError
        For anything that the user can put right; then nothing has been written.
    """
    mask = None if missing == "auto" else Path(missing)
    check_folder(out, [path for path in (source, cells, mask) if path is not None])
    start = time.perf_counter()

    from napari_dualgland.io import read, read_labels, read_mask
    from napari_dualgland.missing import find_missing, match_mask
    from napari_dualgland.model.device import choose_device
    from napari_dualgland.model.weights import card_for

    # Mistyped options are told before minutes are spent on the stack.
    choose_device(params.device)
    card_for("localize", params.model)
    stack = read(source, channels=parse_channels(channels))
    check_folder(out, [Path(member) for member in stack.metadata.get("files", ())])
    if "protein" not in stack.roles:
        raise DualglandError(f"{source}: no channel is the protein; say it with --channels")
    labels = None if cells is None else _fitting(read_labels(cells), stack, cells)
    lost = None if mask is None else match_mask(read_mask(mask), stack)
    notes = list(stack.metadata.get("notes", ()))
    looked_at: Stack | Imputation = stack
    if impute_first:
        lost = find_missing(stack) if lost is None else lost
        looked_at = fill(stack, lost, make_params(device=params.device))
        notes += looked_at.provenance.notes
        lost = np.zeros(looked_at.stack.shape, bool)
    result = find(looked_at, labels, lost, params)
    write_all(result, out)
    told = describe(result, out, time.perf_counter() - start)
    told["notes"] = list(dict.fromkeys([*notes, *told["notes"]]))
    return told


def find(
    stack: Stack | Imputation, cells: Any, missing: Any, params: LocalizeParams
) -> Localization:
    """Return the localization, with a progress bar where there is a terminal."""
    from napari_dualgland.localization.predict import localize

    with progress_bar("localizing") as step:
        return localize(stack, cells, params, missing, progress=step)


def write_all(result: Localization, out: Path) -> None:
    """Write table, cells, maps and picture: all of them or none."""
    from napari_dualgland.io import write
    from napari_dualgland.io.atomic import replacing
    from napari_dualgland.io.localization_writing import making
    from napari_dualgland.localization.picture import picture

    with making(out), replacing(out / OVERLAY) as beside:
        picture(result).save(beside, format="PNG", optimize=True)
        write(result, out)


def check_folder(out: Path, read_from: list[Path]) -> None:
    """Refuse a folder that cannot be written to, or in which an input would be replaced.

    Raises
    ------
    DualglandError
        With the way out.
    """
    if out.exists() and not out.is_dir():
        raise DualglandError(f"--out {out}: this is a file; give the name of a folder")
    there = out.absolute()
    while not there.exists():
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise DualglandError(f"--out {out}: {there} cannot be written to; choose another")
    for target in (out / name for name in FILES):
        if target.is_dir():
            raise DualglandError(f"--out {out}: {target.name} is a folder there; choose another")
        for path in read_from:
            if target.exists() and path.exists() and target.samefile(path):
                raise DualglandError(
                    f"--out {out}: {path} would be replaced, and inputs never are; choose another"
                )


def _fitting(labels: Any, stack: Stack, path: Path) -> Any:
    """Return labels in the shape of the stack without ``C``, or (Y, X); axes of 1 come back."""
    shape = tuple(n for axis, n in stack.sizes.items() if axis != "C")
    plane = stack.sizes["Y"], stack.sizes["X"]
    for wanted in (shape, plane):
        if np.squeeze(labels).shape == tuple(n for n in wanted if n != 1):
            return labels.reshape(wanted)
    raise DualglandError(
        f"--cells {path}: labels of shape {labels.shape} do not fit the stack of {plane[0]} × "
        f"{plane[1]} pixels; draw them on this stack"
    )


def describe(result: Localization, out: Path, seconds: float) -> dict[str, Any]:
    """Return what is to be told of a localization, ready for JSON."""
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
    """Show the result of :func:`run` to a person."""
    show_classes(result, to)
    to.print(f"model {result['model']} on {result['device']}, {result['seconds']:.1f} s")
    for note in result["notes"]:
        to.print(f"note: {note}", markup=False, soft_wrap=True)
    to.print(f"written: {', '.join(FILES)}", soft_wrap=True)
    to.print(f"in {result['output']}", soft_wrap=True)


def show_classes(result: dict[str, Any], to: Console) -> None:
    """Show in how many cells each class was named."""
    from rich.table import Table

    if not result["cells"]:
        to.print("no cells were found; give labels of them with --cells")
        return
    table = Table("where", box=None, pad_edge=False)
    table.add_column("cells", justify="right")
    table.add_column("share", justify="right")
    for row in result["classes"]:
        table.add_row(row["name"], str(row["cells"]), f"{row['share']:.0%}")
    if result["unnamed"]:
        share = result["unnamed"] / result["cells"]
        table.add_row("no class is probable enough", str(result["unnamed"]), f"{share:.0%}")
    to.print(table)
    count = "1 cell" if result["cells"] == 1 else f"{result['cells']} cells"
    said = [f"{result[kind]} partly {kind}" for kind in ("damaged", "imputed") if result[kind]]
    to.print(", ".join([f"{count}; a cell may have several classes", *said]), soft_wrap=True)
