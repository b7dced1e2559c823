"""Section *dictionary*: one picture per location, by other hands, without an ER channel.

The composites are JPEGs with a scale bar drawn into the lower right, which is blackened
before anything looks at it. The bar (10 µm) also tells how large a pixel is; what nuclei say
of that stands beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.io import imread

from localization_report.metrics import confusion, top_hits
from localization_report.reading import mean_of_cells, stack_of_roles
from localization_report.setting import Result, Say, Setting
from napari_dualgland import localize
from napari_dualgland.classes import CLASS_OF_LOCATION, CLASSES, LOCATIONS
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.typing import ByteArray, Float64Array

ROLES_OF_RGB = ("microtubules", "protein", "nucleus")

BAR_UM = 10.0
USUAL_UM = 0.085
"""Of most of the pictures; where no bar is found."""

CORNER = (48, 164)
"""Height and width of the lower right corner that may hold the bar, in pixels of 820."""

DARKEST = 48
"""A channel that is nowhere as bright as this is not there: some composites show two stains."""


def bar_length(picture: ByteArray) -> int | None:
    """Return the length in pixels of a white bar in the lower right corner; None without."""
    white = picture[-CORNER[0] :, -CORNER[1] :].min(-1) > 150
    rows = np.flatnonzero(white.sum(1) >= CORNER[1] // 3)
    if not len(rows) or len(rows) > 12:
        return None
    columns = np.flatnonzero(white[rows].all(0))
    return int(columns[-1] - columns[0] + 1) if len(columns) >= CORNER[1] // 3 else None


def read_composite(path: Path) -> tuple[ByteArray, float]:
    """Return a composite as (3, Y, X), its corner black, and µm per pixel."""
    picture = np.asarray(imread(path))[..., :3]
    length = bar_length(picture)
    image = np.moveaxis(picture, -1, 0).copy()
    image[:, -CORNER[0] :, -CORNER[1] :] = 0
    return image, BAR_UM / length if length else USUAL_UM


def dictionary_section(setting: Setting, say: Say) -> Result:
    """Return what is named in each picture, top-1 and top-3 over the 19 classes.

    Raises
    ------
    DualglandError
        If the collection has no dictionary.
    """
    folder = setting.data / "dictionary"
    found = [(i, folder / f"{i}.jpg") for i in range(len(LOCATIONS))]
    pictures = [(i, path) for i, path in found if path.is_file()]
    if not pictures:
        way_out = "name the atlas collection"
        raise DualglandError(Kind.EMPTY, folder, "holds no picture", way_out=way_out)
    rows: list[dict[str, Any]] = []
    means = []
    for i, path in pictures:
        say(f"dictionary, {LOCATIONS[i]}")
        row, mean = _read(i, path, setting.model)
        rows.append(row)
        means.append(mean)
    truth = np.array([CLASS_OF_LOCATION[i] for i, _ in pictures])
    # A picture in which no cell was found names nothing: all classes are as unlikely.
    scores = np.nan_to_num(np.stack(means), nan=0.0)
    empty = ~np.isfinite(np.stack(means)).all(1)
    result: Result = {"pictures": len(rows), "rows": rows}
    for k in (1, 3):
        hits = top_hits(scores, truth, k) & ~empty
        result[f"top-{k}"] = float(hits.mean())
        for row, hit in zip(rows, hits, strict=True):
            row[f"top-{k}"] = bool(hit)
        each = [hits[truth == c].mean() for c in np.unique(truth)]
        result[f"top-{k}, mean over classes"] = float(np.mean(each))
    said = scores.argmax(1)
    order = list(range(len(CLASSES)))
    result["confusion"] = confusion(truth[~empty], said[~empty], order).tolist()
    return result


def _read(i: int, path: Path, model: str) -> tuple[dict[str, Any], Float64Array]:
    image, pixel_um = read_composite(path)
    at_hand = [c for c in range(3) if c == 1 or np.percentile(image[c], 99.5) >= DARKEST]
    roles = tuple(ROLES_OF_RGB[c] for c in at_hand)
    stack = stack_of_roles(image[at_hand], pixel_um, roles, path.name)
    read = localize(stack, missing=np.zeros(stack.shape, bool), model=model)
    mean = mean_of_cells(read)
    row: dict[str, Any] = {
        "location": LOCATIONS[i],
        "class": CLASSES[CLASS_OF_LOCATION[i]],
        "cells": len(read.table),
        "pixel_um": pixel_um,
        "without": [role for role in ROLES_OF_RGB if role not in roles],
        "nucleus_um": nucleus_diameter_um(image[2], pixel_um) if "nucleus" in roles else None,
        "first": [],
    }
    if np.isfinite(mean).all():
        best = np.argsort(-mean)[:3]
        row["first"] = [[CLASSES[k], float(mean[k])] for k in best]
    return row, mean


def nucleus_diameter_um(dna: ByteArray, pixel_um: float) -> float | None:
    """Return the median diameter of what stands out in a DNA channel; None if nothing does."""
    smooth = ndimage.gaussian_filter(dna.astype(float), 0.4 / pixel_um)
    if np.ptp(smooth) <= 0:
        return None
    pieces, count = ndimage.label(smooth > threshold_otsu(smooth))  # type: ignore[no-untyped-call]
    areas = np.bincount(pieces.ravel(), minlength=count + 1)[1:] * pixel_um**2
    whole = areas[areas >= 0.25 * areas.max()]
    return float(2 * np.sqrt(np.median(whole) / np.pi))
