"""Section *fields*: what is named in whole fields, beside what two rounds of annotators said."""

from __future__ import annotations

import csv
from typing import Any

import numpy as np

from dualgland_training.data.collection import read_field
from localization_report.reading import (
    FIELD_PIXEL_UM,
    mean_of_cells,
    stack_of_roles,
)
from localization_report.setting import Result, Say, Setting
from napari_dualgland import localize
from napari_dualgland.classes import CLASS_OF_LOCATION, CLASSES
from napari_dualgland.errors import DualglandError, Kind


def fields_section(setting: Setting, say: Say) -> Result:
    """Return a row per field: classes named by us (mean over cells) and by either round.

    Raises
    ------
    DualglandError
        If the collection has no fields.
    """
    path = setting.data / "fields.csv"
    if not path.is_file():
        way_out = "name the atlas collection"
        raise DualglandError(Kind.NOT_THERE, setting.data, "holds no fields.csv", way_out=way_out)
    with path.open(newline="") as file:
        listed = list(csv.DictReader(file))
    rows: list[dict[str, Any]] = []
    for field in listed:
        say(f"field {field['field'][:8]}")
        image = read_field(setting.data, field["field"])
        stack = stack_of_roles(image, FIELD_PIXEL_UM, name=field["field"])
        found = localize(stack, missing=np.zeros(image.shape, bool), model=setting.model)
        mean = mean_of_cells(found)
        order = np.argsort(-np.nan_to_num(mean, nan=-1))
        rounds = labels_of(field)
        named = [CLASSES[k] for k in order if mean[k] >= found.thresholds[k]]
        rows.append(
            {
                "field": field["field"],
                "cells": len(found.table),
                "named": named,
                "first": [[CLASSES[k], float(mean[k])] for k in order[:3]],
                **{name: sorted(labels) for name, labels in rounds.items()},
                **{f"overlap, {name}": overlap(set(named), s) for name, s in rounds.items()},
                "in first three": {
                    name: len(labels & {CLASSES[k] for k in order[:3]})
                    for name, labels in rounds.items()
                },
            }
        )
    return {"rows": rows}


def labels_of(field: dict[str, str]) -> dict[str, set[str]]:
    """Return what the rounds with 28 and with 19 classes said of a field, in our classes."""
    return {
        "28 locations": {CLASSES[CLASS_OF_LOCATION[int(i)]] for i in field["labels_28"].split()},
        "19 classes": {CLASSES[int(i)] for i in field["labels_19"].split("|") if i},
    }


def overlap(one: set[str], other: set[str]) -> float:
    """Return the share of classes in both sets among those in either (Jaccard)."""
    return len(one & other) / len(one | other) if one | other else 1.0
