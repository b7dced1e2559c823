"""The atlas collection: a folder of fields, cells and single channels, with a table of each.

This is the one reader of its tables. Fields of which one channel alone is known are laid
together, four to a stack: textures are real, couplings are none.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tifffile
from skimage.io import imread

from dualgland_training.data.options import DataOptions
from dualgland_training.data.source import PARTS, Source, make_source
from napari_dualgland.errors import DualglandError
from napari_dualgland.stack import ROLES
from napari_dualgland.typing import ByteArray

OTHER_ATLAS = "other_atlas"
"""Folder of fields of another atlas, whose licence lets nothing that ships learn from them."""

SUFFIXES = {"microtubules": "red", "protein": "green", "nucleus": "blue", "er": "yellow"}

CELL_PIXEL_UM = 0.13
"""Micrometres per pixel of the cells, about."""


@dataclass(frozen=True)
class CollectionCell:
    """A row of ``cells.csv``.

    Attributes
    ----------
    file : str
        Name of its image in ``cells/``.
    group : str
        Cells of one image and antibody.
    location : int or None
        What it was annotated with, of the atlas's 28 locations.
    cut : bool
        Whether the picture ends before the cell does.
    """

    file: str
    group: str
    location: int | None
    cut: bool


def read_table(root: Path, name: str) -> list[dict[str, str]]:
    """Return the rows of a table of the collection.

    Parameters
    ----------
    root : pathlib.Path
        Folder of the collection.
    name : str
        Of the table: ``fields``, ``cells``…

    Returns
    -------
    list of dict
        By column.

    Raises
    ------
    DualglandError
        If there is no such table.
    """
    path = root / f"{name}.csv"
    if not path.is_file():
        raise DualglandError(f"{root}: holds no {name}.csv; name the atlas collection")
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_cells(root: Path) -> list[CollectionCell]:
    """Return every cell of the collection, annotated or not, in the order of its table."""
    return [
        CollectionCell(
            row["file"],
            row["group"],
            int(row["label_28"]) if row.get("label_28") else None,
            row.get("touches_tile_border") == "True",
        )
        for row in read_table(root, "cells")
    ]


def read_cell_image(root: Path, cell: CollectionCell) -> ByteArray:
    """Return the picture of a cell.

    Parameters
    ----------
    root : pathlib.Path
        Folder of the collection.
    cell : CollectionCell
        One of :func:`read_cells`.

    Returns
    -------
    numpy.ndarray
        (4, H, W), uint8.
    """
    return np.asarray(tifffile.imread(root / "cells" / cell.file))


def _flat(path: Path) -> npt.NDArray[np.uint8]:
    plane = imread(path)
    return np.asarray(plane if plane.ndim == 2 else plane.max(-1))


def read_field(root: Path, field: str, folder: str = "fields") -> ByteArray:
    """Return a field of view.

    Parameters
    ----------
    root : pathlib.Path
        Of the collection.
    field : str
        Its name.
    folder : str
        ``fields``, ``fields512`` or ``other_atlas``.

    Returns
    -------
    numpy.ndarray
        (4, H, W), uint8.
    """
    return np.stack([_flat(root / folder / f"{field}_{SUFFIXES[role]}.png") for role in ROLES])


def _check_kept(root: Path, options: DataOptions) -> None:
    """Refuse names of fields and groups that the collection does not hold."""
    tables = {"fields": "field", "fields512": "field", "cells": "group"}
    held = {
        row[column]
        for table, column in tables.items()
        if (root / f"{table}.csv").is_file()
        for row in read_table(root, table)
    }
    for option in ("held_out_fields", "held_out_groups", "validation_fields", "validation_groups"):
        unknown = [name for name in getattr(options, option) if name not in held]
        if unknown:
            raise DualglandError(f"{root}: data: {option}: there is no {', '.join(unknown)}")


def read_collection(root: Path, options: DataOptions) -> dict[str, list[Source]]:
    """Read the atlas collection.

    Fields are held out whole, cells by group, so that nothing of a held-out image is seen.

    Parameters
    ----------
    root : pathlib.Path
        Its folder.
    options : DataOptions
        What is kept apart.

    Returns
    -------
    dict
        Sources by what they are for.

    Raises
    ------
    DualglandError
        If it is no collection, or does not hold what the recipe keeps apart: a mistyped name
        would be trained on.
    """
    if not (root / "fields.csv").is_file():
        raise DualglandError(f"{root}: holds no fields.csv; data: root: is no atlas collection")
    _check_kept(root, options)
    parts: dict[str, list[Source]] = {part: [] for part in PARTS}
    # The smaller fields are as fine as a field at a quarter of its size already.
    for kind, factors in (("fields", (1, 2, 4)), ("fields512", (1,))):
        for row in read_table(root, kind) if (root / f"{kind}.csv").is_file() else ():
            image = read_field(root, row["field"], kind)
            part = options.part_of(row["field"], "fields")
            parts[part].append(make_source(row["field"], kind, image, factors))
    if "shift" in options.watched:
        for path in sorted((root / OTHER_ATLAS).glob(f"*_{SUFFIXES['nucleus']}.*")):
            name = path.stem.removesuffix(f"_{SUFFIXES['nucleus']}")
            image = read_field(root, name, OTHER_ATLAS)
            parts["shift"].append(make_source(name, OTHER_ATLAS, image, (1, 2, 4)))
    for cell in read_cells(root):
        source = make_source(cell.file, "cells", read_cell_image(root, cell), (1,))
        parts[options.part_of(cell.group, "groups")].append(source)
    for number, source in enumerate(_read_singles(root)):
        every = options.validation_singles
        parts["validation" if every and number % every == 0 else "train"].append(source)
    return parts


def _read_singles(root: Path) -> list[Source]:
    """Lay fields of which one channel is known four to a stack."""
    singles: dict[str, list[str]] = {role: [] for role in ROLES}
    for row in read_table(root, "singles"):
        singles[row["channel"]].append(row["file"])
    return [
        make_source(
            "+".join(file[:8] for file in files),
            "singles",
            np.stack([_flat(root / "singles" / file) for file in files]),
            (1,),
        )
        for files in zip(*singles.values(), strict=False)
    ]
