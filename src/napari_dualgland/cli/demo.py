"""``dualgland demo``: the main job on the bundled sample, held against truth and classical fills.

The whole sample is known, so the figures it prints are measured on the spot and not quoted.
It needs no network and no screen.
"""

from __future__ import annotations

import subprocess
import sys
import time
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dualgland.cli import boundaries as boundaries_verb
from napari_dualgland.cli.compare import DEFINITION, Scene
from napari_dualgland.cli.console import console, progress_bar
from napari_dualgland.cli.doctor import QT_BINDINGS, has_screen
from napari_dualgland.cli.impute import describe
from napari_dualgland.cli.localize import show_classes
from napari_dualgland.compartments.params import BoundariesParams
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.jobs import (
    BoundariesJob,
    FileInput,
    ImputeJob,
    Loaded,
    LocalizeJob,
    MaskFile,
)
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.progress import finish

if TYPE_CHECKING:
    from rich.console import Console

    from napari_dualgland.imputation.params import ImputeParams
    from napari_dualgland.results import Imputation
    from napari_dualgland.stack import Stack

IMPUTED = "dualgland_imputed.ome.tif"
LOCALIZED = "localization"
BOUNDARIES = "dualgland_boundaries.ome.tif"
SET_POINTS = "dualgland_set_points.csv"
PICTURE = "dualgland_before_after.png"
CAPTION = (
    "Simulated sample.  Missing: white where every channel is lost, else the lost channel's "
    "colour.  Imputed pixels are a model's estimate, not a measurement."
)


def run(out: Path, params: ImputeParams) -> dict[str, Any]:
    """Impute the sample, compare, and say where its protein is; leave the files in a folder.

    Parameters
    ----------
    out : pathlib.Path
        The folder; made where it is not there.
    params : ImputeParams
        How to impute.

    Returns
    -------
    dict
        What was done and measured, ready for JSON.

    Raises
    ------
    DualglandError
        If the folder cannot be made, or the bundled sample is not there.
    """
    from napari_dualgland.cli.picture import before_after
    from napari_dualgland.io import read, read_mask
    from napari_dualgland.sample import sample_path

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = f"cannot be made ({error.strerror})"
        raise DualglandError(Kind.UNWRITABLE, out, why, part="--out") from error
    whole = read(sample_path("dualgland_whole.ome.tif"))
    mask = sample_path("dualgland_damaged_mask.tif")
    job = ImputeJob(
        input=FileInput(path=sample_path("dualgland_damaged.ome.tif")),
        missing=MaskFile(path=mask),
        params=params,
        output=out / IMPUTED,
    )
    job.check()
    loaded = job.load()
    damaged, missing = loaded.stack, read_mask(mask).fitted(loaded.stack)

    start = time.perf_counter()
    with progress_bar("imputing") as step:
        result = finish(job.steps(loaded), step)
    seconds = time.perf_counter() - start
    job.save(result)

    names = [channel.name for channel in whole.channels]
    scene = Scene(_frame(whole), _frame(damaged), _frame(damaged, missing), names)
    figures, notes = compare(scene, damaged, missing, params)
    figures[f"dualgland, {params.model}"] = scene.row(_frame(result.stack), seconds)
    colors = [channel.color or "#FFFFFF" for channel in whole.channels]
    before_after(scene, _frame(result.stack), colors, CAPTION, out / PICTURE)

    told = describe(result, out / IMPUTED, seconds)
    localized, more = localize(result, out / LOCALIZED, params)
    return {
        **told,
        "localization": localized,
        "boundaries": boundaries(result, out, params),
        "picture": str((out / PICTURE).absolute()),
        "figures": figures,
        "definition": DEFINITION,
        "notes": [*told["notes"], *notes, *more],
    }


def localize(
    result: Imputation, out: Path, params: ImputeParams
) -> tuple[dict[str, Any] | None, list[str]]:
    """Say where the protein of the imputed sample is; None and why not without a localizer.

    Parameters
    ----------
    result : Imputation
    out : pathlib.Path
        The folder to write to.
    params : ImputeParams
        Whose device is used.

    Returns
    -------
    tuple of (dict or None, list of str)
        What was found, and notes.
    """
    from napari_dualgland.cli import localize as verb
    from napari_dualgland.model.weights import models_for

    how = LocalizeParams(device=params.device)
    if how.model not in models_for("localize"):
        return None, ["the protein is not localized: this installation has no localizer"]
    start = time.perf_counter()
    job = LocalizeJob(input=FileInput(path=out.parent / IMPUTED), params=how, output=out)
    with progress_bar("localizing") as step:
        found = finish(job.steps(Loaded(result)), step)
    job.save(found)
    told = verb.describe(found, out, time.perf_counter() - start)
    notes = told.pop("notes")
    return told, notes


