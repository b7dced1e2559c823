"""How well classes are named: pure functions on arrays, micro and macro, with honest intervals.

Cells of one group are one image: they are right or wrong together. So intervals resample
groups, class by class, and never cells. torchmetrics computes what it has; drawing two
thousand times works on counts, which add up over groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multilabel_f1_score,
    multilabel_precision,
    multilabel_recall,
)

from napari_dualgland.typing import BoolArray, Float64Array, IndexArray

Indices = npt.NDArray[np.integer]

DRAWS = 2000


@dataclass(frozen=True)
class Scores:
    """Precision, recall and F1: per class, pooled, and as the mean over classes.

    Attributes
    ----------
    precision, recall, f1 : numpy.ndarray
        (K,); 0 where there is nothing to divide by.
    support : numpy.ndarray
        (K,) int: cells that have the class.
    micro, macro : numpy.ndarray
        (3,): precision, recall, F1. Macro is the mean over classes that some cell has.
    """

    precision: Float64Array
    recall: Float64Array
    f1: Float64Array
    support: IndexArray
    micro: Float64Array
    macro: Float64Array


@dataclass(frozen=True)
class Intervals:
    """Ends of 95 % intervals, (2, …) each: of F1 per class, of micro and of macro scores."""

    f1: Float64Array
    micro: Float64Array
    macro: Float64Array


def best_among(scores: npt.ArrayLike, classes: Sequence[int]) -> Indices:
    """Return the class with the highest score among some, (N,), of (N, 19) scores."""
    chosen = np.asarray(classes)
    return np.asarray(chosen[np.asarray(scores)[:, chosen].argmax(1)])


def restricted(labels: Indices, classes: Sequence[int]) -> BoolArray:
    """Return (N, K) booleans: which of K classes each of (N,) labels is."""
    return np.asarray(np.asarray(labels)[:, None] == np.asarray(classes))


def score(truth: BoolArray, said: BoolArray) -> Scores:
    """Return the scores of (N, K) named classes against the true ones.

    Where each cell has one class and one is named, micro precision, recall and F1 are all
    the share of cells that are right.

    Raises
    ------
    ValueError
        If the shapes do not agree.
    """
    _check(truth, said)
    t, s = torch.from_numpy(truth.astype(np.int64)), torch.from_numpy(said.astype(np.int64))
    count = truth.shape[1]
    measures = (multilabel_precision, multilabel_recall, multilabel_f1_score)
    each = [m(s, t, num_labels=count, average="none").double().numpy() for m in measures]
    micro = [float(m(s, t, num_labels=count, average="micro")) for m in measures]
    support = truth.sum(0)
    seen = support > 0
    macro = [float(values[seen].mean()) if seen.any() else np.nan for values in each]
    return Scores(each[0], each[1], each[2], support, np.array(micro), np.array(macro))


def counts_by_group(truth: BoolArray, said: BoolArray, groups: Sequence[str]) -> IndexArray:
    """Return true positives, false positives and false negatives, (G, 3, K), groups sorted."""
    _check(truth, said)
    _, place = np.unique(np.asarray(groups), return_inverse=True)
    rows = np.stack([truth & said, ~truth & said, truth & ~said], 1).astype(np.int64)
    counts = np.zeros((place.max() + 1, *rows.shape[1:]), np.int64)
    np.add.at(counts, place, rows)
    return counts


def draw_groups(
    groups: Sequence[str], strata: Indices, draws: int = DRAWS, seed: int = 0
) -> IndexArray:
    """Return how often each group is in each draw, (draws, G); groups sorted.

    Groups are drawn with replacement among those of their stratum (the class that most of
    the group has), so that a class of two groups is in every draw.
    """
    names, place = np.unique(np.asarray(groups), return_inverse=True)
    kinds = np.array(
        [np.bincount(np.asarray(strata)[place == g]).argmax() for g in range(len(names))]
    )
    rng = np.random.default_rng(seed)
    times = np.zeros((draws, len(names)), np.int64)
    for kind in np.unique(kinds):
        of_kind = np.flatnonzero(kinds == kind)
        drawn = of_kind[rng.integers(0, len(of_kind), (draws, len(of_kind)))]
        np.add.at(times, (np.arange(draws)[:, None], drawn), 1)
    return times


def scores_of_counts(
    counts: npt.NDArray[np.integer],
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Return F1 per class (…, K), micro (…, 3) and macro (…, 3) of counts (…, 3, K)."""
    hit, false, lost = (counts[..., i, :].astype(float) for i in range(3))

    def rates(h: Float64Array, f: Float64Array, m: Float64Array) -> Float64Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            found = np.stack([h / (h + f), h / (h + m), 2 * h / (2 * h + f + m)], -1)
        return np.nan_to_num(found)

    each = rates(hit, false, lost)
    micro = rates(hit.sum(-1), false.sum(-1), lost.sum(-1))
    seen = (hit + lost > 0)[..., None]
    macro = (each * seen).sum(-2) / np.maximum(seen.sum(-2), 1)
    return each[..., 2], micro, macro


