"""From trained weights to a model that ships: half precision, calibrated, with its card.

Temperature and bias are fitted on annotated cells of the validation groups, which were not trained
on; thresholds are chosen class by class where F1 is best, on these cells for the classes that
they have and on drawn cells of fields of their own for the others. Base rates are counted in
the annotations of whole fields.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import typer
from scipy.optimize import minimize
from scipy.special import expit
from torch import Tensor

from dualgland_training.cell_folds import TOLD, unseen_groups
from dualgland_training.checkpoint import write_beside
from dualgland_training.localizer.bank import Bank, load_bank
from dualgland_training.localizer.batches import Examples, batch_of
from dualgland_training.localizer.recipe import LocalizerRecipe, read_localizer_recipe
from dualgland_training.localizer.train import read_real_cells, say, started
from napari_dualgland.classes import CLASS_OF_LOCATION, CLASSES
from napari_dualgland.model.calibrated_localizer import agreeing
from napari_dualgland.model.generator import count_parameters
from napari_dualgland.model.localizer import STRIDE, Localizer
from napari_dualgland.model.weights import ModelCard

BIAS_PULL = 0.002

PER_CLASS = 16
"""Drawn cells per class that thresholds and overlaps are measured on."""

CROP = 240
"""Side of their views: most cells whole."""

Floats = npt.NDArray[np.float64]


class DrawnScores(NamedTuple):
    """What a network says of drawn cells that it was not trained on.

    ``logits`` and ``target`` are (N, 19); ``overlap`` the intersection over union per class at
    a probability of a half, pooled over cells, NaN where a class has no pixel.
    """

    logits: Floats
    target: npt.NDArray[np.bool_]
    overlap: Floats


@torch.inference_mode()
def on_drawn_cells(
    network: Localizer,
    bank: Bank,
    seed: int,
    count: int,
    calibrated: Callable[[Tensor], Tensor] = lambda logits: logits,
    thresholds: tuple[float, ...] = (1e-6,) * len(CLASSES),
) -> DrawnScores:
    """Read ``count`` drawn cells of a bank of fields that no training saw.

    Pixels are brought to agree with their cells by calibration and thresholds, as the program
    does it.
    """
    examples = Examples(bank, [], seed)
    rng = np.random.default_rng(seed)
    logits, targets = [], []
    both = np.zeros((2, len(CLASSES) - 1))
    for _ in range(count):
        batch = batch_of([examples.drawn(rng)], CROP, rng)
        reading = network(batch.x, batch.inside, batch.present)
        cell = calibrated(reading.cell)
        logits.append(cell[0].double().numpy())
        targets.append(batch.target[0].numpy() > 0)
        inside = torch.nn.functional.avg_pool2d(batch.inside, STRIDE)[0] > 0.5
        dense = agreeing(torch.sigmoid(reading.dense), torch.sigmoid(cell), thresholds)
        said = (dense[0] > 0.5) & inside
        truth = (batch.dense[0] > 0.5) & inside
        both += np.stack([_area(said & truth), _area(said | truth)])
    with np.errstate(invalid="ignore"):
        return DrawnScores(np.stack(logits), np.stack(targets), both[0] / both[1])


def _area(masks: Tensor) -> Floats:
    return np.asarray(masks.sum((1, 2)).double().numpy())


def fit_calibration(logits: Floats, target: npt.NDArray[np.bool_]) -> tuple[float, Floats]:
    """Return the temperature and the bias per class with the least binary cross-entropy.

    Temperature scaling with a bias (Alexandari, Kundaje, Shrikumar, ICML 2020); a slight pull
    towards no bias, for there are few cells of some classes.
    """

    def entropy(p: Floats) -> float:
        z = logits / np.exp(p[0]) + p[1:]
        pull = BIAS_PULL * float(np.sum(p[1:] ** 2))
        return float(np.mean(np.logaddexp(0, z) - target * z)) + pull

    found = minimize(entropy, np.zeros(1 + logits.shape[1]))
    return float(np.exp(found.x[0])), np.asarray(found.x[1:])


def best_threshold(p: Floats, target: npt.NDArray[np.bool_]) -> float:
    """Return the probability between 0.15 and 0.85 from which F1 is best, the middle of ties."""
    grid = np.linspace(0.15, 0.85, 71)
    said = p[None] >= grid[:, None]
    hit = (said & target).sum(1)
    f1 = 2 * hit / np.maximum(said.sum(1) + target.sum(), 1)
    return float(np.median(grid[f1 >= f1.max() - 1e-9]))


def base_rates(root: Path) -> dict[str, float]:
    """Return how often each class is named in annotated fields, never quite 0 or 1."""
    counts, fields = np.zeros(len(CLASSES)), 0
    with (root / "singles.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["labels_28"]:
                fields += 1
                for k in {CLASS_OF_LOCATION[int(i)] for i in row["labels_28"].split()}:
                    counts[k] += 1
    return {
        name: round(float((c + 1) / (fields + 2)), 4)
        for name, c in zip(CLASSES, counts, strict=True)
    }


def calibrate(
    network: Localizer, recipe: LocalizerRecipe, split: Path, root: Path, bank: Bank
) -> dict[str, Any]:
    """Return what the card's ``use`` says: temperature, bias, thresholds and base rates."""
    unseen = unseen_groups(split)
    cells = [c for c in read_real_cells(root) if c.group in unseen.validation]
    real = np.stack([say(network, c) for c in cells]).astype(np.float64)
    labels = np.array([c.label for c in cells])
    told = list(TOLD)
    truth = labels[:, None] == np.arange(len(CLASSES))
    temperature, moved = fit_calibration(real[:, told], truth[:, told])
    bias = np.zeros(len(CLASSES))
    bias[told] = moved
    drawn = on_drawn_cells(network, bank, recipe.seed + 50, PER_CLASS * len(CLASSES))
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


