"""What is said of a balance in a few lines: of the field, and which cells are out of it."""

from __future__ import annotations

import math
from typing import Any

from napari_dualgland.model.compartments import COMPARTMENTS
from napari_dualgland.results import Boundaries

OUT = 2.0
"""Spreads τ from the set point θ beyond which a compartment is said to be out of balance."""

_INNER = COMPARTMENTS[:-1]


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
    for (channel, compartment), group in table.groupby(["channel", "compartment"], sort=False):
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
