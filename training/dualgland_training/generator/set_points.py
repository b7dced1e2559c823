"""Learn the set points of compartments from annotated cells.

``python -m dualgland_training.annotated --recipe training/recipes/generator.yaml`` writes the
table that ships with the plugin. Groups of cells that the recipe holds out take no part; the
table is held against them, and what is said at the end is how often they keep to it.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
import typer

from dualgland_training.data.collection import (
    CELL_PIXEL_UM,
    CollectionCell,
    read_cell_image,
    read_cells,
)
from dualgland_training.generator.recipe import read_recipe
from napari_dualgland.classes import LOCATIONS
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.imputation.normalise import measure
from napari_dualgland.io.atomic import replacing
from napari_dualgland.model.compartments import COMPARTMENTS, set_points, soft_compartments
from napari_dualgland.model.set_points import ANY, COLUMNS, SHIPPED, VERSION, read_set_points
from napari_dualgland.stack import ROLES
from napari_dualgland.typing import ByteArray, Float64Array

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

LEAST_SPREAD = 0.05
"""τ is never less: agreement of a handful of cells is chance."""


class AnnotatedCell(NamedTuple):
    """A cell, its group and place, and (4, 5) measured set points."""

    group: str
    location: str
    held: Float64Array


def measured(image: ByteArray) -> Float64Array:
    """Return the set points of a (4, Y, X) cell, (4, 5)."""
    unit = measure([channel.ravel() for channel in image]).apply(image)
    x = torch.from_numpy(np.asarray(unit, np.float32))[None]
    held = set_points(x, soft_compartments(x, CELL_PIXEL_UM))
    return np.asarray(held[0].numpy(), np.float64)


def measure_cells(root: Path, cells: list[CollectionCell]) -> list[AnnotatedCell]:
    """Measure the annotated ones among cells of the atlas collection.

    Parameters
    ----------
    root : pathlib.Path
        Of the collection.
    cells : list of CollectionCell
        Of :func:`~dualgland_training.data.collection.read_cells`.

    Returns
    -------
    list of AnnotatedCell
        In their order.
    """
    return [
        AnnotatedCell(cell.group, LOCATIONS[cell.location], measured(read_cell_image(root, cell)))
        for cell in cells
        if cell.location is not None
    ]


def table_of(cells: list[AnnotatedCell]) -> str:
    """Return the table that cells teach, as CSV."""
    by_place: dict[str, list[Float64Array]] = defaultdict(list)
    for cell in cells:
        by_place[cell.location].append(cell.held)
        by_place[ANY].append(cell.held)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for place, values in sorted(by_place.items()):
        held = np.stack(values)
        theta = np.median(held, 0)
        tau = 1.4826 * np.median(np.abs(held - theta), 0)
        for c, role in enumerate(ROLES):
            for k, compartment in enumerate(COMPARTMENTS):
                spread = max(LEAST_SPREAD, float(tau[c, k]))
                numbers = (f"{theta[c, k]:.4f}", f"{spread:.4f}", len(values))
                writer.writerow((VERSION, place, role, compartment, *numbers))
    return text.getvalue()


@app.command()
def main(
    recipe: Annotated[Path, typer.Option(help="Says where cells lie and which are held out.")],
    out: Annotated[Path, typer.Option(help="The table.")] = SHIPPED,
) -> None:
    """Learn the table, write it, and hold it against the cells that were held out."""
    config = read_recipe(recipe)
    root = None if config.data.root is None else config.found(config.data.root)
    if root is None or not (root / "cells.csv").is_file():
        raise DualglandError(
            Kind.LACKING, recipe, "names no folder with cells.csv", part="data.root"
        )
    cells = measure_cells(root, read_cells(root))
    kept = {*config.data.held_out_groups, *config.data.validation_groups}
    with replacing(out) as path:
        path.write_text(table_of([c for c in cells if c.group not in kept]), encoding="utf-8")
    read_set_points.cache_clear()
    table = read_set_points(out)
    protein = ROLES.index("protein")
    off = defaultdict(list)
    for cell in cells:
        if cell.group in kept:
            wanted = table.expected([cell.location])
            off[cell.location].append(
                (np.abs(cell.held - wanted.theta) / wanted.tau)[protein, :-1] <= 2
            )
    for place, inside in sorted(off.items()):
        typer.echo(
            f"{place}: {np.mean(inside):.0%} of the protein's set points of {len(inside)} "
            "cells that were held out lie within two spreads"
        )
