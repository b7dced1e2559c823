"""The table of a localization: a row for each cell of each frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from skimage.measure import regionprops_table

from napari_dualgland.classes import CLASSES
from napari_dualgland.localization.damage import Damage, uncertainty
from napari_dualgland.localization.intensities import INTENSITIES
from napari_dualgland.localization.ranked import Ranked
from napari_dualgland.typing import BoolArray, Float64Array

if TYPE_CHECKING:
    import pandas as pd

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
        "measured",
        *CLASSES,
        *INTENSITIES,
    )


def shapes_of(cells: Ranked, pixel_area: float) -> dict[str, Any]:
    """Measure centroid and area of cells, and tell whether the border cuts them.

    Parameters
    ----------
    cells : Ranked
        N labels.
    pixel_area : float
        µm².

    Returns
    -------
    dict
        (N,) each: ``y`` and ``x`` in pixels, ``area_um2``, ``touches_border``.
    """
    height, width = cells.rank.shape
    told = regionprops_table(cells.rank, properties=("bbox", "centroid_local", "area"))
    top, left, bottom, right = (told[f"bbox-{i}"] for i in range(4))
    return {
        "y": top + told["centroid_local-0"],
        "x": left + told["centroid_local-1"],
        "area_um2": told["area"] * pixel_area,
        "touches_border": (np.minimum(top, left) == 0) | (bottom == height) | (right == width),
    }


def split_classes(cell: Any) -> list[str]:
    """Return the names in the column ``classes`` of a cell, most probable first."""
    return cell.split(SEPARATOR) if isinstance(cell, str) and cell else []


def named(probabilities: Float64Array, thresholds: Sequence[float], seen: BoolArray) -> list[str]:
    """Return the classes over threshold, most probable first, as one string per cell.

    Parameters
    ----------
    probabilities : numpy.ndarray
        (N, 19).
    thresholds : sequence of float
        19.
    seen : numpy.ndarray
        (N,) boolean: False where no pixel of the protein was measured; nothing is named there.

    Returns
    -------
    list of str
        N; empty where no class is over its threshold.
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
    probabilities: Float64Array,
    damage: Damage,
    thresholds: Sequence[float],
) -> dict[str, Any]:
    """Put together the columns of one frame.

    Parameters
    ----------
    cells : Ranked
        N labels.
    place : tuple of int
        (t, z).
    about : mapping
        (N,) per column that was measured elsewhere: shapes, nuclei, mitotic, intensities.
    probabilities : numpy.ndarray
        (N, 19), shrunk to the base rates where a cell is damaged.
    damage : Damage
        Of these cells.
    thresholds : sequence of float
        19.

    Returns
    -------
    dict
        (N,) per column.
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
        "measured": 1 - damage.protein,
        **dict(zip(CLASSES, probabilities.T, strict=True)),
    }


def table_of(frames: Sequence[Mapping[str, Any]], axes: str) -> pd.DataFrame:
    """Put the rows of all frames together.

    Parameters
    ----------
    frames : sequence of mapping
        (N,) per column, from :func:`rows_of`.
    axes : str
        Of the stack.

    Returns
    -------
    pandas.DataFrame
        With all its columns even where it is empty.
    """
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
