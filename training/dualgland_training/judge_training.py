"""How the judges of :mod:`dualgland_training.judge` learn: real cells, by group, in minutes.

Cells are few and classes uneven, so classes are drawn alike often and pictures are
turned, zoomed and re-exposed; of a run the weights (moving average) with the best mean
recall on the validation groups are kept. Held-out groups are looked at when all is done;
nothing is chosen by them.
"""

from __future__ import annotations

import copy
import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from dualgland_training.checkpoint import write_beside
from dualgland_training.config import read_recipe
from dualgland_training.judge import CLASSES, Judge
from napari_dualgland.imputation.normalise import measure
from napari_dualgland.model.generator import count_parameters
from napari_dualgland.model.weights import ModelCard

CELL = 0.13 / 0.16
"""Cells are drawn at about 0.13 µm per pixel, judges look at about 0.16."""

Image = npt.NDArray[np.float32]


class JudgeRecipe(BaseModel):
    """How one judge is trained.

    Attributes
    ----------
    widths : tuple of int
        Of :class:`dualgland_training.judge.Judge`.
    seed, steps, batch, crop : int
        A step sees ``batch`` crops of ``crop``² pixels.
    learning_rate, weight_decay : float
        Of AdamW with one cycle.
    gain, gamma, noise : float
        Standard deviations of log gain and log gamma per channel, and of added noise.
    zoom : tuple of float
        Range of magnification.
    blank : float
        Chance that a landmark channel is blanked, so that no single one is relied on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    widths: tuple[int, ...]
    seed: int
    steps: int = 600
    batch: int = 24
    crop: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    gain: float
    gamma: float
    noise: float
    zoom: tuple[float, float]
    blank: float


RECIPES = {
    "features": JudgeRecipe(
        widths=(16, 32, 64, 96),
        seed=11,
        gain=0.25,
        gamma=0.15,
        noise=0.02,
        zoom=(0.8, 1.2),
        blank=0.0,
    ),
    "judge": JudgeRecipe(
        widths=(20, 40, 64, 80),
        seed=47,
        steps=700,
        gain=0.3,
        gamma=0.2,
        noise=0.03,
        zoom=(0.75, 1.15),
        blank=0.0,
    ),
}


def read_cells(root: Path, recipe: Path) -> dict[str, list[tuple[int, Image]]]:
    """Return (class, normalised (4, H, W) picture at 0.16 µm) by part: train, validation, test."""
    options = read_recipe(recipe).data
    order = list(CLASSES)
    parts: dict[str, list[tuple[int, Image]]] = {"train": [], "validation": [], "test": []}
    with (root / "cells.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            part = "train"
            if row["group"] in options.held_out_groups:
                part = "test"
            elif row["group"] in options.validation_groups:
                part = "validation"
            cell = tifffile.imread(root / "cells" / row["file"])
            unit = measure([channel.ravel() for channel in cell]).apply(cell)
            size = [round(s * CELL) for s in unit.shape[1:]]
            small = _resize(torch.from_numpy(unit), size).numpy()
            parts[part].append((order.index(int(row["label_28"])), small))
    return parts


def _resize(image: Tensor, size: list[int]) -> Tensor:
    return F.interpolate(image[None], size, mode="bilinear", antialias=True, align_corners=False)[0]


def draw(image: Image, recipe: JudgeRecipe, rng: np.random.Generator) -> Tensor:
    """Return a shaken (4, crop, crop) view of a cell, its background where the cell ends."""
    side = max(16, round(recipe.crop / rng.uniform(*recipe.zoom)))
    short = [max(0, side - s) for s in image.shape[1:]]
    view = np.pad(image, [(0, 0), *((s // 2, s - s // 2) for s in short)])
    # The middle, where the nucleus is, is what most views should hold: three draws, averaged.
    y, x = (round(float(rng.random(3).mean()) * (s - side)) for s in view.shape[1:])
    view = view[:, y : y + side, x : x + side]
    view = np.rot90(view, int(rng.integers(4)), (1, 2))
    view = view[:, :, ::-1] if rng.random() < 0.5 else view
    crop = _resize(torch.from_numpy(view.copy()), [recipe.crop, recipe.crop]).numpy()
    gain = np.exp(rng.normal(0, recipe.gain, (4, 1, 1)))
    gamma = np.exp(rng.normal(0, recipe.gamma, (4, 1, 1)))
    crop = gain * np.sign(crop) * np.abs(crop) ** gamma
    crop = crop + rng.normal(0, rng.uniform(0, recipe.noise), crop.shape)
    if rng.random() < recipe.blank:
        crop[int(rng.choice([0, 2, 3]))] = 0
    return torch.from_numpy(crop.astype(np.float32))


@torch.no_grad()
def assess(judge: Judge, cells: list[tuple[int, Image]]) -> dict[str, Any]:
    """Return accuracy, mean recall of the classes present and recall by class, whole cells."""
    right: dict[int, list[bool]] = {}
    for label, image in cells:
        said = int(judge(torch.from_numpy(image)[None]).argmax())
        right.setdefault(label, []).append(said == label)
    names = list(CLASSES.values())
    recall = {names[k]: float(np.mean(v)) for k, v in sorted(right.items())}
    return {
        "cells": len(cells),
        "accuracy": float(np.mean([r for v in right.values() for r in v])),
        "mean_recall": float(np.mean(list(recall.values()))),
        "recall": recall,
    }


def train_judge(
    name: str, recipe: JudgeRecipe, root: Path, split: Path, out: Path
) -> Iterator[str]:
    """Train one judge, write ``<name>.safetensors`` and its card, and yield lines of progress."""
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(recipe.seed)
    parts = read_cells(root, split)
    by_class: dict[int, list[Image]] = {}
    for label, image in parts["train"]:
        by_class.setdefault(label, []).append(image)
    labels = sorted(by_class)
    judge = Judge(recipe.widths).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    mean: Any = AveragedModel(judge, multi_avg_fn=get_ema_multi_avg_fn(0.98))
    optimiser = torch.optim.AdamW(judge.parameters(), weight_decay=recipe.weight_decay)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.learning_rate, recipe.steps)
    best, kept, kept_step = {"mean_recall": -1.0}, copy.deepcopy(judge), 0
    for step in range(1, recipe.steps + 1):
        target = rng.choice(labels, recipe.batch)
        pool = [by_class[int(label)] for label in target]
        views = torch.stack([draw(p[rng.integers(len(p))], recipe, rng) for p in pool])
        views = views.contiguous(memory_format=torch.channels_last)
        loss = F.cross_entropy(judge(views), torch.from_numpy(target), label_smoothing=0.1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        cycle.step()
        mean.update_parameters(judge)
        if step % 100 == 0:
            now = assess(mean.module.eval(), parts["validation"])
            yield f"{name} {step}: loss {loss.item():.3f}, validation {now}"
            if now["mean_recall"] > best["mean_recall"]:
                best, kept, kept_step = now, copy.deepcopy(mean.module), step
    yield str(write_judge(name, recipe, split, out, kept.eval(), kept_step, best, parts["test"]))


def write_judge(
    name: str,
    recipe: JudgeRecipe,
    split: Path,
    out: Path,
    judge: Judge,
    step: int,
    validation: dict[str, Any],
    test: list[tuple[int, Image]],
) -> ModelCard:
    """Write weights in half precision and a card with figures of just these weights."""
    out.mkdir(parents=True, exist_ok=True)
    weights = out / f"{name}.safetensors"
    halves = {k: v.half() for k, v in judge.state_dict().items()}
    write_beside(weights, halves, {"format": "pt"})
    judge.load_state_dict({k: v.float() for k, v in halves.items()})
    options = read_recipe(split).data
    use = {"judge": "scores only", "features": "inside the training loss only"}[name]
    figures: dict[str, Any] = {"validation, chosen by it": validation}
    if test:
        figures["held out, never chosen by"] = assess(judge, test)
    card = ModelCard(
        name=name,
        summary=f"Classifier of five protein locations in single cells; {use}.",
        architecture={"kind": "judge", "widths": recipe.widths},
        parameters=count_parameters(judge),
        data=(
            "Human Protein Atlas (proteinatlas.org), single cells; images under Creative "
            "Commons Attribution-ShareAlike (CC BY-SA).",
        ),
        held_out=(*options.held_out_groups, *options.validation_groups),
        recipe=recipe.model_dump(mode="json"),
        seed=recipe.seed,
        steps=step,
        figures=figures,
        use={"where": use},
        licence="BSD-3-Clause for the weights; the training images are the Human Protein "
        "Atlas's, CC BY-SA, and are not contained.",
        sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
    )
    beside = out / f".{name}.json.part"
    beside.write_text(card.model_dump_json(indent=2) + "\n")
    beside.replace(out / f"{name}.json")
    return card
