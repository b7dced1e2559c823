"""The paper's table with our definitions: how varied and how lifelike fills are, as sets.

The paper's abstract gives figures, not definitions. Ours stand in :data:`DEFINITIONS` and
are printed under every table, for a figure without its definition says nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dualgland_training.generator.told import read_events
from dualgland_training.metrics.sets import (
    embed,
    frechet_distance,
    inception_score,
    kernel_distance,
    manifold_precision_recall,
    pair_similarity,
)
from dualgland_training.perceptual.judge import CLASSES, Judge
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.typing import AnyArray

FEWEST = 8
"""Pictures below which no figure of a set is made."""

NOT_COMPARABLE = (
    "Figures on other data, and with another network to look at it, are not comparable: the "
    "paper's stand here for orientation alone."
)

PAPER = {
    "inception score": 9.83,
    "MS-SSIM of pairs": 0.187,
    "precision (classification)": 0.872,
    "recall (classification)": 0.835,
    "F1 (classification)": 0.853,
    "variance of generator loss": 0.028,
    "variance of discriminator loss": 0.032,
    "convergence, epochs": 78,
    "quality": 0.912,
    "diversity": 0.894,
    "combined": 0.903,
}

DEFINITIONS = {
    "inception score": "exp of the mean divergence of the judge's class probabilities from their "
    "mean, on cells with a hole in the protein channel, filled; five classes, so 5 is the most. "
    "The score of the same cells intact is the ceiling.",
    "MS-SSIM of pairs": "mean over pairs of filled cells of one class (up to 1500 distinct pairs, "
    "their number is given), 192² pixels of 0.16 µm; lower is more varied.",
    "precision, recall, F1 (classification)": "of the judge naming the annotated class of the "
    "filled cells, mean over the classes present; beside it the same for intact cells.",
    "precision, recall (generative)": "shares of fills on the manifold of real pictures and the "
    "reverse, three nearest neighbours in the judge's embedding.",
    "FID, KID": "Fréchet and kernel distance in the judge's embedding between filled and intact "
    "cells, and between 96² crops centred on holes, of 0.16 µm per pixel, which is what the judge "
    "was taught; FID is biased upwards for few pictures.",
    "variance of losses": "variance of epoch means over the last fifth of the epochs.",
    "convergence": "first epoch within 1 % of the best validation L_SG that stays so for 5 epochs.",
    "quality": "(generative precision + classification F1 / F1 of intact cells, at most 1) / 2.",
    "diversity": "(generative recall + 1 − MS-SSIM of pairs) / 2.",
    "combined": "(quality + diversity) / 2.",
}


@torch.no_grad()
def _classify(judge: Judge, pictures: torch.Tensor, labels: np.ndarray) -> dict[str, float]:
    """Return macro precision, recall and F1 over the classes that ``labels`` holds."""
    said = torch.cat([judge(part).argmax(1) for part in pictures.split(32)]).numpy()
    rows = []
    for label in np.unique(labels):
        hit = float(((said == label) & (labels == label)).sum())
        precision = hit / max(1, int((said == label).sum()))
        recall = hit / int((labels == label).sum())
        rows.append((precision, recall, 2 * precision * recall / max(1e-9, precision + recall)))
    means = np.mean(rows, 0)
    return dict(zip(("precision", "recall", "F1"), map(float, means), strict=True))


def _distances(judge: Judge, real: torch.Tensor, filled: torch.Tensor) -> dict[str, float]:
    precision, recall = manifold_precision_recall(embed(judge, real), embed(judge, filled))
    return {
        "pictures": len(real),
        "FID": frechet_distance(judge, real, filled),
        "KID": kernel_distance(judge, real, filled),
        "precision (generative)": precision,
        "recall (generative)": recall,
    }


def paper_table(judge: Judge, seen: dict[str, AnyArray]) -> dict[str, Any]:
    """Return the table of one method; what has too few pictures is left out.

    Parameters
    ----------
    judge : Judge
        The one that keeps score, never the one of the loss.
    seen : dict
        Of :func:`dualgland_training.evaluate.scoring.score_method`.

    Returns
    -------
    dict
        Figure → value.
    """
    table: dict[str, Any] = {}
    if len(seen["crops"]) >= FEWEST:
        crops, true = (torch.from_numpy(seen[k]) for k in ("crops", "true_crops"))
        table["hole-centred crops"] = _distances(judge, true, crops)
    if len(seen["cells"]) < FEWEST:
        return table
    cells, true = (torch.from_numpy(seen[k]) for k in ("cells", "true_cells"))
    order = list(CLASSES)
    labels = np.array([order.index(int(label)) for label in seen["labels"]])
    found, ceiling = _classify(judge, cells, labels), _classify(judge, true, labels)
    similarity, pairs = pair_similarity(cells.clamp(0, 1), torch.from_numpy(labels), 1500)
    table["cells"] = _distances(judge, true, cells)
    table["inception score"] = inception_score(judge, cells)
    table["inception score, intact"] = inception_score(judge, true)
    table["MS-SSIM of pairs"], table["pairs"] = similarity, pairs
    for name in ("precision", "recall", "F1"):
        table[f"{name} (classification)"] = found[name]
        table[f"{name} (classification), intact"] = ceiling[name]
    share = min(1.0, found["F1"] / max(1e-9, ceiling["F1"]))
    table["quality"] = (table["cells"]["precision (generative)"] + share) / 2
    table["diversity"] = (table["cells"]["recall (generative)"] + 1 - similarity) / 2
    table["combined"] = (table["quality"] + table["diversity"]) / 2
    return table


def last_fifth_variance(epoch_means: list[float]) -> float:
    """Return the variance over the last fifth of the epochs, at least two; NaN for fewer."""
    last = epoch_means[-max(2, len(epoch_means) // 5) :]
    return float(np.var(last)) if len(last) > 1 else float("nan")


def convergence_epoch(validation: list[float], within: float = 0.01, held: int = 5) -> int | None:
    """Return the first epoch that is near the best loss and stays so.

    Parameters
    ----------
    validation : list of float
        Loss after each epoch.
    within : float
        Share of the best loss.
    held : int
        Epochs that it must last.

    Returns
    -------
    int or None
        From 1.
    """
    if not validation:
        return None
    near = np.array(validation) <= min(validation) * (1 + within)
    for epoch in range(len(near) - held + 1):
        if near[epoch : epoch + held].all():
            return epoch + 1
    return None


def training_figures(log: Path) -> dict[str, Any]:
    """Return stability and convergence of a run from its ``events.jsonl``.

    An epoch ends with a look at the validation images. A run without adversary logs no
    ``generator`` and ``discriminator`` loss, and one without ``salivary`` validation has
    no convergence by it: what is not in the log is left out, never guessed.

    Raises
    ------
    DualglandError
        If there is no such log, or it holds neither losses nor validation.
    """
    told = read_events(log)
    if not told.losses and not told.validation:
        raise DualglandError(Kind.EMPTY, log, "holds neither losses nor validation")
    ends = list(told.validation)
    epochs: dict[str, dict[int, list[float]]] = {"generator": {}, "discriminator": {}}
    for step, networks in told.losses.items():
        for name, of in epochs.items():
            loss = networks.get(name, {}).get("loss")
            if loss is not None:
                of.setdefault(bisect_left(ends, step), []).append(loss)
    table: dict[str, Any] = {}
    for name, of in epochs.items():
        means = [float(np.mean(losses)) for losses in of.values()]
        if len(means) > 1:
            table[f"variance of {name} loss"] = last_fifth_variance(means)
    looks = map(_salivary, told.validation.values())
    if salivary := [look for look in looks if look is not None]:
        table["convergence, epochs"] = convergence_epoch(salivary)
    return table


def _salivary(sets: dict[str, Any]) -> float | None:
    """Return the mean loss over the sets that a model is chosen by; others are only watched."""
    chosen = [cases for name, cases in sets.items() if name.startswith("validation")]
    losses = [row.get("salivary") for cases in chosen for row in cases.values()]
    known = [loss for loss in losses if loss is not None]
    return float(np.mean(known)) if known else None
