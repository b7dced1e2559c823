"""Section *damage*: what damage takes from localization, and what filling gives back.

Only cells that the generator was not taught are damaged. All pictures are read alike, by their
pixels: the program is not told which of them were lost or filled, or it would hold back and
the pictures could not be compared. Beside it stands what it says of the damaged picture when
it is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from dualgland_training.cell_folds import TOLD, LabelledCell, read_labelled_cells, unseen_groups
from dualgland_training.cell_pictures import read_cell_picture
from dualgland_training.evaluate.cases import CASES
from dualgland_training.evaluate.methods import draws
from localization_report.fills import (
    PLAUSIBLE,
    damage_of,
    filled,
    method_of,
    stratified,
)
from localization_report.metrics import (
    best_among,
    counts_by_group,
    draw_groups,
    restricted,
    scores_of_counts,
)
from localization_report.reading import read_one_cell
from localization_report.setting import Result, Say, Setting
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.typing import BoolArray, ByteArray, Float64Array

OURS = "imputed by us"
CLEAN, DAMAGED, TOLD_OF_IT = "clean", "damaged", "damaged, and told so"

ALL_KINDS = "all of these kinds together"
"""Row of a table over every damaged version of every cell."""

WORTH = 0.03
"""Loss of F1 from which it is asked how much of it was given back."""

Saids = dict[str, dict[str, Float64Array]]


def damage_section(setting: Setting, say: Say) -> Result:
    """Return F1 per kind of damage and judge: clean, damaged, filled by us and classically.

    Raises
    ------
    DualglandError
        If a kind of damage does not exist, or no cell was held out.
    """
    cases = setting.cases or tuple(CASES)
    unknown = set(cases) - set(CASES)
    if unknown:
        found, expected = f"no damage {min(unknown)!r}", f"one of {', '.join(CASES)}"
        raise DualglandError(Kind.BAD_VALUE, "--cases", found, expected=expected)
    groups = set(sum(unseen_groups(setting.recipe), ()))
    cells = [c for c in read_labelled_cells(setting.data) if c.group in groups]
    cells = stratified(cells, setting.cells)
    if not cells:
        found = "holds out no group of these cells"
        raise DualglandError(Kind.MISMATCH, setting.recipe, found)
    judges = {"localizer": setting.model, **setting.judges}
    result: Result = {
        "cells": len(cells),
        "groups": len({c.group for c in cells}),
        "adapt": setting.adapt,
        "generator": setting.generator,
        "judges": {name: {} for name in judges},
    }
    clean: dict[str, dict[str, Float64Array]] = {name: {} for name in judges}
    everything: dict[str, Saids] = {name: {} for name in judges}
    for case in cases:
        said: dict[str, Saids] = {name: {} for name in judges}
        for number, cell in enumerate(cells):
            say(f"{case}: cell {number + 1}/{len(cells)}")
            image, inside = read_cell_picture(setting.data, cell.file)
            for picture, pixels, missing in _pictures(setting, case, cell, image):
                for judge, model in judges.items():
                    if picture == CLEAN and cell.file in clean[judge]:
                        row = clean[judge][cell.file]
                    else:
                        row = read_one_cell(pixels, inside, model, missing)
                        if picture == CLEAN:
                            clean[judge][cell.file] = row
                    said[judge].setdefault(picture, {})[cell.file] = row
        for judge, pictures in said.items():
            result["judges"][judge][case] = compared(cells, pictures)
            for picture, rows in pictures.items():
                of_all = everything[judge].setdefault(picture, {})
                of_all.update({_version(case, file): row for file, row in rows.items()})
    if len(cases) > 1:
        versions = [replace(c, file=_version(case, c.file)) for case in cases for c in cells]
        for judge, pictures in everything.items():
            result["judges"][judge][ALL_KINDS] = compared(versions, pictures)
    return result


def _version(case: str, file: str) -> str:
    """Return the name of a damaged version of a cell."""
    return f"{case}: {file}"


def _pictures(
    setting: Setting, case: str, cell: LabelledCell, image: ByteArray
) -> Iterator[tuple[str, ByteArray, BoolArray | None]]:
    """Yield name, pixels and what is told of them, of every version of a cell."""
    missing, damaged = damage_of(case, image, cell.file)
    yield CLEAN, image, None
    yield DAMAGED, damaged, None
    yield TOLD_OF_IT, damaged, missing
    ours = (OURS, PLAUSIBLE) if draws(setting.generator) else (OURS,)
    for name in (*ours, *setting.classical):
        method = method_of(name, setting.generator, setting.adapt)
        made = filled(method, case, image, missing, cell.file, setting.scratch)
        yield name, made, None


def compared(cells: list[LabelledCell], pictures: Saids) -> Result:
    """Return macro F1 of every version with intervals, and the share of the loss given back.

    F1 changes only with the few cells whose most probable class does. The probability of the
    annotated class among the five changes with every cell: its mean over cells is
    ``probability``; ours less that of the classical fill which is best by this measure,
    ``probability ahead``. ``accuracy`` is the share of cells whose most probable class of the five
    is the annotated one.

    The best classical fill is the one with the highest F1: chosen after the fact, which is in
    its favour. Shares are of what damage took from the picture as it is; they are drawn with
    the same groups as the intervals, and left out where less than 0.03 was lost.
    """
    labels, groups = np.array([c.label for c in cells]), [c.group for c in cells]
    truth = restricted(labels, TOLD)
    times = draw_groups(groups, truth.argmax(1))
    point: dict[str, float] = {}
    drawn: dict[str, Float64Array] = {}
    stated: dict[str, float] = {}
    stated_drawn: dict[str, Float64Array] = {}
    place = np.unique(np.asarray(groups), return_inverse=True)[1]
    many = times @ np.bincount(place)
    result: dict[str, Any] = {"F1": {}, "probability": {}, "accuracy": {}}
    for name, rows in pictures.items():
        scores = np.stack([rows[c.file] for c in cells])
        counts = counts_by_group(truth, restricted(best_among(scores, TOLD), TOLD), groups)
        point[name] = float(scores_of_counts(counts.sum(0))[2][2])
        drawn[name] = scores_of_counts(np.einsum("dg,gck->dck", times, counts))[2][:, 2]
        result["F1"][name] = _spread(point[name], drawn[name])
        among = scores[:, TOLD] / scores[:, TOLD].sum(1, keepdims=True).clip(1e-9)
        own = among[np.arange(len(cells)), truth.argmax(1)]
        stated[name] = float(own.mean())
        stated_drawn[name] = times @ np.bincount(place, own) / many
        result["probability"][name] = _spread(stated[name], stated_drawn[name])
        right = (among.argmax(1) == truth.argmax(1)).astype(float)
        result["accuracy"][name] = _spread(right.mean(), times @ np.bincount(place, right) / many)
    others = [n for n in pictures if n not in (CLEAN, DAMAGED, TOLD_OF_IT, OURS, PLAUSIBLE)]
    result["lost"] = _spread(point[CLEAN] - point[DAMAGED], drawn[CLEAN] - drawn[DAMAGED])
    best = max(others, key=lambda n: point[n], default=None)
    result["best classical"] = best
    if best is not None:
        result["ahead of best classical"] = _spread(
            point[OURS] - point[best], drawn[OURS] - drawn[best]
        )
        surest = max(others, key=lambda n: stated[n])
        result["probability, best classical"] = surest
        result["probability ahead"] = _spread(
            stated[OURS] - stated[surest], stated_drawn[OURS] - stated_drawn[surest]
        )
    if point[CLEAN] - point[DAMAGED] > WORTH:
        for name in [n for n in point if n in (OURS, PLAUSIBLE, best)]:
            share = (point[name] - point[DAMAGED]) / (point[CLEAN] - point[DAMAGED])
            lost = drawn[CLEAN] - drawn[DAMAGED]
            # Draws in which damage took nothing have no share.
            some = lost > WORTH / 3
            each = (drawn[name] - drawn[DAMAGED])[some] / lost[some]
            result.setdefault("given back", {})[name] = _spread(share, each)
    return result


def _spread(value: float, draws: Float64Array) -> dict[str, float]:
    if not len(draws):
        return {"mean": value}
    low, high = np.percentile(draws, [2.5, 97.5])
    return {"mean": value, "low": float(low), "high": float(high)}
