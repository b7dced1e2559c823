"""What is said of a balance in a few lines: of the field, and which cells are out of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from napari_dualgland.classes import COMPARTMENTS
from napari_dualgland.results import Boundaries
from napari_dualgland.typing import Float64Array

if TYPE_CHECKING:
    import pandas as pd

OUT = 2.0
"""Spreads τ from the set point θ beyond which a compartment is said to be out of balance."""


def cell_count(result: Boundaries) -> int:
    """Return how many cells there are, those of every plane by themselves."""
    rows = result.set_points
    names = [name for name in ("cell", "t", "z") if name in rows]
    return len(rows[rows["cell"] > 0].drop_duplicates(names))


def field_balance(result: Boundaries) -> list[dict[str, Any]]:
    """Return a row per channel and compartment of a field; of several planes, their median.

    Parameters
    ----------
    result : Boundaries

    Returns
    -------
    list of dict
        ``channel``, ``compartment``, ``ratio`` (mean over the mean of the cell), ``usual`` (the
        span of θ ± τ as ratios), ``z_score``, and of the cells ``out`` of ``judged`` are out of
        balance. None where nothing is known.
    """
    table = result.set_points
    rows = []
    for key, group in table.groupby(["channel", "compartment"], sort=False):
        channel, compartment = (str(name) for name in cast(tuple[Any, Any], key))
        field, cells = group[group["cell"] == 0], group[group["cell"] > 0]
        h, theta, tau, z = (
            float(field[name].median()) for name in ("h", "theta", "tau", "z_score")
        )
        usual = [math.exp(theta - tau), math.exp(theta + tau)]
        rows.append(
            {
                "channel": channel,
                "compartment": compartment,
                "ratio": _known(math.exp(h)),
                "usual": None if math.isnan(theta) else [round(x, 4) for x in usual],
                "z_score": _known(z),
                "out": int((cells["z_score"].abs() > OUT).sum()),
                "judged": int(cells["z_score"].notna().sum()),
            }
        )
    return rows


def out_of_balance(result: Boundaries) -> list[dict[str, Any]]:
    """Return what is out of balance: cell, channel, compartment and z-score, the farthest first."""
    table = result.set_points
    found = table[(table["cell"] > 0) & (table["z_score"].abs() > OUT)]
    found = found.sort_values("z_score", key=abs, ascending=False)
    names = [n for n in ("cell", "t", "z", "channel", "compartment", "z_score") if n in found]
    return [{**row, "z_score": round(row["z_score"], 4)} for row in found[names].to_dict("records")]


def _known(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)


def by_cell(result: Boundaries) -> pd.DataFrame:
    """Return a row per cell and frame, with its z-scores side by side.

    Parameters
    ----------
    result : Boundaries

    Returns
    -------
    pandas.DataFrame
        ``cell``, ``t`` and ``z`` where the stack has them, ``y``, ``x``, ``area_um2``,
        ``location``, ``out`` (how many set points are out of balance), ``worst`` (the largest
        |z|), and a column ``(channel, compartment)`` for each z-score. The whole field is cell 0.
    """
    table = result.set_points
    table = table[table["compartment"] != COMPARTMENTS[-1]]
    keys = [n for n in ("cell", "t", "z") if n in table]
    about = table.drop_duplicates(keys)[[*keys, "y", "x", "area_um2", "location"]]
    wide = table.pivot(index=keys, columns=["channel", "compartment"], values="z_score")
    off = wide.abs()
    wide.columns = wide.columns.to_flat_index()
    wide.insert(0, "out", (off > OUT).sum(axis=1).to_numpy())
    wide.insert(1, "worst", off.max(axis=1).to_numpy())
    found: pd.DataFrame = about.merge(wide.reset_index(), on=keys)
    return found


@dataclass(frozen=True)
class Spread:
    """The set points of one channel and compartment over all cells, ready to be drawn.

    Attributes
    ----------
    compartment : str
    theta, tau : float
        That they are held against; of several locations their median.
    rows : numpy.ndarray
        (M,) rows of :func:`by_cell`.
    measured, filled, z : numpy.ndarray
        (M,) h without and with what was filled in (NaN where nothing was), z-score of what
        counts.
    """

    compartment: str
    theta: float
    tau: float
    rows: NDArray[np.int64]
    measured: Float64Array
    filled: Float64Array
    z: Float64Array


def spreads(result: Boundaries, channel: str) -> list[Spread]:
    """Return the set points of a channel, compartment by compartment, background left out.

    Parameters
    ----------
    result : Boundaries
    channel : str
        One of ROLES.

    Returns
    -------
    list of Spread
    """
    table = result.set_points
    table = table[table["channel"] == channel]
    found = []
    for name in COMPARTMENTS[:-1]:
        # In the order of the rows of by_cell: cells as they come, the field of each frame first.
        part = table[table["compartment"] == name].reset_index(drop=True)
        cells = part[part["cell"] > 0]
        found.append(
            Spread(
                name,
                float(part["theta"].median()),
                float(part["tau"].median()),
                cells.index.to_numpy(),
                *(cells[column].to_numpy(float) for column in ("h", "h_filled", "z_score")),
            )
        )
    return found
