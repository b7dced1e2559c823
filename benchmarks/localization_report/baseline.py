"""The figure to beat: hand-made features and trees, taught and tried on the same folds."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dualgland_training import cell_pictures
from dualgland_training.cell_folds import LabelledCell
from dualgland_training.cell_pictures import read_cell_picture
from localization_report import handmade
from localization_report.handmade import build_trees, cell_features
from localization_report.predictions import Predictions, predictions_of
from napari_dualgland.classes import CLASSES
from napari_dualgland.io.atomic import replacing
from napari_dualgland.typing import Float64Array, IndexArray


def features_of(cells: Sequence[LabelledCell], data: Path, scratch: Path) -> Float64Array:
    """Return the hand-made features of cells, (N, F); measured once and kept in ``scratch``."""
    code = inspect.getsource(handmade) + inspect.getsource(cell_pictures)
    key = hashlib.sha256("\n".join([code, *(c.file for c in cells)]).encode()).hexdigest()[:16]
    path = scratch / f"handmade-{key}.npy"
    if path.is_file():
        return np.asarray(np.load(path, allow_pickle=False))
    pictures = (read_cell_picture(data, c.file) for c in cells)
    rows = np.array([list(cell_features(*picture).values()) for picture in pictures])
    scratch.mkdir(parents=True, exist_ok=True)
    with replacing(path) as beside, beside.open("wb") as file:
        np.save(file, rows)
    return rows


def cross_validate_trees(
    cells: Sequence[LabelledCell],
    fold: IndexArray,
    features: Float64Array,
    seed: int = 0,
) -> Predictions:
    """Return what trees say of every cell that were taught on the other folds."""
    labels = np.array([c.label for c in cells])
    probabilities = np.zeros((len(cells), len(CLASSES)))
    for k in np.unique(fold):
        held = fold == k
        trees = build_trees(seed).fit(features[~held], labels[~held])
        rows = probabilities[held]
        rows[:, trees.classes_] = trees.predict_proba(features[held])
        probabilities[held] = rows
    return predictions_of(cells, fold, probabilities)