def write_model(
    network: Localizer,
    recipe: LocalizerRecipe,
    split: Path,
    use: dict[str, Any],
    figures: dict[str, Any],
    out: Path,
) -> ModelCard:
    """Write ``<name>.safetensors`` in half precision and the card of just these weights."""
    out.mkdir(parents=True, exist_ok=True)
    weights = out / f"{recipe.name}.safetensors"
    write_beside(weights, {k: v.half() for k, v in network.state_dict().items()}, {"format": "pt"})
    unseen = unseen_groups(split)
    card = ModelCard(
        name=recipe.name,
        summary="Classes of a protein per cell and per pixel, from four channels.",
        architecture={"kind": "localizer", "widths": recipe.widths, "depths": recipe.depths},
        parameters=count_parameters(network),
        data=(
            "Cells and proteins drawn by dualgland_training.simulate.",
            "Human Protein Atlas (proteinatlas.org): annotated single cells of five classes, and "
            "the landmarks of reference cells; images under Creative Commons "
            "Attribution-ShareAlike (CC BY-SA).",
        ),
        held_out=(*unseen.held_out, *unseen.validation),
        recipe=recipe.model_dump(mode="json"),
        seed=recipe.seed,
        steps=recipe.drawn.steps + recipe.head.steps,
        figures=figures,
        use=use,
        licence="BSD-3-Clause for the weights; the training images are the Human Protein "
        "Atlas's, CC BY-SA, and are not contained.",
        sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
    )
    beside = out / f".{recipe.name}.json.part"
    beside.write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    os.replace(beside, out / f"{recipe.name}.json")
    return card


def main(
    weights: Annotated[Path, typer.Option(help="Of the last stage.")],
    recipe: Annotated[Path, typer.Option(help="The recipe.")],
    data: Annotated[Path, typer.Option(help="Folder of the atlas collection.")],
    bank: Annotated[Path, typer.Option(help="Drawn cells of fields that were not trained on.")],
    out: Annotated[Path, typer.Option(help="Folder of the models.")],
) -> None:
    """Calibrate a trained localizer and write it with its card."""
    torch.set_num_threads(1)
    options = read_localizer_recipe(recipe)
    split = recipe.parent / options.split
    network = started(options, weights)
    network.load_state_dict({k: v.half().float() for k, v in network.state_dict().items()})
    network.eval()
    drawn = load_bank(bank)
    use = calibrate(network, options, split, data, drawn)
    thresholds = tuple(use["thresholds"].values())
    bias = torch.tensor([use["bias"].get(name, 0.0) for name in CLASSES])
    scores = on_drawn_cells(
        network,
        drawn,
        options.seed + 51,
        PER_CLASS * len(CLASSES),
        lambda logits: logits / use["temperature"] + bias,
        thresholds,
    )
    said = expit(scores.logits) >= np.array(thresholds)
    hit = (said & scores.target).sum(0)
    f1 = 2 * hit / np.maximum(said.sum(0) + scores.target.sum(0), 1)
    figures = {
        "drawn cells, F1": {n: round(float(v), 3) for n, v in zip(CLASSES, f1, strict=True)},
        "drawn cells, intersection over union": {
            n: round(float(v), 3) for n, v in zip(CLASSES[:-1], scores.overlap, strict=True)
        },
    }
    card = write_model(network, options, split, use, figures, out)
    typer.echo(f"{card.name}: {card.parameters} parameters, temperature {use['temperature']}")


if __name__ == "__main__":
    typer.run(main)
