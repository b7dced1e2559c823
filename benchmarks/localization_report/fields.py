"""Section *fields*: what is named in whole fields, beside what annotators said of them.

Labels are of fields, not of cells, and the rounds of annotators disagree on some: so besides
what is named over threshold, it is told at which place among all classes the mean over the
cells of a field puts each of its labels.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torchmetrics.functional.classification import multilabel_ranking_average_precision

from dualgland_training.data.collection import read_field
from localization_report.reading import (
    FIELD_PIXEL_UM,
    mean_of_cells,
    stack_of_roles,
)
from localization_report.setting import Result, Say, Setting
from napari_dualgland import localize
from napari_dualgland.classes import CLASS_OF_LOCATION, CLASSES, LOCATIONS
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.typing import Float64Array

FIRST = "28 locations"
"""The round of annotators that all labelled fields have."""

FIELD_UM = 2048 * FIELD_PIXEL_UM
"""Side of a whole field; the small ones show such fields on fewer pixels."""


class Listed(NamedTuple):
    """A field of the collection: its name, folder, pixel size and what each round said."""

    name: str
    folder: str
    pixel_um: float
    rounds: dict[str, set[str]]


def fields_section(setting: Setting, say: Say) -> Result:
    """Return a row per labelled field: classes named by us (mean over cells) and by the rounds.

    Raises
    ------
    DualglandError
        If the collection has no fields.
    """
    path = setting.data / "fields.csv"
    if not path.is_file():
        way_out = "name the atlas collection"
        raise DualglandError(Kind.NOT_THERE, setting.data, "holds no fields.csv", way_out=way_out)
    rows: list[dict[str, Any]] = []
    means: list[Float64Array] = []
    for field in _listed(setting):
        say(f"field {field.name[:8]}")
        image = read_field(setting.data, field.name, field.folder)
        stack = stack_of_roles(image, field.pixel_um, name=field.name)
        found = localize(stack, missing=np.zeros(image.shape, bool), model=setting.model)
        mean = np.nan_to_num(mean_of_cells(found), nan=-1)
        order = np.argsort(-mean)
        named = [CLASSES[k] for k in order if mean[k] >= found.thresholds[k]]
        means.append(mean)
        rows.append(
            {
                "field": field.name,
                "folder": field.folder,
                "cells": len(found.table),
                "named": named,
                "first": [[CLASSES[k], float(mean[k])] for k in order[:3]],
                "places": places_of(mean, field.rounds[FIRST]),
                **{name: sorted(labels) for name, labels in field.rounds.items()},
                **{f"overlap, {name}": overlap(set(named), s) for name, s in field.rounds.items()},
                "in first three": {
                    name: len(labels & {CLASSES[k] for k in order[:3]})
                    for name, labels in field.rounds.items()
                },
            }
        )
    return {"rows": rows, "ranking": ranking(np.stack(means), [set(r[FIRST]) for r in rows])}


def _listed(setting: Setting) -> Iterator[Listed]:
    """Yield the labelled fields, large ones first."""
    for folder in ("fields", "fields512"):
        path = setting.data / f"{folder}.csv"
        if not path.is_file():
            continue
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                if folder == "fields":
                    yield Listed(row["field"], folder, FIELD_PIXEL_UM, labels_of(row))
                elif row["labels_28_names"]:
                    said = {_class_of(name) for name in row["labels_28_names"].split("|")}
                    yield Listed(row["field"], folder, FIELD_UM / int(row["width"]), {FIRST: said})


def _class_of(location: str) -> str:
    return CLASSES[CLASS_OF_LOCATION[LOCATIONS.index(location)]]


def places_of(mean: Float64Array, labels: set[str]) -> dict[str, int]:
    """Return at which place among the classes each label stands, 1 for the most probable."""
    order = [CLASSES[k] for k in np.argsort(-mean)]
    return {name: 1 + order.index(name) for name in sorted(labels)}


def ranking(means: Float64Array, labels: list[set[str]]) -> dict[str, float]:
    """Return how high the labels of fields stand among the classes.

    Parameters
    ----------
    means : numpy.ndarray
        (N, 19), what is said of each field.
    labels : list of set of str
        What annotators said of it, one class at least.

    Returns
    -------
    dict
        ``precision``: label ranking average precision, 1 at best; ``by chance``: its mean over
        random orders; ``labels``, and how many of them are ``in first three``.
    """
    truth = torch.tensor([[int(name in own) for name in CLASSES] for own in labels])

    def precision(scores: Float64Array) -> float:
        given = torch.from_numpy(np.ascontiguousarray(scores))
        return float(multilabel_ranking_average_precision(given, truth, len(CLASSES)))

    rng = np.random.default_rng(0)
    chance = [precision(rng.random(means.shape)) for _ in range(200)]
    places = [
        p for mean, own in zip(means, labels, strict=True) for p in places_of(mean, own).values()
    ]
    return {
        "fields": len(labels),
        "labels": len(places),
        "in first three": sum(p <= 3 for p in places),
        "mean place": float(np.mean(places)),
        "precision": precision(means),
        "by chance": float(np.mean(chance)),
    }


def labels_of(field: dict[str, str]) -> dict[str, set[str]]:
    """Return what the rounds with 28 and with 19 classes said of a field, in our classes."""
    return {
        FIRST: {CLASSES[CLASS_OF_LOCATION[int(i)]] for i in field["labels_28"].split()},
        "19 classes": {CLASSES[int(i)] for i in field["labels_19"].split("|") if i},
    }


def overlap(one: set[str], other: set[str]) -> float:
    """Return the share of classes in both sets among those in either (Jaccard)."""
    return len(one & other) / len(one | other) if one | other else 1.0
