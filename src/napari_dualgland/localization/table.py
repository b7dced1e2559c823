"""The table of a localization: a row for each cell of each frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_dualgland.classes import CLASSES
from napari_dualgland.localization.damage import Damage, uncertainty
from napari_dualgland.localization.labels import Ranked
from napari_dualgland.localization.measure import INTENSITIES

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

SEPARATOR = "; "
"""Between the classes of a cell."""


def columns_of(axes: str) -> tuple[str, ...]:
    """Return the columns of the table of a stack with these axes, in their order."""
    return (
        "cell",
        *(axis.lower() for axis in "TZ" if axis in axes),
        "y",
        "x",
        "area_um2",
        "nuclei",
        "touches_border",
        "mitotic",
        "classes",
        "uncertainty",
        "imputed",
        "missing",
        *CLASSES,
        *INTENSITIES,
    )


def shapes_of(cells: Ranked, pixel_area: float) -> dict[str, Any]:
    """Return centroid, area in µm² and whether the border cuts a cell, (N,) each.

    Parameters
    ----------
    cells : Ranked
        N labels.
    pixel_area : float
        µm².
    """
    count, (height, width) = len(cells.labels), cells.rank.shape
    areas = np.bincount(cells.rank.ravel(), minlength=count + 1)[1:]
    y, x = np.zeros(count), np.zeros(count)
    border = np.zeros(count, bool)
    for i, (rows, columns) in enumerate(cells.windows):
        own = cells.rank[rows, columns] == i + 1
        y[i] = rows.start + own.sum(1) @ np.arange(own.shape[0]) / areas[i]
        x[i] = columns.start + own.sum(0) @ np.arange(own.shape[1]) / areas[i]
        border[i] = (
            min(rows.start, columns.start) == 0 or rows.stop == height or columns.stop == width
        )
    return {"y": y, "x": x, "area_um2": areas * pixel_area, "touches_border": border}


def named(
    probabilities: Floats, thresholds: Sequence[float], seen: npt.NDArray[np.bool_]
) -> list[str]:
    """Return the classes over threshold, most probable first, as one string per cell.

    Parameters
    ----------
    probabilities : numpy.ndarray
        (N, 19).
    thresholds : sequence of float
        19.
    seen : numpy.ndarray
        (N,) boolean: False where no pixel of the protein was measured; nothing is named there.
    """
    names = []
    for row, some in zip(probabilities, seen, strict=True):
        order = np.argsort(-row, kind="stable")
        over = [CLASSES[k] for k in order if some and row[k] >= thresholds[k]]
        names.append(SEPARATOR.join(over))
    return names


def rows_of(
    cells: Ranked,
    place: tuple[int, int],
    about: Mapping[str, Any],
    probabilities: Floats,
    damage: Damage,
    thresholds: Sequence[float],
) -> dict[str, Any]:
    """Return the columns of one frame; ``about`` holds those that were measured elsewhere.

    Parameters
    ----------
    cells : Ranked
        N labels.
    place : tuple of int
        (t, z).
    about : mapping
        (N,) per column: shapes, nuclei, mitotic, intensities.
    probabilities : numpy.ndarray
        (N, 19), drawn to the base rates where a cell is damaged.
    damage : Damage
        Of these cells.
    thresholds : sequence of float
        19.
    """
    count = len(cells.labels)
    return {
        "cell": cells.labels,
        "t": np.full(count, place[0]),
        "z": np.full(count, place[1]),
        **about,
        "classes": named(probabilities, thresholds, damage.protein < 1),
        "uncertainty": uncertainty(probabilities),
        "imputed": damage.imputed,
        "missing": damage.missing,
        **dict(zip(CLASSES, probabilities.T, strict=True)),
    }


def table_of(frames: Sequence[Mapping[str, Any]], axes: str) -> pd.DataFrame:
    """Return the rows of all frames as one table; with all its columns even where it is empty."""
    import pandas as pd

    columns = columns_of(axes)
    kinds = {
        "cell": "int64", "t": "int64", "z": "int64", "nuclei": "int64",
        "touches_border": "bool", "mitotic": "bool", "classes": "object",
    }  # fmt: skip
    parts = [pd.DataFrame({name: rows[name] for name in columns}) for rows in frames]
    parts = [part for part in parts if len(part)]
    if parts:
        table = pd.concat(parts, ignore_index=True)
    else:
        table = pd.DataFrame({name: [] for name in columns})
    return table.astype({name: kinds.get(name, "float64") for name in columns})
