"""Images for training: read once, normalised, held at several magnifications.

Every image becomes a :class:`Source`: four channels in the order of ROLES, normalised as
the plugin normalises a stack. Fields are kept at 1, 1/2 and 1/4 of their size, for the
program must work from 0.08 to 0.32 µm per pixel. Fields of which one channel alone is
known are laid together, four to a stack: textures are real, couplings are none.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tifffile
from skimage.io import imread

from dualgland_training.config import DataOptions, TrainConfig
from napari_dualgland.errors import DualglandError
from napari_dualgland.imputation.normalise import measure
from napari_dualgland.stack import ROLES

OTHER_ATLAS = "other_atlas"
"""Folder of fields of another atlas, whose licence lets nothing that ships learn from them."""

SUFFIXES = {"microtubules": "red", "protein": "green", "nucleus": "blue", "er": "yellow"}


@dataclass(frozen=True)
class Source:
    """An image to draw crops from.

    Attributes
    ----------
    name : str
        Where it comes from.
    kind : str
        ``fields``, ``fields512``, ``cells``, ``singles`` or ``other_atlas`` of the atlas
        collection, or ``images``.
    images : tuple of numpy.ndarray
        (4, H, W), float16, normalised; the same image at falling magnification.
    known : tuple of bool
        Whether each role has a channel; the others are 0 and no measurement.
    """

    name: str
    kind: str
    images: tuple[npt.NDArray[np.float16], ...]
    known: tuple[bool, ...] = (True,) * len(ROLES)


class Split(NamedTuple):
    """Sources by what they may be used for."""

    train: tuple[Source, ...]
    validation: tuple[Source, ...]
    test: tuple[Source, ...]
    shift: tuple[Source, ...] = ()


PARTS = Split._fields
"""``train``, ``validation``, ``test``, and ``shift``: images of another kind."""


def shrink(image: npt.NDArray[Any], factor: int) -> npt.NDArray[Any]:
    """Average (C, H, W) over ``factor`` × ``factor`` pixels, dropping what is left over."""
    c, h, w = image.shape
    h, w = h // factor, w // factor
    cut = image[:, : h * factor, : w * factor]
    return np.asarray(cut.reshape(c, h, factor, w, factor).mean((2, 4)))


def make_source(name: str, kind: str, image: npt.NDArray[Any], factors: tuple[int, ...]) -> Source:
    """Normalise a (4, H, W) image and keep it shrunk by each factor."""
    unit = measure([channel.ravel() for channel in image]).apply(image)
    return Source(name, kind, tuple(shrink(unit, f).astype(np.float16) for f in factors))


def read_field(root: Path, field: str, folder: str = "fields") -> npt.NDArray[np.uint8]:
    """Return a field of view as (4, H, W) uint8."""
    planes = [imread(root / folder / f"{field}_{SUFFIXES[role]}.png") for role in ROLES]
    return np.stack([p if p.ndim == 2 else p.max(-1) for p in planes])


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="") as file:
        yield from csv.DictReader(file)


def read_split(config: TrainConfig, warn: Callable[[str], None]) -> Split:
    """Read every image of a recipe and sort it into training, validation and test.

    ``warn`` is told of every image that is left out.

    Raises
    ------
    DualglandError
        If the recipe names no images, or none is left to train on.
    """
    from dualgland_training.sources import read_images  # it needs Source from here

    if not config.data.images and config.data.root is None:
        raise DualglandError(
            "the recipe names no images; set data: images: to globs, or data: root: to the "
            "folder of an atlas collection"
        )
    parts: dict[str, list[Source]] = {part: [] for part in PARTS}
    if config.data.root is not None:
        _read_collection(config.found(config.data.root), config.data, parts)
    if config.data.images:
        for part, sources in read_images(config, warn).items():
            parts[part] += sources
    return Split(*(tuple(parts[part]) for part in PARTS))


def _check_kept(root: Path, options: DataOptions) -> None:
    """Refuse names of fields and groups that the collection does not hold."""
    tables = {"fields": "field", "fields512": "field", "cells": "group"}
    held = {
        row[column]
        for table, column in tables.items()
        if (root / f"{table}.csv").is_file()
        for row in _rows(root / f"{table}.csv")
    }
    for option in ("held_out_fields", "held_out_groups", "validation_fields", "validation_groups"):
        unknown = [name for name in getattr(options, option) if name not in held]
        if unknown:
            raise DualglandError(f"{root}: data: {option}: there is no {', '.join(unknown)}")


def _read_collection(root: Path, options: DataOptions, parts: dict[str, list[Source]]) -> None:
    """Read the atlas collection.

    Fields are held out whole, cells by group, so that nothing of a held-out image is seen.

    Raises
    ------
    DualglandError
        If it is no collection, or does not hold what the recipe keeps apart: a mistyped name
        would be trained on.
    """
    if not (root / "fields.csv").is_file():
        raise DualglandError(f"{root}: holds no fields.csv; data: root: is no atlas collection")
    _check_kept(root, options)
    # The smaller fields are as fine as a field at a quarter of its size already.
    for kind, factors in (("fields", (1, 2, 4)), ("fields512", (1,))):
        for row in _rows(root / f"{kind}.csv") if (root / f"{kind}.csv").is_file() else ():
            name, part = row["field"], "train"
            if name in options.held_out_fields:
                part = "test"
            elif name in options.validation_fields:
                part = "validation"
            image = read_field(root, name, kind)
            parts[part].append(make_source(name, kind, image, factors))
    if "shift" in options.watched:
        for path in sorted((root / OTHER_ATLAS).glob(f"*_{SUFFIXES['nucleus']}.*")):
            name = path.stem.removesuffix(f"_{SUFFIXES['nucleus']}")
            image = read_field(root, name, OTHER_ATLAS)
            parts["shift"].append(make_source(name, OTHER_ATLAS, image, (1, 2, 4)))
    for row in _rows(root / "cells.csv"):
        part = "train"
        if row["group"] in options.held_out_groups:
            part = "test"
        elif row["group"] in options.validation_groups:
            part = "validation"
        cell = tifffile.imread(root / "cells" / row["file"])
        parts[part].append(make_source(row["file"], "cells", cell, (1,)))
    singles: dict[str, list[str]] = {role: [] for role in ROLES}
    for row in _rows(root / "singles.csv"):
        singles[row["channel"]].append(row["file"])
    for i, files in enumerate(zip(*singles.values(), strict=False)):
        planes = [imread(root / "singles" / file) for file in files]
        image = np.stack([p if p.ndim == 2 else p.max(-1) for p in planes])
        held = options.validation_singles and i % options.validation_singles == 0
        parts["validation" if held else "train"].append(
            make_source("+".join(f[:8] for f in files), "singles", image, (1,))
        )
