"""A field with its protein coloured by where it is: what a person sees before any table.

The landmarks lie dim underneath. The protein keeps its own brightness and takes the colour of
the class that is most probable at that pixel among those named for the cell, and none where no
such class is likely. What is not to be trusted as the rest looks different: cells without an
answer are paler and have a dashed outline, damaged and imputed cells are hatched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_dualgland.classes import CLASSES, COLORS, NEGATIVE
from napari_dualgland.results import Localization
from napari_dualgland.stack import to_canonical

if TYPE_CHECKING:
    import pandas as pd

Rgb = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

DAMAGED = 0.01
"""Share of a cell's pixels, damaged or imputed, above which a cell is hatched; the notes count
the same cells."""

LANDMARKS = {"nucleus": (38, 46, 76), "microtubules": (52, 56, 64), "er": (32, 36, 42)}
UNEXPLAINED = (122, 126, 134)
"""Protein where no class named for the cell is likely, and protein outside cells."""
OUTLINE = (168, 174, 186)
EMPTY_OUTLINE = (255, 255, 255)
MISSING_INK = (255, 176, 60)
IMPUTED_INK = (104, 216, 255)

_NONE = 255
_LIKELY = 1 / 3
"""Probability at a pixel from which it has its full colour."""
_PALER = 0.55
_BAND = 256
"""Rows that are painted at once: temporary arrays stay small on large fields."""


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

    place: npt.NDArray[np.int32]
    table: pd.DataFrame
    named: npt.NDArray[np.bool_]
    empty: npt.NDArray[np.bool_]
    missing: npt.NDArray[np.bool_]
    imputed: npt.NDArray[np.bool_]


def frame_cells(localization: Localization, t: int = 0, z: int = 0) -> FrameCells:
    """Return the cells of one frame with what has been said of each."""
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
        names = named_classes(said)
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


def named_classes(said: Any) -> list[str]:
    """Return the names in a cell's ``classes``, most probable first."""
    return said.split("; ") if isinstance(said, str) and said else []


def paint(localization: Localization, t: int = 0, z: int = 0) -> Rgb:
    """Return one frame as a picture, the protein coloured by where it is.

    Parameters
    ----------
    localization : Localization
        What was found.
    t, z : int
        Frame; 0 where the stack has no such axis.

    Returns
    -------
    numpy.ndarray
        (Y, X, 3) uint8.
    """
    cells = frame_cells(localization, t, z)
    picture = color_protein(localization, cells, t, z)
    mark_cells(picture, cells, cells.place)
    return picture


def color_protein(localization: Localization, cells: FrameCells, t: int, z: int) -> Rgb:
    """Return the frame without outlines and hatching, (Y, X, 3) uint8."""
    frame = localization.stack.canonical()[t, z]
    roles = localization.stack.roles
    planes = {role: _Shown(frame[i]) for role, i in roles.items()}
    winner, likely = _winners(localization, cells, t, z)
    palette = np.array([*(_rgb(color) for color in COLORS), UNEXPLAINED], np.float32)
    winner[winner == _NONE] = len(COLORS)
    picture = np.empty((*cells.place.shape, 3), np.uint8)
    for start in range(0, len(picture), _BAND):
        rows = slice(start, start + _BAND)
        light = np.zeros(picture[rows].shape, np.float32)
        for role, color in LANDMARKS.items():
            if role in planes:
                light += planes[role].rows(rows)[..., None] * np.array(color, np.float32)
        place = cells.place[rows]
        strength = np.minimum(likely[rows] / _LIKELY, 1)[..., None]
        color = palette[winner[rows]] * strength + palette[-1] * (1 - strength)
        pale = cells.empty[place][..., None] * np.float32(1 - _PALER)
        color = color * (1 - pale) + 235 * pale
        shade = planes["protein"].rows(rows) if "protein" in planes else likely[rows]
        shade = (shade * np.where(place > 0, 1, np.float32(0.6)))[..., None]
        light = light * (1 - 0.85 * shade) + color * shade
        picture[rows] = np.clip(light, 0, 255).astype(np.uint8)
    return picture


class _Shown:
    """A channel as it is shown: 0 dark to 1 bright, by percentiles of the frame."""

    def __init__(self, plane: Any) -> None:
        self.plane = plane
        step = max(1, max(plane.shape) // 1024)
        some = np.asarray(plane[::step, ::step], np.float32)
        some = some[np.isfinite(some)]
        low, high = np.percentile(some, (1, 99.8)) if some.size else (0.0, 1.0)
        self.low, self.span = float(low), max(float(high - low), 1e-6)

    def rows(self, rows: slice) -> Floats:
        values = np.nan_to_num(np.asarray(self.plane[rows], np.float32), nan=self.low)
        # A little brighter than linear: a dim network beside bright dots stays visible.
        return np.asarray(np.clip((values - self.low) / self.span, 0, 1) ** 0.8, np.float32)


def _winners(
    localization: Localization, cells: FrameCells, t: int, z: int
) -> tuple[npt.NDArray[np.uint8], Floats]:
    """Return per pixel the most probable named class (255 for none), and how probable it is."""
    maps = to_canonical(localization.maps, localization.map_axes)[t, z]
    winner = np.full(cells.place.shape, _NONE, np.uint8)
    best = np.zeros(cells.place.shape, np.float32)
    for classes, rows, columns in _blocks(maps, cells.named.any(0)):
        block = np.asarray(maps[classes, rows, columns], np.float32)
        place = cells.place[rows, columns]
        for c, plane in enumerate(block, classes.start):
            better = cells.named[:, c][place] & (plane > best[rows, columns])
            winner[rows, columns][better] = c
            best[rows, columns][better] = plane[better]
    nowhere = cells.named[:, NEGATIVE][cells.place] & (best == 0)
    winner[nowhere], best[nowhere] = NEGATIVE, 1
    return winner, best


def _blocks(maps: Any, wanted: Any) -> Iterator[tuple[slice, slice, slice]]:
    """Yield the chunks of (C, Y, X) maps that hold a wanted class."""
    chunks = getattr(maps, "chunks", None) or [
        (1,) * maps.shape[0],
        *((n,) for n in maps.shape[1:]),
    ]
    runs = []
    for sizes in chunks:
        ends = np.cumsum(sizes)
        runs.append([slice(int(e - n), int(e)) for e, n in zip(ends, sizes, strict=True)])
    for rows in runs[1]:
        for columns in runs[2]:
            yield from ((c, rows, columns) for c in runs[0] if wanted[c].any())


def mark_cells(picture: Rgb, cells: FrameCells, place: npt.NDArray[np.int32]) -> None:
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


def _edges(place: npt.NDArray[np.int32], width: int) -> npt.NDArray[np.bool_]:
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
    picture: Rgb, where: npt.NDArray[np.bool_], color: tuple[int, int, int], strength: float
) -> None:
    under = picture[where].astype(np.float32)
    picture[where] = np.rint(under * (1 - strength) + np.array(color, np.float32) * strength)


def _rgb(color: str) -> tuple[int, int, int]:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue
