"""Trees and localizer joined: the mean of what both say of a cell, in log-odds.

Neither learns from the other, and nothing is fitted to join them: each says a probability of
every class that the annotated cells tell apart, and the mean of the logarithms decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import log_softmax, logit, softmax

from dualgland_training.cell_folds import TOLD
from localization_report.metrics import (
    best_among,
    counts_by_group,
    draw_groups,
    restricted,
    scores_of_counts,
)
from localization_report.predictions import Predictions
from localization_report.setting import Result
from napari_dualgland.classes import CLASSES
from napari_dualgland.typing import Float64Array

SEEDS = 5
"""Forests; one alone is good or bad by chance."""

FLOOR = 1e-3
"""A forest that never saw a class says 0; its logarithm is that of this probability."""


def join(localizer: Predictions, trees: Predictions) -> Predictions:
    """Return what both say together of the same cells.

    Parameters
    ----------
    localizer, trees : Predictions
        Of the same cells in the same order.

    Returns
    -------
    Predictions
        Probabilities of the annotated classes that sum to 1; the others are 0.
    """
    told = list(TOLD)
    network = log_softmax(logit(np.clip(localizer.probabilities[:, told], 1e-6, 1 - 1e-6)), 1)
    forest = log_softmax(np.log(np.clip(trees.probabilities[:, told], FLOOR, 1)), 1)
    both = np.zeros_like(trees.probabilities)
    both[:, told] = softmax((network + forest) / 2, 1)
    return replace(trees, probabilities=both)


def joined_scores(localizer: Predictions, forests: Sequence[Predictions]) -> Result:
    """Return macro F1 of both and of each, means over forests, and their paired differences.

    Parameters
    ----------
    localizer : Predictions
        By folds, calibrated.
    forests : sequence of Predictions
        Of the same cells by the same folds, a seed each.

    Returns
    -------
    dict
        Per reader ``mean``, ``least``, ``most`` over seeds and F1 ``per class``; under ``ahead``
        of each of the two alone the ``mean`` difference and its interval.
    """
    every = {
        "trees": list(forests),
        "localizer": [localizer] * len(forests),
        "joined": [join(localizer, trees) for trees in forests],
    }
    truth = restricted(localizer.labels, TOLD)
    times = draw_groups(localizer.groups, truth.argmax(1))
    rows: Result = {}
    drawn: dict[str, Float64Array] = {}
    for name, said in every.items():
        best = [restricted(best_among(s.probabilities, TOLD), TOLD) for s in said]
        counts = np.stack([counts_by_group(truth, b, localizer.groups) for b in best])
        each, _, macro = scores_of_counts(counts.sum(1))
        drawn[name] = scores_of_counts(np.einsum("dg,sgck->sdck", times, counts))[2][..., 2].mean(0)
        rows[name] = {
            "mean": float(macro[:, 2].mean()),
            "least": float(macro[:, 2].min()),
            "most": float(macro[:, 2].max()),
            "per class": dict(zip((CLASSES[k] for k in TOLD), each.mean(0).tolist(), strict=True)),
        }
    ahead = {}
    for other in ("localizer", "trees"):
        low, high = np.percentile(drawn["joined"] - drawn[other], [2.5, 97.5])
        mean = rows["joined"]["mean"] - rows[other]["mean"]
        ahead[other] = {"mean": mean, "low": float(low), "high": float(high)}
    return {"seeds": len(forests), "rows": rows, "ahead": ahead}