def intervals(
    truth: BoolArray, said: BoolArray, groups: Sequence[str], draws: int = DRAWS, seed: int = 0
) -> Intervals:
    """Return 95 % bootstrap intervals of the scores, resampling groups.

    Parameters
    ----------
    truth, said : numpy.ndarray
        (N, K) booleans.
    groups : sequence of str
        (N,), the group of each cell.
    """
    times = draw_groups(groups, truth.argmax(1), draws, seed)
    counts = np.einsum("dg,gck->dck", times, counts_by_group(truth, said, groups))
    return Intervals(*(np.percentile(v, [2.5, 97.5], axis=0) for v in scores_of_counts(counts)))


def difference(
    truth: BoolArray, one: BoolArray, other: BoolArray, groups: Sequence[str], draws: int = DRAWS
) -> dict[str, float]:
    """Return how far ``one`` is ahead of ``other`` in macro F1, with a paired 95 % interval."""
    times = draw_groups(groups, truth.argmax(1), draws)
    drawn, point = [], []
    for said in (one, other):
        counts = counts_by_group(truth, said, groups)
        drawn.append(scores_of_counts(np.einsum("dg,gck->dck", times, counts))[2][:, 2])
        point.append(float(scores_of_counts(counts.sum(0))[2][2]))
    low, high = np.percentile(drawn[0] - drawn[1], [2.5, 97.5])
    return {"mean": point[0] - point[1], "low": float(low), "high": float(high)}


def confusion(truth: Indices, said: Indices, classes: Sequence[int]) -> IndexArray:
    """Return how often (K rows) a class was called (K columns) another."""
    place = {c: i for i, c in enumerate(classes)}
    table = np.zeros((len(classes), len(classes)), np.int64)
    for t, s in zip(truth, said, strict=True):
        table[place[int(t)], place[int(s)]] += 1
    return table


def top_hits(scores: npt.ArrayLike, truth: Indices, k: int) -> BoolArray:
    """Return for each of N whether its class is among the k with the highest (N, K) scores."""
    t, values = torch.from_numpy(np.asarray(truth, np.int64)), torch.as_tensor(np.asarray(scores))
    hits = [
        multiclass_accuracy(row[None], one[None], values.shape[1], average="micro", top_k=k)
        for row, one in zip(values, t, strict=True)
    ]
    return np.array([float(hit) > 0.5 for hit in hits], bool)


def over_thresholds(probabilities: npt.ArrayLike, thresholds: npt.ArrayLike) -> BoolArray:
    """Return which classes are named, (N, K), as the table of a localization names them."""
    return np.asarray(np.asarray(probabilities) >= np.asarray(thresholds))


def _check(truth: BoolArray, said: BoolArray) -> None:
    if truth.shape != said.shape or truth.ndim != 2 or not len(truth):
        raise ValueError(f"classes {truth.shape} and {said.shape} must be the same (N, K), N > 0")
