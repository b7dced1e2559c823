"""A field with its protein coloured by where it is: what a person sees before any table.

The landmarks lie dim underneath. The protein keeps its own brightness and takes the colour of
the class that is most probable at that pixel among those named for the cell, and none where no
such class is likely; cells without an answer are paler.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import ndimage

from napari_dualgland.classes import (
    COLORS,
    LANDMARKS,
    NEGATIVE,
    PALE,
    PALER,
    UNEXPLAINED,
    rgb_of,
)
from napari_dualgland.localization.overlay_cells import FrameCells, frame_cells, mark_cells
from napari_dualgland.results import Localization
from napari_dualgland.stack import to_canonical
from napari_dualgland.typing import ByteArray, Float32Array

_NONE = 255
_LIKELY = 1 / 3
"""Probability at a pixel from which it has its full colour."""
_BAND = 256
"""Rows that are painted at once: temporary arrays stay small on large fields."""


def paint(localization: Localization, t: int = 0, z: int = 0) -> ByteArray:
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


def color_protein(localization: Localization, cells: FrameCells, t: int, z: int) -> ByteArray:
    """Paint one frame without outlines and hatching.

    Parameters
    ----------
    localization : Localization
        What was found.
    cells : FrameCells
        Of the frame.
    t, z : int
        Frame; 0 where the stack has no such axis.

    Returns
    -------
    numpy.ndarray
        (Y, X, 3) uint8.
    """
    frame = localization.stack.canonical()[t, z]
    roles = localization.stack.roles
    planes = {role: _Shown(frame[i]) for role, i in roles.items()}
    winner, likely = _winners(localization, cells, t, z)
    colors = [rgb_of(color) for color in (*COLORS, UNEXPLAINED)]
    palette = np.array(colors, np.float32).T.copy()
    winner[winner == _NONE] = len(COLORS)
    picture = np.empty((*cells.place.shape, 3), np.uint8)
    for start in range(0, len(picture), _BAND):
        rows = slice(start, start + _BAND)
        # Colours come first until the end: loops over three at a time are slow.
        light = np.zeros((3, *picture[rows].shape[:2]), np.float32)
        for role, color in LANDMARKS.items():
            if role in planes:
                light += (
                    planes[role].rows(rows) * np.array(rgb_of(color), np.float32)[:, None, None]
                )
        place = cells.place[rows]
        strength = np.minimum(likely[rows] / _LIKELY, 1)
        color = palette[:, winner[rows]] * strength + palette[:, -1, None, None] * (1 - strength)
        pale = cells.empty[place] * np.float32(1 - PALER)
        color = color * (1 - pale) + PALE * pale
        shade = planes["protein"].rows(rows) if "protein" in planes else likely[rows]
        shade = shade * np.where(place > 0, 1, np.float32(0.6))
        light = light * (1 - 0.85 * shade) + color * shade
        picture[rows] = np.moveaxis(np.clip(light, 0, 255).astype(np.uint8), 0, -1)
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

    def rows(self, rows: slice) -> Float32Array:
        values = np.nan_to_num(np.asarray(self.plane[rows], np.float32), nan=self.low)
        # A little brighter than linear: a dim network beside bright dots stays visible.
        return np.asarray(np.clip((values - self.low) / self.span, 0, 1) ** 0.8, np.float32)


def _winners(
    localization: Localization, cells: FrameCells, t: int, z: int
) -> tuple[ByteArray, Float32Array]:
    """Return per pixel the most probable named class (255 for none), and how probable it is."""
    maps = to_canonical(localization.maps, localization.map_axes)[t, z]
    winner = np.full(cells.place.shape, _NONE, np.uint8)
    best = np.zeros(cells.place.shape, np.float32)
    for classes, rows, columns in _blocks(maps, cells.named.any(0)):
        block = np.asarray(maps[classes, rows, columns], np.float32)
        seen = best[rows, columns], winner[rows, columns], cells.place[rows, columns]
        windows = ndimage.find_objects(seen[-1], max_label=len(cells.table))
        for c, plane in enumerate(block, classes.start):
            for cell in np.flatnonzero(cells.named[:, c]):
                window = windows[cell - 1]
                if window is None:
                    continue
                most, which, place = (part[window] for part in seen)
                better = (place == cell) & (plane[window] > most)
                np.copyto(which, c, where=better)
                np.copyto(most, plane[window], where=better)
    if cells.named[:, NEGATIVE].any():
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
