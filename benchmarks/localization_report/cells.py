"""Section *cells*: the localizer on real cells that it was not taught, beside the baseline."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy.special import expit, logit

from dualgland_training.cell_folds import TOLD, fold_of_cells, read_labelled_cells, unseen_groups
from dualgland_training.cell_pictures import read_cell_picture
from localization_report.baseline import cross_validate_trees, features_of
from localization_report.calibration import calibration, reliability
from localization_report.joined import SEEDS, joined_scores
from localization_report.metrics import best_among, difference, restricted
from localization_report.predictions import (
    Predictions,
    check_folds,
    predictions_of,
    read_predictions,
    scored,
)
from localization_report.reading import read_one_cell
from localization_report.setting import Result, Say, Setting
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.model.calibrated_localizer import load_localizer
from napari_dualgland.model.device import choose_device
from napari_dualgland.model.weights import models_for, read_card

TREES = "hand-made features and trees"
CROSSED = "localizer, by folds"
CALIBRATED = "localizer, by folds, calibrated as shipped"
SHIPPED = "localizer as shipped"


def cells_section(setting: Setting, say: Say) -> Result:
    """Return scores on all cells by folds, and of the shipped localizer on groups held out.

    Where there is no file of folds, or no localizer yet, its rows are left out.
    """
    cells = read_labelled_cells(setting.data)
    fold = fold_of_cells(cells)
    say("hand-made features")
    trees = cross_validate_trees(cells, fold, features_of(cells, setting.data, setting.scratch))
    every: dict[str, Predictions] = {TREES: trees}
    best = CROSSED
    if setting.folds is not None:
        every[CROSSED] = ordered(read_predictions(setting.folds), trees)
        check_folds(every[CROSSED], cells, fold)
        if setting.model in models_for("localize") or setting.model.endswith(".safetensors"):
            every[CALIBRATED] = as_shipped(every[CROSSED], setting.model)
            best = CALIBRATED
    result: Result = {"by folds": {name: scored(said) for name, said in every.items()}}
    if setting.folds is not None:
        result["ahead of trees, by folds"] = ahead(every[best], trees)
        result["calibration, by folds"] = calibrated(every[best])
        say("forests of other seeds")
        measured = features_of(cells, setting.data, setting.scratch)
        more = [cross_validate_trees(cells, fold, measured, seed) for seed in range(1, SEEDS)]
        result["joined, by folds"] = joined_scores(every[best], [trees, *more])
    try:
        read_card(setting.model)
    except DualglandError as error:
        say(f"{error}; rows of the shipped localizer are left out")
        return result
    return result | _shipped(setting, trees, say)


def _shipped(setting: Setting, trees: Predictions, say: Say) -> Result:
    unseen = unseen_groups(setting.recipe)
    card = read_card(setting.model)[0]
    parts = {"held out": unseen.held_out, "held out or for validation": sum(unseen, ())}
    taught = {g for g in parts["held out or for validation"] if g not in card.held_out}
    result: Result = {"groups not named as held out in the card": sorted(taught)}
    kept = trees.of([g in parts["held out or for validation"] for g in trees.groups])
    cells = [c for c in read_labelled_cells(setting.data) if c.file in set(kept.files)]
    rows = []
    for i, cell in enumerate(cells):
        if i % 20 == 0:
            say(f"reading held-out cells, {i}/{len(cells)}")
        rows.append(read_one_cell(*read_cell_picture(setting.data, cell.file), setting.model))
    said = ordered(predictions_of(cells, np.zeros(len(cells)), np.stack(rows)), kept)
    limits = load_localizer(setting.model, choose_device("cpu")).thresholds
    for part, groups in parts.items():
        some = [g in groups for g in kept.groups]
        ours, theirs = said.of(some), kept.of(some)
        result[part] = {SHIPPED: scored(ours, limits), TREES: scored(theirs)}
        result[f"ahead of trees, {part}"] = ahead(ours, theirs)
        result[f"calibration, {part}"] = calibrated(ours)
    return result


def as_shipped(said: Predictions, model: str) -> Predictions:
    """Return predictions calibrated as a model's card says."""
    reader = load_localizer(model, choose_device("cpu"))
    logits = logit(np.clip(said.probabilities, 1e-6, 1 - 1e-6))
    moved = reader.calibrated(torch.from_numpy(logits)).numpy()
    return replace(said, probabilities=expit(moved))


def ordered(said: Predictions, like: Predictions) -> Predictions:
    """Return predictions in the order of others, as far as they have the same cells."""
    place = {file: i for i, file in enumerate(said.files)}
    missing = [file for file in like.files if file not in place]
    if missing:
        found = f"nothing was said of it and {len(missing) - 1} more cells"
        raise DualglandError(Kind.LACKING, missing[0], found)
    return said.take([place[file] for file in like.files])


def ahead(ours: Predictions, theirs: Predictions) -> dict[str, float]:
    """Return how far one is ahead of another in macro F1 on the same cells, paired."""
    truth = restricted(ours.labels, TOLD)
    one, other = (restricted(best_among(s.probabilities, TOLD), TOLD) for s in (ours, theirs))
    return difference(truth, one, other, ours.groups)


def calibrated(said: Predictions) -> Result:
    """Return calibration over all cells and the classes that labels tell."""
    p, truth = said.probabilities[:, list(TOLD)], restricted(said.labels, TOLD)
    return {**calibration(p, truth), "bins": reliability(p, truth)}
