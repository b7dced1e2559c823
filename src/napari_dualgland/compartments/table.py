"""The table of set points: a row per cell, channel and compartment, and of the whole field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dualgland.classes import COMPARTMENTS
from napari_dualgland.compartments.balance import INNER, z_scores
from napari_dualgland.compartments.holes import COLUMNS as HOLE_COLUMNS
from napari_dualgland.stack import ROLES
from napari_dualgland.typing import Float64Array

if TYPE_CHECKING:
    import pandas as pd

FIELD = 0
"""Number of the cell in rows about the whole field."""

COLUMNS = (
    *("cell", "t", "z", "y", "x", "area_um2", "location", "channel", "compartment"),
    *("h", "theta", "tau", "z_score", "measured", "h_filled", "z_filled"),
)

_WHOLE = {"cell": "int64", "t": "int64", "z": "int64", "hole": "int64"}
_TEXT = ("location", "channel", "compartment", "channels", "cells")


def rows_of_frame(
    about: Mapping[str, Any],
    held: tuple[Float64Array, Float64Array],
    shares: Float64Array,
    expected: Sequence[Float64Array],
    channels: Sequence[int],
) -> dict[str, Any]:
    """Return the rows of a frame, column by column.

    Parameters
    ----------
    about : mapping of str to array
        (N + 1,) each, the field first: ``cell``, ``t``, ``z``, ``y``, ``x``, ``area_um2``,
        ``location``.
    held : tuple of numpy.ndarray
        (N + 1, 4, 5): h of what counts, and with what was filled in.
    shares : numpy.ndarray
        (N + 1, 4, 5): share of each compartment that was measured.
    expected : sequence of numpy.ndarray
        θ and τ, (N + 1, 4, 5).
    channels : sequence of int
        Places among ROLES of the channels at hand.

    Returns
    -------
    dict
        By :data:`COLUMNS`.
    """
    theta, tau = (np.array(values[:, list(channels)]) for values in expected)
    # The cells that set points were learned from had been cut out: nothing lay around them.
    theta[..., INNER] = tau[..., INNER] = np.nan
    counted, filled, measured = (x[:, list(channels)] for x in (*held, shares))
    shape = counted.shape
    own = {name: np.broadcast_to(np.asarray(v)[:, None, None], shape) for name, v in about.items()}
    roles = np.array([ROLES[c] for c in channels], object)[None, :, None]
    parts = np.array(COMPARTMENTS, object)
    columns = {
        **own,
        "channel": np.broadcast_to(roles, shape),
        "compartment": np.broadcast_to(parts, shape),
        "h": counted,
        "theta": theta,
        "tau": tau,
        "z_score": z_scores(counted, (theta, tau)),
        "measured": measured,
        "h_filled": filled,
        "z_filled": z_scores(filled, (theta, tau)),
    }
    # Around a cell lies whatever lies there: a background is told of the field alone.
    wanted = (own["cell"] == FIELD) | (columns["compartment"] != COMPARTMENTS[INNER])
    return {name: columns[name][wanted] for name in COLUMNS}


def table_of(frames: Sequence[Mapping[str, Any]], axes: str) -> pd.DataFrame:
    """Put the rows of all frames together.

    Parameters
    ----------
    frames : sequence of mapping
        From :func:`rows_of_frame`.
    axes : str
        Of the stack; T and Z have a column where it has them.

    Returns
    -------
    pandas.DataFrame
    """
    return _table(frames, COLUMNS, axes)


def holes_of(rows: Sequence[Mapping[str, Any]], axes: str) -> pd.DataFrame:
    """Put the holes of all frames together.

    Parameters
    ----------
    rows : sequence of mapping
        A row per hole, from :func:`.holes.rows_of_holes`.
    axes : str
        Of the stack.

    Returns
    -------
    pandas.DataFrame
    """
    columns = {name: [row[name] for row in rows] for name in HOLE_COLUMNS}
    return _table([columns], HOLE_COLUMNS, axes)


def _table(parts: Sequence[Mapping[str, Any]], names: Sequence[str], axes: str) -> pd.DataFrame:
    import pandas as pd

    kept = [name for name in names if name not in "tz" or name.upper() in axes]
    table = pd.concat([pd.DataFrame({n: part[n] for n in kept}) for part in parts])
    kinds = {n: _WHOLE.get(n, "object" if n in _TEXT else "float64") for n in kept}
    return table.astype(kinds).reset_index(drop=True)
