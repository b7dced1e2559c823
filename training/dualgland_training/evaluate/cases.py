"""What is damaged and how: held-out images by name, and the cases reported apart."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

from dualgland_training.data.collection import SUFFIXES, read_field
from dualgland_training.data.damage import draw_damage
from dualgland_training.data.options import DataOptions
from dualgland_training.data.source import shrink
from dualgland_training.trainer.options import check_options
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.model.weights import read_card
from napari_dualgland.typing import AnyArray, BoolArray

CASES: dict[str, tuple[str, tuple[int, ...] | None]] = {
    "box, all channels": ("box", None),
    "scratches, all channels": ("scratches", None),
    "dropped lines, all channels": ("lines", None),
    "thick, all channels": ("thick", None),
    "random, all channels": ("random", None),
    "saturated, all channels": ("saturated", None),
    "box, protein only": ("box", (1,)),
    "scratches, protein only": ("scratches", (1,)),
    "thick, protein only": ("thick", (1,)),
    "random, protein only": ("random", (1,)),
    "box, microtubules only": ("box", (0,)),
    "box, nucleus only": ("box", (2,)),
    "box, er only": ("box", (3,)),
}
NATIVE = ("box, all channels", "scratches, all channels", "box, protein only")
"""Cases that are also run, and timed, on the field at its full resolution."""

CELL_CASE = "box, protein only"
"""The case in which the judge names the class of filled cells."""

CELLS_EACH = 8
"""Cells that every other case is run on."""

QUICK = ("box, all channels", "box, protein only")
"""Cases of a quick look."""


@dataclass(frozen=True)
class HeldOut:
    """Fields and groups of cells that none of the models was trained on or chosen by."""

    fields: tuple[str, ...]
    groups: tuple[str, ...]


def held_out(models: Sequence[str]) -> HeldOut:
    """Return what all the models' cards say was kept from training.

    Raises
    ------
    DualglandError
        If a model does not exist, or nothing was kept from all of them.
    """
    found = [data for model in models for data in collections_of(model)]
    if not found:
        raise DualglandError(
            Kind.LACKING,
            ", ".join(models),
            "no card of these models says what was held out",
            way_out="evaluate a model too that was trained on the collection",
        )
    fields = set.intersection(*(set(data.held_out_fields) for data in found))
    groups = set.intersection(*(set(data.held_out_groups) for data in found))
    if not fields and not groups:
        alone = len(models) == 1
        raise DualglandError(
            Kind.EMPTY,
            ", ".join(models),
            "nothing was held out from " + ("this model" if alone else "all of these models"),
            way_out="hold some out in its recipe" if alone else "evaluate them one by one",
        )
    return HeldOut(tuple(sorted(fields)), tuple(sorted(groups)))


def collections_of(model: str, before: tuple[str, ...] = ()) -> list[DataOptions]:
    """Return what was kept from a model, and from those that it started from.

    Parameters
    ----------
    model : str
        Name or file.
    before : tuple of str
        Models that started from this one.

    Returns
    -------
    list of DataOptions
        Of the model's card and of every card at hand of a model that it started from; none of
        a model that has seen nothing of the collection.

    Raises
    ------
    DualglandError
        If there is no such model, or its card says of data what no recipe says.
    """
    card, path = read_card(model)
    own = check_options(DataOptions, card.recipe.get("data") or {}, path)
    start = card.recipe.get("start") or ()
    found: list[DataOptions] = []
    unknown = False
    for earlier in [start] if isinstance(start, str) else start:
        try:
            found += () if earlier in before else collections_of(earlier, (*before, model))
        except DualglandError:
            unknown = True  # of what it saw, this card alone tells
    if unknown or own.root is not None or own.held_out_fields or own.held_out_groups:
        found.append(own)
    return found


def read_images(data: Path, kept: HeldOut, cells: int, quick: bool) -> dict[str, AnyArray]:
    """Return the held-out images by name.

    Parameters
    ----------
    data : pathlib.Path
        The atlas folder.
    kept : HeldOut
        Which fields and groups.
    cells : int
        At most so many, evenly over the table.
    quick : bool
        The middle 512² pixels of every field at the coarser size alone.

    Returns
    -------
    dict
        Name → (4, Y, X) uint8: fields of ``fields`` at two sizes, and cells.

    Raises
    ------
    DualglandError
        If the folder does not hold the collection, or nothing of it that was held out.
    """
    refuse_other(data)
    found: dict[str, AnyArray] = {}
    shown = short_names(kept.fields)
    for field in kept.fields:
        if folder_of(data, field) != "fields":
            continue  # too coarse for the sizes that are reported
        whole = read_field(data, field)
        half = np.rint(shrink(whole, 2)).astype(np.uint8)
        if quick:
            y, x = (max(0, (s - 512) // 2) for s in half.shape[1:])
            half = half[:, y : y + 512, x : x + 512].copy()
        else:
            found[f"field {shown[field]}, 0.08 µm"] = whole
        found[f"field {shown[field]}, 0.16 µm"] = half
    rows = [row for row in cell_rows(data) if row["group"] in kept.groups]
    for row in rows[:: max(1, len(rows) // max(1, cells))][:cells]:
        image = tifffile.imread(data / "cells" / row["file"])
        found[f"cell {row['group']} {row['file']}"] = image
    if not found:
        lacking = "holds no field of full size and no cell that was held out"
        raise DualglandError(Kind.EMPTY, data, lacking)
    return found


def folder_of(data: Path, field: str) -> str:
    """Return where a field lies: in ``fields``, or among the small ones in ``fields512``.

    Parameters
    ----------
    data : pathlib.Path
        The atlas folder.
    field : str
        Its name.

    Returns
    -------
    str
        Of the folder.

    Raises
    ------
    DualglandError
        If it lies in neither.
    """
    for folder in ("fields", "fields512"):
        if (data / folder / f"{field}_{SUFFIXES['nucleus']}.png").is_file():
            return folder
    way_out = "name the atlas folder that the models were trained on with --data"
    raise DualglandError(Kind.NOT_THERE, data, f"there is no field {field}", way_out=way_out)


def short_names(fields: Iterable[str], length: int = 8) -> dict[str, str]:
    """Return by field what it is called in tables: the beginning of its name, if no other's.

    Parameters
    ----------
    fields : iterable of str
        Names.
    length : int
        Of their beginnings.

    Returns
    -------
    dict
        The whole name where two begin alike.
    """
    names = set(fields)
    alike = Counter(name[:length] for name in names)
    return {name: name[:length] if alike[name[:length]] == 1 else name for name in names}


def refuse_other(data: Path) -> None:
    """Refuse a folder that is not the atlas collection.

    Parameters
    ----------
    data : pathlib.Path
        The folder.

    Raises
    ------
    DualglandError
        If its table of cells is not in there.
    """
    if not (data / "cells.csv").is_file():
        way_out = "name the atlas folder with --data"
        raise DualglandError(Kind.NOT_THERE, data, "no cells.csv in there", way_out=way_out)


def cell_rows(data: Path) -> list[dict[str, str]]:
    """Return the rows of the collection's table of cells."""
    with (data / "cells.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def mask_of(case: str, image: AnyArray, seed: int) -> BoolArray:
    """Return the damage of a case to an image; the same for every method.

    Parameters
    ----------
    case : str
        A name of :data:`CASES`.
    image : numpy.ndarray
        (4, Y, X).
    seed : int
        Of the damage.

    Returns
    -------
    numpy.ndarray
        (4, Y, X) boolean.
    """
    family, channels = CASES[case]
    return draw_damage(image, family, np.random.default_rng(seed), channels, 1.0)


def images_of(case: str, held: Mapping[str, AnyArray]) -> list[tuple[int, str]]:
    """Return number and name of the images that a case is run on.

    Full resolution is kept for a few cases, and of many cells a few are enough for most: all of
    them are filled only where the judge is asked what it sees in them.

    Parameters
    ----------
    case : str
        A name of :data:`CASES`.
    held : mapping
        Name → image, of :func:`read_images`.

    Returns
    -------
    list
        Numbers and names.
    """
    cells = [title for title in held if title.startswith("cell")]
    few = cells[:: max(1, len(cells) // CELLS_EACH)][:CELLS_EACH]
    left_out = set() if case == CELL_CASE else set(cells) - set(few)
    if case not in NATIVE:
        left_out |= {title for title in held if "0.08" in title}
    return [(n, title) for n, title in enumerate(held) if title not in left_out]
