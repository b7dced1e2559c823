"""The cells of one frame as the overlay marks them: outlined, dashed, hatched.

What is not to be trusted as the rest looks different: cells without an answer have a dashed
outline, damaged and imputed cells are hatched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_dualgland.classes import CLASSES
from napari_dualgland.localization.damage import DAMAGED
from napari_dualgland.localization.table import split_classes
from napari_dualgland.results import Localization
from napari_dualgland.stack import to_canonical
from napari_dualgland.typing import BoolArray, ByteArray, LabelArray

if TYPE_CHECKING:
    import pandas as pd

OUTLINE = (168, 174, 186)
EMPTY_OUTLINE = (255, 255, 255)
MISSING_INK = (255, 176, 60)
IMPUTED_INK = (104, 216, 255)


@dataclass(frozen=True)
class FrameCells:
    """The cells of one frame, ready to be painted.

    Attributes
    ----------
    place : numpy.ndarray
        (Y, X) int32: 1 + the row of ``table`` that a pixel's cell has, 0 for none.
    table : pandas.DataFrame
        The rows of the frame.
    named : numpy.ndarray
        (n + 1, 19) boolean: classes that the cell is coloured by.
    empty, missing, imputed : numpy.ndarray
        (n + 1,) boolean: no class is over its threshold; hatched for damage, for estimates.
    """

    place: LabelArray
    table: pd.DataFrame
    named: BoolArray
    empty: BoolArray
    missing: BoolArray
    imputed: BoolArray


def frame_cells(localization: Localization, t: int = 0, z: int = 0) -> FrameCells:
    """Gather the cells of one frame with what has been said of each.

    Parameters
    ----------
    localization : Localization
        What was found.
    t, z : int
        Frame; 0 where the stack has no such axis.

    Returns
    -------
    FrameCells
        In the order of their labels.
    """
    table = localization.table
    for axis, at in (("t", t), ("z", z)):
        if axis in table.columns:
            table = table[table[axis] == at]
    table = table.sort_values("cell", ignore_index=True)
    numbers = table["cell"].to_numpy()
    labels = to_canonical(localization.cells, localization.cell_axes)[t, z, 0]
    place = np.searchsorted(numbers, labels).astype(np.int32)
    known = numbers[np.minimum(place, max(len(numbers) - 1, 0))] if len(numbers) else place
    place = np.where((known == labels) & (labels > 0), place + 1, 0).astype(np.int32)
    named = np.zeros((len(table) + 1, len(CLASSES)), bool)
    probable = table[list(CLASSES)].to_numpy(np.float64)
    empty = np.zeros(len(table) + 1, bool)
    for row, said in enumerate(table["classes"], 1):
        names = split_classes(said)
        empty[row] = not names
        if names:
            named[row, [CLASSES.index(name) for name in names]] = True
        elif np.isfinite(probable[row - 1]).any():
            named[row, int(np.nanargmax(probable[row - 1]))] = True
    missing, imputed = (
        np.r_[False, table[column].to_numpy(np.float64) > DAMAGED]
        for column in ("missing", "imputed")
    )
    return FrameCells(place, table, named, empty, missing, imputed)


def mark_cells(picture: ByteArray, cells: FrameCells, place: LabelArray) -> None:
    """Draw outlines and hatching into a picture of any size.

    Parameters
    ----------
    picture : numpy.ndarray
        (H, W, 3) uint8, changed in place.
    cells : FrameCells
        What is known of the cells.
    place : numpy.ndarray
        (H, W): ``cells.place``, brought to the size of the picture.
    """
    longest = max(place.shape)
    width, pitch = max(1, round(longest / 1400)), max(6, round(longest / 90))
    y = np.arange(place.shape[0], dtype=np.int32)[:, None]
    x = np.arange(place.shape[1], dtype=np.int32)[None]
    for marked, slant, ink in (
        (cells.missing, 1, MISSING_INK),
        (cells.imputed, -1, IMPUTED_INK),
    ):
        if marked.any():
            _ink(picture, marked[place] & ((x + slant * y) % pitch < width), ink, 0.45)
    edge = _edges(place, width)
    dashed = cells.empty[place]
    _ink(picture, edge & ~dashed, OUTLINE, 0.6)
    for marked, ink in ((cells.imputed, IMPUTED_INK), (cells.missing, MISSING_INK)):
        if marked.any():
            _ink(picture, edge & marked[place], ink, 0.7)
    _ink(picture, edge & dashed & ((x + y) // (4 * width) % 2 == 0), EMPTY_OUTLINE, 0.9)


def _edges(place: LabelArray, width: int) -> BoolArray:
    """Return the outermost pixels of every cell; the border of the frame is no outline."""
    edge = np.zeros(place.shape, bool)
    for axis in (0, 1):
        for step in range(1, width + 1):
            if step >= place.shape[axis]:
                break
            one = [slice(None), slice(None)]
            other = [slice(None), slice(None)]
            one[axis], other[axis] = slice(step, None), slice(None, -step)
            differ = place[tuple(one)] != place[tuple(other)]
            edge[tuple(one)] |= differ
            edge[tuple(other)] |= differ
    return edge & (place > 0)


def _ink(
    picture: ByteArray, where: BoolArray, color: tuple[int, int, int], strength: float
) -> None:
    under = picture[where].astype(np.float32)
    picture[where] = np.rint(under * (1 - strength) + np.array(color, np.float32) * strength)
