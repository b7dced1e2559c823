"""What each hole did to the balance of the cells that it lies in.

A cell is measured twice: without the hole, and with the estimates inside this one hole as if
they had been measured. Whether they may be is for a person to say; how much hangs on it is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import ndimage

from napari_dualgland.classes import COMPARTMENTS
from napari_dualgland.compartments.balance import (
    INNER,
    over_cells,
    set_points_of,
    z_scores,
)
from napari_dualgland.compartments.blocks import Blocks, Sums
from napari_dualgland.stack import ROLES
from napari_dualgland.typing import Float32Array, Float64Array, LabelArray

SCATTERED = 9
"""Blocks below which holes are not told one by one: all of a frame together are hole 0."""

COLUMNS = (
    *("hole", "t", "z", "y", "x", "area_um2", "channels", "cells"),
    *("cell", "channel", "compartment", "z_measured", "z_filled", "moved"),
)


def rows_of_holes(
    place: tuple[int, int],
    soft: Float32Array,
    blocks: Blocks,
    rank: LabelArray,
    measured: Float64Array,
    expected: Sequence[Float64Array],
    labels: Sequence[int],
) -> list[Mapping[str, Any]]:
    """Return a row per hole of a frame that was filled in.

    Parameters
    ----------
    place : tuple of int
        (t, z) of the frame.
    soft : numpy.ndarray
        (5, h, w) compartments.
    blocks : Blocks
        Of the frame: what was filled in.
    rank : numpy.ndarray
        (h, w): 0 for what is in no cell, else the number of the cell.
    measured : numpy.ndarray
        (2, N + 1, 4, 5): light and pixels of each cell, measured.
    expected : sequence of numpy.ndarray
        θ and τ, (N + 1, 4, 5).
    labels : sequence of int
        Of the N cells.

    Returns
    -------
    list of mapping
        By :data:`COLUMNS`; ``moved`` is the change of the z-score that moved most, of the cell
        that moved most.
    """
    imputed, step = blocks.imputed, blocks.step
    hole = imputed.count.max(0) > 0
    if not hole.any():
        return []
    numbers, count = ndimage.label(hole, np.ones((3, 3)))
    small = np.bincount(numbers.ravel(), minlength=count + 1) < SCATTERED
    small[0] = False
    rows: list[Mapping[str, Any]] = []
    every: list[Any] = [np.nonzero(small[numbers])]
    for number, window in enumerate(ndimage.find_objects(numbers), 1):
        if not small[number]:
            y, x = np.nonzero(numbers[window] == number)
            every.append((y + window[0].start, x + window[1].start))
    area = blocks.area_um2
    for number, at in enumerate(every):
        if not len(at[0]):
            continue
        inside = Sums(imputed.light[:, at[0], at[1]], imputed.count[:, at[0], at[1]])
        cells, own = np.unique(rank[at], return_inverse=True)
        added = over_cells(soft[:, at[0], at[1]], inside, own.astype(np.int32), len(cells) - 1)
        usual = [values[cells] for values in expected]
        before = z_scores(set_points_of(measured[:, cells], area), usual)
        after = z_scores(set_points_of(measured[:, cells] + added, area), usual)
        hurt = inside.count.max(1) > 0
        rows.append(
            {
                "hole": number,
                "t": place[0],
                "z": place[1],
                "y": (float(np.mean(at[0])) + 0.5) * step - 0.5,
                "x": (float(np.mean(at[1])) + 0.5) * step - 0.5,
                "area_um2": float(inside.count.max(0).sum()) * area,
                "channels": "; ".join(role for role, c in zip(ROLES, hurt, strict=True) if c),
                "cells": "; ".join(str(labels[cell - 1]) for cell in cells if cell),
                **_moved_most(before, after, cells, hurt, labels),
            }
        )
    return rows


def _moved_most(
    before: Float64Array, after: Float64Array, cells: Any, hurt: Any, labels: Sequence[int]
) -> dict[str, Any]:
    """Return where the balance moved most; no cell where the hole lies in none."""
    moved = np.abs(after - before)
    moved[cells == 0] = np.nan
    moved[:, ~hurt] = np.nan
    moved[..., INNER:] = np.nan
    nothing = {"cell": 0, "channel": "", "compartment": ""}
    if not np.isfinite(moved).any():
        return nothing | dict.fromkeys(("z_measured", "z_filled", "moved"), np.nan)
    i, c, k = np.unravel_index(np.nanargmax(moved), moved.shape)
    return {
        "cell": int(labels[cells[i] - 1]),
        "channel": ROLES[c],
        "compartment": COMPARTMENTS[k],
        "z_measured": before[i, c, k],
        "z_filled": after[i, c, k],
        "moved": after[i, c, k] - before[i, c, k],
    }
