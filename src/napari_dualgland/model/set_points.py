"""What annotated cells hold where: set points of every compartment, by location.

A protein of the nucleoli is so many times brighter in the nucleus than in the cell as a
whole, give or take. The table that says so is learned from annotated images
(``python -m dualgland_training.annotated``), versioned, and ships beside the weights.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from napari_dualgland.classes import COMPARTMENTS
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import decoding, regular
from napari_dualgland.stack import ROLES
from napari_dualgland.typing import Float64Array

SHIPPED = Path(__file__).parents[1] / "weights" / "set_points.csv"

VERSION = 1
"""Of the columns and of how a set point is measured; tables of another one are refused."""

COLUMNS = ("version", "location", "channel", "compartment", "theta", "tau", "cells")

ANY = "any"
"""The row of all annotated cells together, for an image without annotation."""


@dataclass(frozen=True)
class SetPoint:
    """What cells of one location hold.

    Attributes
    ----------
    theta, tau : numpy.ndarray
        (4, 5), channels in the order of ROLES by :data:`COMPARTMENTS`: median and spread
        (1.4826 median absolute deviations) over cells of the natural logarithm that
        :func:`napari_dualgland.model.compartments.set_points` measures.
    cells : int
        How many cells it was learned from.
    """

    theta: Float64Array
    tau: Float64Array
    cells: int


@dataclass(frozen=True)
class SetPointTable:
    """Set points by the name of a location."""

    locations: dict[str, SetPoint]

    def expected(self, places: Iterable[str]) -> SetPoint:
        """Return the set points of a protein that is in several places at once.

        Nobody knows the shares of the places, so θ is their mean and τ² the mean of their
        variances plus the variance between them. Places that the table does not know are
        passed over; if it knows none, the set points of all annotated cells are returned.

        Parameters
        ----------
        places : iterable of str
            Names as in :data:`napari_dualgland.classes.LOCATIONS`.
        """
        known = [self.locations[place] for place in places if place in self.locations]
        known = known or [self.locations[ANY]]
        theta = np.stack([one.theta for one in known])
        spread = np.stack([one.tau for one in known])
        tau = np.sqrt(np.square(spread).mean(0) + theta.var(0))
        return SetPoint(theta.mean(0), tau, min(one.cells for one in known))


def _index(names: tuple[str, ...], name: str) -> int:
    if name not in names:
        raise ValueError(f"{name!r} is none of {', '.join(names)}")
    return names.index(name)


@cache
def read_set_points(path: Path = SHIPPED) -> SetPointTable:
    """Return the table of set points.

    Raises
    ------
    DualglandError
        If the file cannot be read, is of another version, or lacks rows or columns.
    """
    with (
        decoding(regular(path, "table of set points"), "table of set points"),
        path.open(newline="", encoding="utf-8") as file,
    ):
        rows = list(csv.DictReader(file))
    if not rows or tuple(rows[0]) != COLUMNS:
        raise DualglandError(
            Kind.WRONG_CONTENT,
            path,
            "is no table of set points",
            expected=f"columns {', '.join(COLUMNS)}",
        )
    if any(row["version"] != str(VERSION) for row in rows):
        raise DualglandError(
            Kind.UNSUPPORTED,
            path,
            "a table of another version",
            expected=f"version {VERSION}",
            way_out="learn the table anew",
        )
    found: dict[str, Any] = {}
    for row in rows:
        shape = (2, len(ROLES), len(COMPARTMENTS))
        values, cells = found.setdefault(row["location"], (np.full(shape, np.nan), row["cells"]))
        try:
            place = _index(ROLES, row["channel"]), _index(COMPARTMENTS, row["compartment"])
            values[(slice(None), *place)] = float(row["theta"]), float(row["tau"])
            found[row["location"]] = values, int(cells)
        except (TypeError, ValueError) as error:  # a short row has None
            raise DualglandError(
                Kind.DAMAGED, path, str(error), part=str(row["location"])
            ) from None
    if ANY not in found or not all(np.isfinite(values).all() for values, _ in found.values()):
        raise DualglandError(Kind.DAMAGED, path, "rows are missing, or hold no numbers")
    return SetPointTable({k: SetPoint(v[0], v[1], n) for k, (v, n) in found.items()})
