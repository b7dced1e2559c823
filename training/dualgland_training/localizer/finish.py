"""From trained weights to a model that ships: half precision, calibrated, with its card.

Temperature and bias are fitted on annotated cells of the validation groups, which were not trained
on; thresholds are chosen class by class where F1 is best, on these cells for the classes that
they have and on drawn cells of fields of their own for the others. Base rates are counted in
the annotations of whole fields.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import expit

from dualgland_training.cell_folds import TOLD
from dualgland_training.data.collection import read_table
from dualgland_training.localizer.bank import load_bank
from dualgland_training.localizer.card import localizer_card
from dualgland_training.localizer.cells import name_classes, read_real_cells
from dualgland_training.localizer.recipe import LocalizerRecipe
from dualgland_training.localizer.scores import DrawnScores, on_drawn_cells
from dualgland_training.localizer.start import start_network
from dualgland_training.trainer.model_card import write_model
from napari_dualgland.classes import CLASS_OF_LOCATION, CLASSES
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.model.localizer import Localizer
from napari_dualgland.typing import BoolArray, Float64Array

BIAS_PULL = 0.002

PER_CLASS = 16
"""Drawn cells per class that thresholds and overlaps are measured on."""


def fit_calibration(logits: Float64Array, target: BoolArray) -> tuple[float, Float64Array]:
    """Fit the temperature and the bias per class with the least binary cross-entropy.

    Temperature scaling with a bias (Alexandari, Kundaje, Shrikumar, ICML 2020); a slight pull
    towards no bias, for there are few cells of some classes.

    Parameters
    ----------
    logits : numpy.ndarray
        (N, K).
    target : numpy.ndarray
        (N, K), boolean.

    Returns
    -------
    temperature : float
        By which logits are divided.
    bias : numpy.ndarray
        (K,), added to them.
    """

    def entropy(p: Float64Array) -> float:
        z = logits / np.exp(p[0]) + p[1:]
        pull = BIAS_PULL * float(np.sum(p[1:] ** 2))
        return float(np.mean(np.logaddexp(0, z) - target * z)) + pull

    found = minimize(entropy, np.zeros(1 + logits.shape[1]))
    return float(np.exp(found.x[0])), np.asarray(found.x[1:])


def best_threshold(p: Float64Array, target: BoolArray) -> float:
    """Return the probability from which F1 is best, the middle of ties.

    Parameters
    ----------
    p : numpy.ndarray
        (N,), probabilities.
    target : numpy.ndarray
        (N,), boolean.

    Returns
    -------
    float
        0.15 to 0.85.
    """
    grid = np.linspace(0.15, 0.85, 71)
    said = p[None] >= grid[:, None]
    hit = (said & target).sum(1)
    f1 = 2 * hit / np.maximum(said.sum(1) + target.sum(), 1)
    return float(np.median(grid[f1 >= f1.max() - 1e-9]))


def base_rates(root: Path) -> dict[str, float]:
    """Return how often each class is named in annotated fields, never quite 0 or 1."""
    counts, fields = np.zeros(len(CLASSES)), 0
    for row in read_table(root, "singles"):
        if row["labels_28"]:
            fields += 1
            for k in {CLASS_OF_LOCATION[int(i)] for i in row["labels_28"].split()}:
                counts[k] += 1
    return {
        name: round(float((c + 1) / (fields + 2)), 4)
        for name, c in zip(CLASSES, counts, strict=True)
    }


def _calibrate(network: Localizer, recipe: LocalizerRecipe, drawn: DrawnScores) -> dict[str, Any]:
    """Return what the card's ``use`` says: temperature, bias, thresholds and base rates."""
    root, groups = recipe.collection(), recipe.kept().validation_groups
    cells = [c for c in read_real_cells(root) if c.group in groups]
    real = np.stack([name_classes(network, c) for c in cells]).astype(np.float64)
    labels = np.array([c.label for c in cells])
    told = list(TOLD)
    truth = labels[:, None] == np.arange(len(CLASSES))
    temperature, moved = fit_calibration(real[:, told], truth[:, told])
    bias = np.zeros(len(CLASSES))
    bias[told] = moved
    thresholds = {}
    for k, name in enumerate(CLASSES):
        logits, target = drawn.logits[:, k], drawn.target[:, k]
        if k in told:
            logits, target = real[:, k], truth[:, k]
        thresholds[name] = round(best_threshold(expit(logits / temperature + bias[k]), target), 3)
    return {
        "temperature": round(temperature, 4),
        "bias": {n: round(float(b), 4) for n, b in zip(CLASSES, bias, strict=True) if b},
        "thresholds": thresholds,
        "prior": base_rates(root),
    }


def finish_model(recipe: LocalizerRecipe, weights: Path, out: Path) -> Path:
    """Calibrate a trained localizer and write it with its card.

    Parameters
    ----------
    recipe : LocalizerRecipe
        Names the collection, and the drawn cells that were not trained on.
    weights : pathlib.Path
        Of the last stage.
    out : pathlib.Path
        Folder of the models.

    Returns
    -------
    pathlib.Path
        Of the model.

    Raises
    ------
    DualglandError
        If the recipe names no ``heldout`` cells, or something cannot be read.
    """
    if recipe.heldout is None:
        found = "the recipe names no drawn cells that were kept apart"
        raise DualglandError(Kind.LACKING, "heldout", found)
    network = start_network(recipe, weights)
    network.load_state_dict({k: v.half().float() for k, v in network.state_dict().items()})
    network.eval()
    bank, count = load_bank(recipe.found(recipe.heldout)), PER_CLASS * len(CLASSES)
    use = _calibrate(network, recipe, on_drawn_cells(network, bank, recipe.seed + 50, count))
    thresholds = tuple(use["thresholds"].values())
    bias = torch.tensor([use["bias"].get(name, 0.0) for name in CLASSES])
    scores = on_drawn_cells(
        network,
        bank,
        recipe.seed + 51,
        count,
        lambda logits: logits / use["temperature"] + bias,
        thresholds,
    )
    f1, overlap = scores.f1(thresholds), scores.overlap
    figures = {
        "drawn cells, F1": {n: round(float(v), 3) for n, v in zip(CLASSES, f1, strict=True)},
        "drawn cells, intersection over union": {
            n: round(float(v), 3) for n, v in zip(CLASSES[:-1], overlap, strict=True)
        },
    }
    card = localizer_card(recipe, recipe.drawn.steps + recipe.head.steps, use, figures)
    return write_model(out, network, card)
