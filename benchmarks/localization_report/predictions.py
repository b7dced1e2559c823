"""What was said of cells by networks that had not been taught them: read, checked, scored."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from dualgland_training.cell_folds import TOLD, LabelledCell
from localization_report.metrics import (
    best_among,
    confusion,
    intervals,
    over_thresholds,
    restricted,
    score,
)
from localization_report.setting import Result
from napari_dualgland.classes import CLASSES
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.typing import BoolArray, Float64Array, IndexArray

RATES = ("precision", "recall", "F1")


@dataclass(frozen=True)
class Predictions:
    """What was said of N cells.

    Attributes
    ----------
    files, groups : tuple of str
    fold, labels : numpy.ndarray
        (N,) int64.
    probabilities : numpy.ndarray
        (N, 19).
    """

    files: tuple[str, ...]
    groups: tuple[str, ...]
    fold: IndexArray
    labels: IndexArray
    probabilities: Float64Array

    def take(self, order: Sequence[int] | npt.NDArray[np.integer]) -> Predictions:
        """Return some of the cells, in this order."""
        kept = np.asarray(order, np.int64)
        return Predictions(
            tuple(self.files[i] for i in kept),
            tuple(self.groups[i] for i in kept),
            self.fold[kept],
            self.labels[kept],
            self.probabilities[kept],
        )

    def of(self, wanted: Sequence[bool] | BoolArray) -> Predictions:
        """Return those of the cells for which ``wanted`` is true."""
        return self.take(np.flatnonzero(wanted))


def predictions_of(
    cells: Sequence[LabelledCell], fold: npt.ArrayLike, probabilities: npt.ArrayLike
) -> Predictions:
    """Return what was said of listed cells."""
    return Predictions(
        tuple(c.file for c in cells),
        tuple(c.group for c in cells),
        np.asarray(fold, np.int64),
        np.array([c.label for c in cells], np.int64),
        np.asarray(probabilities, float),
    )


def read_predictions(path: Path) -> Predictions:
    """Read columns ``file``, ``fold``, ``group``, ``label`` and a logit per class, as CSV.

    Raises
    ------
    DualglandError
        If the file cannot be read or lacks a column.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        logits = np.array([[float(row[name]) for name in CLASSES] for row in rows])
        labels = np.array([CLASSES.index(row["label"]) for row in rows], np.int64)
        fold = np.array([int(row["fold"]) for row in rows], np.int64)
        files, groups = (tuple(row[name] for row in rows) for name in ("file", "group"))
    except OSError as error:
        found = f"cannot be read ({error.strerror})"
        raise DualglandError(Kind.UNREADABLE, path, found) from None
    except (KeyError, ValueError) as error:
        found = f"is no table of file, fold, group, label and a logit per class ({error})"
        raise DualglandError(Kind.WRONG_CONTENT, path, found) from None
    if not rows:
        way_out = "let the training of the folds end first"
        raise DualglandError(Kind.EMPTY, path, "holds no row", way_out=way_out)
    return Predictions(files, groups, fold, labels, expit(logits))


def check_folds(said: Predictions, cells: Sequence[LabelledCell], fold: npt.ArrayLike) -> None:
    """Refuse predictions that were made in other folds: they could not be compared.

    Raises
    ------
    DualglandError
        If a cell is missing, unknown or was held out in another fold.
    """
    wanted = {c.file: int(k) for c, k in zip(cells, np.asarray(fold), strict=True)}
    found = dict(zip(said.files, said.fold.tolist(), strict=True))
    if found != wanted:
        odd = {f for f in found.keys() | wanted.keys() if found.get(f) != wanted.get(f)}
        raise DualglandError(
            Kind.MISMATCH,
            min(odd),
            f"it and {len(odd) - 1} more cells are not in the folds of the collection",
            way_out="make the predictions anew with the folds of dualgland_training.cell_folds",
        )


def scored(said: Predictions, thresholds: npt.ArrayLike = 0.5) -> Result:
    """Return all scores of predictions, restricted to the classes that their labels tell.

    ``best`` is of the most probable of these classes, ``named`` of those over threshold.
    """
    present = [k for k in TOLD if (said.labels == k).any()]
    truth = restricted(said.labels, TOLD)
    best = restricted(best_among(said.probabilities, TOLD), TOLD)
    limits = np.broadcast_to(np.asarray(thresholds, float), (len(CLASSES),))
    named = over_thresholds(said.probabilities, limits)[:, list(TOLD)]
    table = confusion(said.labels, best_among(said.probabilities, TOLD), TOLD)
    return {
        "cells": len(said.files),
        "groups": len(set(said.groups)),
        "classes": [CLASSES[k] for k in present],
        "best": _block(truth, best, said.groups),
        "named": _block(truth, named, said.groups),
        "confusion": table.tolist(),
    }


def _block(truth: BoolArray, named: BoolArray, groups: Sequence[str]) -> Result:
    found, ends = score(truth, named), intervals(truth, named, groups)
    block: Result = {"per class": {}}
    for i, k in enumerate(TOLD):
        if found.support[i]:
            block["per class"][CLASSES[k]] = {
                "cells": int(found.support[i]),
                "precision": float(found.precision[i]),
                "recall": float(found.recall[i]),
                "F1": float(found.f1[i]),
                "low": float(ends.f1[0, i]),
                "high": float(ends.f1[1, i]),
            }
    for name, values, limits in (
        ("micro", found.micro, ends.micro),
        ("macro", found.macro, ends.macro),
    ):
        block[name] = {
            rate: {"mean": float(v), "low": float(a), "high": float(b)}
            for rate, v, a, b in zip(RATES, values, *limits, strict=True)
        }
    return block
