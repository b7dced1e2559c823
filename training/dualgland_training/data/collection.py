"""The atlas collection: a folder of fields, cells and single channels, with a table of each.

This is the one reader of its tables. Fields of which one channel alone is known are laid
together, four to a stack: textures are real, couplings are none.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tifffile
from skimage.io import imread

from dualgland_training.data.options import DataOptions
from dualgland_training.data.source import PARTS, Source, make_source
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import decoding, regular
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
    with (
        decoding(regular(path, "table of the atlas collection"), "CSV"),
        path.open(newline="", encoding="utf-8") as file,
    ):
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


def _flat(path: Path) -> ByteArray:
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
            raise DualglandError(
                Kind.NOT_THERE, root, f"there is no {', '.join(unknown)}", part=f"data.{option}"
            )


class Listed(NamedTuple):
    """An image of the collection that is not read yet: its source, and what it is for."""

    part: str
    name: str
    kind: str
    factors: tuple[int, ...]
    read: Callable[[], ByteArray]


def list_collection(root: Path, options: DataOptions) -> Iterator[Listed]:
    """List the atlas collection.

    Fields are held out whole, cells by group, so that nothing of a held-out image is seen.

    Parameters
    ----------
    root : pathlib.Path
        Its folder.
    options : DataOptions
        What is kept apart.

    Yields
    ------
    Listed
        Every image.

    Raises
    ------
    DualglandError
        If it is no collection, or does not hold what the recipe keeps apart: a mistyped name
        would be trained on.
    """
    if not (root / "fields.csv").is_file():
        found = "holds no fields.csv; it is no atlas collection"
        raise DualglandError(Kind.WRONG_CONTENT, root, found, part="data.root")
    _check_kept(root, options)
    # The smaller fields are as fine as a field at a quarter of its size already.
    for kind, factors in (("fields", (1, 2, 4)), ("fields512", (1,))):
        for row in read_table(root, kind) if (root / f"{kind}.csv").is_file() else ():
            name = row["field"]
            part = options.part_of(name, "fields")
            yield Listed(part, name, kind, factors, partial(read_field, root, name, kind))
    if "shift" in options.watched:
        for path in sorted((root / OTHER_ATLAS).glob(f"*_{SUFFIXES['nucleus']}.*")):
            name = path.stem.removesuffix(f"_{SUFFIXES['nucleus']}")
            read = partial(read_field, root, name, OTHER_ATLAS)
            yield Listed("shift", name, OTHER_ATLAS, (1, 2, 4), read)
    for cell in read_cells(root):
        part = options.part_of(cell.group, "groups")
        yield Listed(part, cell.file, "cells", (1,), partial(read_cell_image, root, cell))
    singles: dict[str, list[Path]] = {role: [] for role in ROLES}
    for row in read_table(root, "singles"):
        singles[row["channel"]].append(root / "singles" / row["file"])
    every = options.validation_singles
    for number, files in enumerate(zip(*singles.values(), strict=False)):
        part = "validation" if every and number % every == 0 else "train"
        name = "+".join(file.name[:8] for file in files)
        yield Listed(part, name, "singles", (1,), partial(_laid_together, files))


def _laid_together(files: tuple[Path, ...]) -> ByteArray:
    """Read fields of which one channel each is known as one stack."""
    return np.stack([_flat(file) for file in files])


def read_collection(root: Path, options: DataOptions) -> dict[str, list[Source]]:
    """Read the atlas collection.

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
    """
    parts: dict[str, list[Source]] = {part: [] for part in PARTS}
    for part, name, kind, factors, read in list_collection(root, options):
        parts[part].append(make_source(name, kind, read(), factors))
    return parts
