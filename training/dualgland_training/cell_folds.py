"""Honest folds of the annotated cells: by group, so that no cell is judged by its neighbours.

Cells of one group come from one image and one antibody; a network that saw three of them
knows the fourth. Some classes have two or three groups in all, so folds that are drawn
blindly would now and then hide a whole class from training. Here the groups of every class
are dealt out one by one, rare classes first, to the fold that holds the fewest of them: no
fold is ever given all groups of a class.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dualgland_training.data.collection import read_cells
from dualgland_training.generator.recipe import read_recipe
from napari_dualgland.classes import CLASS_OF_LOCATION, CLASSES
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.typing import IndexArray

TOLD = tuple(
    CLASSES.index(name)
    for name in ("Nucleoplasm", "Nucleoli", "Plasma membrane", "Mitochondria", "Cytosol")
)
"""The classes that the annotated cells tell apart, one per cell."""

FOLDS = 4
"""Folds of the published figures."""


@dataclass(frozen=True)
class LabelledCell:
    """A cell of the collection and what it was annotated with.

    Attributes
    ----------
    file : str
        Name of its image in ``cells/``.
    group : str
        Cells of one image and antibody.
    label : int
        One of the 19 classes, an index of CLASSES.
    cut : bool
        Whether the picture ends before the cell does.
    """

    file: str
    group: str
    label: int
    cut: bool


class UnseenGroups(NamedTuple):
    """Groups that a recipe kept from training: for the end, and for looking at on the way."""

    held_out: tuple[str, ...]
    validation: tuple[str, ...]


def read_labelled_cells(root: Path) -> list[LabelledCell]:
    """Return the annotated cells of the atlas collection, in the order of its table.

    Raises
    ------
    DualglandError
        If the folder holds no ``cells.csv``.
    """
    return [
        LabelledCell(cell.file, cell.group, CLASS_OF_LOCATION[cell.location], cell.cut)
        for cell in read_cells(root)
        if cell.location is not None
    ]


def assign_folds(groups: Sequence[str], labels: Sequence[int], count: int = FOLDS) -> IndexArray:
    """Say of every cell in which fold it is held out.

    Parameters
    ----------
    groups : sequence of str
        (N,), the group of each cell.
    labels : sequence of int
        (N,), the class of each cell; a group counts for the class that most of it has.
    count : int
        Folds, at least 2.

    Returns
    -------
    numpy.ndarray
        (N,) int64, 0 to ``count`` − 1. It depends on the names of the groups alone, not on
        the order of the cells or on chance.

    Raises
    ------
    DualglandError
        If there is a class of which all cells are in one group: it could not be learned
        when that group is held out.
    """
    if count < 2:
        found = f"cells cannot be divided into {count}"
        raise DualglandError(Kind.BAD_VALUE, "folds", found, expected="two at least")
    sizes: dict[str, int] = {}
    votes: dict[str, dict[int, int]] = {}
    for group, label in zip(groups, labels, strict=True):
        sizes[group] = sizes.get(group, 0) + 1
        told = votes.setdefault(group, {})
        told[int(label)] = told.get(int(label), 0) + 1
    of_class: dict[int, list[str]] = {}
    for group, told in votes.items():
        of_class.setdefault(max(told, key=lambda c: (told[c], -c)), []).append(group)
    fold_of: dict[str, int] = {}
    total = [0] * count
    for label in sorted(of_class, key=lambda c: (len(of_class[c]), c)):
        if len(of_class[label]) < 2:
            raise DualglandError(
                Kind.LACKING,
                f"class {label}",
                f"has the one group {of_class[label][0]}",
                expected="two, to learn it from one and look at the other",
            )
        held = [0] * count
        # Names count up along the plates; their checksums mix plates.
        for group in sorted(of_class[label], key=lambda g: (zlib.crc32(g.encode()), g)):
            fold = min(range(count), key=lambda k: (held[k], total[k], k))
            held[fold] += sizes[group]
            total[fold] += sizes[group]
            fold_of[group] = fold
    return np.array([fold_of[group] for group in groups], np.int64)


def fold_of_cells(cells: Sequence[LabelledCell], count: int = FOLDS) -> IndexArray:
    """Return the fold of each cell.

    Parameters
    ----------
    cells : sequence of LabelledCell
        The N annotated cells.
    count : int
        Folds, at least 2.

    Returns
    -------
    numpy.ndarray
        (N,) int64; see :func:`assign_folds`.
    """
    return assign_folds([c.group for c in cells], [c.label for c in cells], count)


def unseen_groups(recipe: Path) -> UnseenGroups:
    """Return the groups that a recipe never trains on.

    A cell that was damaged and filled says something of the filling only if the network
    that filled it never saw it whole: damage is tried on these alone.

    Raises
    ------
    DualglandError
        If the recipe cannot be read.
    """
    options = read_recipe(recipe).data
    return UnseenGroups(tuple(options.held_out_groups), tuple(options.validation_groups))