def boundaries(result: Imputation, out: Path, params: ImputeParams) -> dict[str, Any]:
    """Draw the compartments of the imputed sample, and measure their balance before and after.

    Parameters
    ----------
    result : Imputation
    out : pathlib.Path
        The folder to write to.
    params : ImputeParams
        Whose device is used.

    Returns
    -------
    dict
        What was found.
    """
    from napari_dualgland.io.boundaries_writing import write_table

    start = time.perf_counter()
    how = BoundariesParams(device=params.device)
    job = BoundariesJob(input=FileInput(path=out / IMPUTED), params=how, output=out / BOUNDARIES)
    with progress_bar("boundaries") as step:
        found = finish(job.steps(Loaded(result)), step)
    job.save(found)
    table = write_table(found.set_points, out / SET_POINTS)
    return boundaries_verb.describe(found, out / BOUNDARIES, table, time.perf_counter() - start)


def compare(
    scene: Scene, damaged: Stack, missing: Any, params: ImputeParams
) -> tuple[dict[str, Any], list[str]]:
    """Return a row per classical fill and for the prior, and what could not be compared.

    Parameters
    ----------
    scene : Scene
    damaged : Stack
    missing : numpy.ndarray
        Boolean, shape of ``damaged.data``.
    params : ImputeParams

    Returns
    -------
    tuple of (dict, list of str)
        Rows by name, and notes.
    """
    from napari_dualgland.classical import FILLS
    from napari_dualgland.imputation.engine import impute

    rows: dict[str, Any] = {}
    notes: list[str] = []
    for name, classical in FILLS.items():
        try:
            rows[name] = scene.measure(classical)
        except DualglandError as error:  # OpenCV is no base dependency
            notes.append(f"{name} is not compared: {error}")
    if params.model != "prior":
        # The network stands on the prior: without this row nobody could tell what it adds.
        prior = params.model_copy(update={"model": "prior"})
        start = time.perf_counter()
        alone = impute(damaged, missing, prior)
        rows["dualgland, prior"] = scene.row(_frame(alone.stack), time.perf_counter() - start)
    return rows, notes


def _frame(stack: Stack, values: Any = None) -> np.ndarray[Any, Any]:
    """Return the one frame of a stack as (C, Y, X); other values of its shape if given."""
    from napari_dualgland.stack import to_canonical

    shown = to_canonical(stack.data if values is None else values, stack.axes)
    return np.asarray(shown[0, 0])


def show(result: dict[str, Any], to: Console) -> None:
    """Show the result of :func:`run` to a person.

    Parameters
    ----------
    result : dict
        What :func:`run` returned.
    to : rich.console.Console
    """
    from rich.table import Table
    from rich.text import Text

    columns = list(next(iter(result["figures"].values()))["psnr_db"])
    best = {c: max(row["psnr_db"][c] for row in result["figures"].values()) for c in columns}
    table = Table(title="PSNR inside the holes, dB", title_justify="left", box=None, pad_edge=False)
    table.add_column("fill")
    for column in (*columns, "seconds"):
        table.add_column(column, justify="right")
    for name, row in result["figures"].items():
        cells = [
            Text(f"{row['psnr_db'][c]:.2f}", "bold" if row["psnr_db"][c] == best[c] else "")
            for c in columns
        ]
        table.add_row(name, *cells, f"{row['seconds']:.2f}")
    to.print(table)
    to.print(f"{result['definition']}.", soft_wrap=True)
    shares = ", ".join(
        f"{name} {100 * share:.1f} %" for name, share in result["missing_fraction"].items()
    )
    to.print(f"imputed: {shares}; model {result['model']} on {result['device']}", soft_wrap=True)
    found = result["localization"]
    if found is not None:
        to.print()
        to.print(f"where the protein is, by the model {found['model']}:")
        show_classes(found, to)
        to.print()
    boundaries_verb.show_balance(result["boundaries"], to)
    to.print("the sample is simulated: its balance is not that of annotated cells", soft_wrap=True)
    boundaries_verb.show_holes(result["boundaries"], to)
    to.print()
    for note in dict.fromkeys([*result["notes"], *result["boundaries"]["notes"]]):
        to.print(f"note: {note}", soft_wrap=True)
    to.print(f"picture: {result['picture']}", soft_wrap=True)
    to.print(f"stack:   {result['output']}", soft_wrap=True)
    if found is not None:
        to.print(f"cells, maps and overlay: {found['output']}", soft_wrap=True)
    to.print(f"boundaries: {result['boundaries']['output']}", soft_wrap=True)
    to.print(f"set points: {result['boundaries']['table']}", soft_wrap=True)


def open_napari(out: Path) -> None:
    """Open napari on the result and wait until it is closed; say so where that cannot be.

    napari runs as a process of its own: where the system's Qt libraries are lacking, Qt ends
    the process, and the demo has done its work by then.
    """
    said = console(stderr=True)
    if not has_screen():
        said.print("no screen here, so napari is not opened")
        return
    if util.find_spec("napari") is None or not any(map(util.find_spec, QT_BINDINGS)):
        said.print("napari is not installed; pip install 'napari-dualgland[all]' shows the result")
        return
    said.print("opening the result in napari; close its window to end")
    command = [sys.executable, "-m", "napari", "--plugin", "napari-dualgland", str(out / IMPUTED)]
    if subprocess.run(command, check=False).returncode:
        said.print("napari could not be opened; dualgland doctor tells what is lacking")
