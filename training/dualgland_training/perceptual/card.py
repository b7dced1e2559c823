"""How well a judge names cells, and what its card says."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from dualgland_training.perceptual.cells import JudgedCell
from dualgland_training.perceptual.judge import CLASSES, Judge
from dualgland_training.perceptual.recipe import JudgeRecipe
from dualgland_training.trainer.model_card import ATLAS_LICENCE, CREDIT
from napari_dualgland.model.weights import ModelCard

USES = {"judge": "scores only", "features": "inside the training loss only"}

TOLD = {"validation": "validation, chosen by it", "test": "held out, never chosen by"}
"""What the figures of a part of the cells are called."""


@torch.no_grad()
def assess(judge: Judge, cells: list[JudgedCell]) -> dict[str, Any]:
    """Return how well a judge names whole cells.

    Parameters
    ----------
    judge : Judge
        In evaluation mode.
    cells : list of JudgedCell
        To name.

    Returns
    -------
    dict
        Accuracy, mean recall of the classes present, and recall by class.
    """
    device = next(judge.parameters()).device
    right: dict[int, list[bool]] = {}
    for label, image in cells:
        said = int(judge(torch.from_numpy(image)[None].to(device)).argmax())
        right.setdefault(label, []).append(said == label)
    names = list(CLASSES.values())
    recall = {names[k]: float(np.mean(v)) for k, v in sorted(right.items())}
    return {
        "cells": len(cells),
        "accuracy": float(np.mean([r for v in right.values() for r in v])),
        "mean_recall": float(np.mean(list(recall.values()))),
        "recall": recall,
    }


def judge_card(
    recipe: JudgeRecipe, judge: Judge, step: int, parts: dict[str, list[JudgedCell]]
) -> ModelCard:
    """Return the card of a judge, with figures of just these weights.

    Parameters
    ----------
    recipe : JudgeRecipe
        The resolved recipe.
    judge : Judge
        In evaluation mode.
    step : int
        After which these were its weights.
    parts : dict
        Cells by what they are for.

    Returns
    -------
    ModelCard
        Without the hash of its weights.
    """
    kept, use = recipe.kept(), USES[recipe.name]
    return ModelCard(
        name=recipe.name,
        summary=f"Classifier of five protein locations in single cells; {use}.",
        architecture={"kind": "judge", "widths": recipe.widths},
        data=(f"Human Protein Atlas (proteinatlas.org), single cells; {CREDIT}",),
        held_out=(*kept.held_out_groups, *kept.validation_groups),
        recipe=recipe.model_dump(mode="json", exclude={"threads", "device"}),
        seed=recipe.seed,
        steps=step,
        figures={name: assess(judge, parts[part]) for part, name in TOLD.items() if parts[part]},
        use={"where": use},
        licence=ATLAS_LICENCE,
    )
