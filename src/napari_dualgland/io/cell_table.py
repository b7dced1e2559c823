"""The cells of a Labels layer as a table, where no localization is at hand that has one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.layer_axes import axes_of, pixels_of
from napari_dualgland.io.layer_tag import tag_of
from napari_dualgland.io.layers import files_of, sampling
from napari_dualgland.stack import to_canonical

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class CellTable:
    """A row per cell.

    Attributes
    ----------
    name : str
        Of the field of view.
    table : pandas.DataFrame
    files : tuple of pathlib.Path
        What it comes from, which is never replaced.
    """

    name: str
    table: pd.DataFrame
    files: tuple[Path, ...] = ()


def table_of_labels(layer: Any) -> CellTable:
    """Return where the cells of a Labels layer are and how large, with its features.

    Columns ``cell``, ``t`` and ``z`` where the layer has several, centroid ``y`` and ``x`` in
    pixels, ``area_px``, ``area_um2`` where the pixel size is known, and the layer's features: of
    several rows for a cell the first, ``y (layer)`` where a feature is called as one of these.

    Raises
    ------
    DualglandError
        If no cell is labelled, or its axes cannot be told.
    """
    axes = axes_of(layer)
    labels = to_canonical(np.asarray(pixels_of(layer)), axes)
    size = sampling(layer, axes, tag_of(layer).pixel_size)["pixel_size"]
    rows = []
    for t, z in np.ndindex(*labels.shape[:2]):
        plane = labels[t, z, 0]
        y, x = np.nonzero(plane)
        cells, inverse, counts = np.unique(plane[y, x], return_inverse=True, return_counts=True)
        for at, (cell, count) in enumerate(zip(cells, counts, strict=True)):
            rows.append({"cell": int(cell), "t": t, "z": z, "area_px": int(count), "at": at})
        centres = [np.bincount(inverse, v) / counts for v in (y, x)]
        for row in rows[len(rows) - len(cells) :]:
            row |= {"y": centres[0][row["at"]], "x": centres[1][row["at"]]}
    if not rows:
        raise DualglandError(Kind.EMPTY, layer.name, "no cell is labelled in this layer")
    import pandas as pd

    table = pd.DataFrame(rows).drop(columns="at")
    alone = [name for name, n in zip("tz", labels.shape[:2], strict=True) if n == 1]
    table = table.drop(columns=alone)
    if size is not None:
        table["area_um2"] = table["area_px"] * size.y * size.x
    features = getattr(layer, "features", None)
    if features is not None and "index" in features and len(features.columns) > 1:
        said = _by_cell(features, table)
        table = table.merge(said, on="cell", how="left", validate="many_to_one")
    files = tuple(map(Path, files_of([layer])))
    return CellTable(tag_of(layer).field or layer.name, table, files)


def _by_cell(features: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return features of the cells in a table, a row for each, with columns of other names."""
    import pandas as pd

    # A person or another program has filled them in: anything may stand there.
    numbers = pd.to_numeric(features["index"], errors="coerce")
    known = numbers.isin(table["cell"]) & ~numbers.duplicated()
    said: pd.DataFrame = features[known].drop(columns="index")
    said = said.rename(columns={name: f"{name} (layer)" for name in table.columns})
    return said.assign(cell=numbers[known].astype(int))
