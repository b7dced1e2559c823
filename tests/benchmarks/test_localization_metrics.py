"""Scores of named classes, held against scikit-learn and against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import (
    brier_score_loss,
    confusion_matrix,
    precision_recall_fscore_support,
    top_k_accuracy_score,
)

from localization_report import metrics
from localization_report.calibration import calibration, reliability

RNG = np.random.default_rng(3)
CELLS, CLASSES = 240, 5
GROUPS = [f"g{i // 8}" for i in range(CELLS)]
LABELS = np.arange(CELLS) // 8 % CLASSES
TRUTH = metrics.restricted(LABELS, range(CLASSES))
SCORES = RNG.normal(size=(CELLS, CLASSES)) + 1.5 * TRUTH
MANY = RNG.random((CELLS, CLASSES)) < 0.3


@pytest.mark.parametrize("truth", [TRUTH, MANY], ids=["one class", "several"])
def test_scores_agree_with_scikit_learn(truth):
    said = SCORES > 0.8
    found = metrics.score(truth, said)
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, said, average=None, zero_division=0
    )
    np.testing.assert_allclose(found.precision, precision, atol=1e-6)
    np.testing.assert_allclose(found.recall, recall, atol=1e-6)
    np.testing.assert_allclose(found.f1, f1, atol=1e-6)
    np.testing.assert_array_equal(found.support, support)
    for ours, average in ((found.micro, "micro"), (found.macro, "macro")):
        theirs = precision_recall_fscore_support(truth, said, average=average, zero_division=0)
        np.testing.assert_allclose(ours, theirs[:3], atol=1e-6)


def test_a_class_that_no_cell_has_is_no_part_of_the_mean():
    truth = np.concatenate([TRUTH, np.zeros((CELLS, 1), bool)], 1)
    said = np.concatenate([SCORES > 0.8, np.ones((CELLS, 1), bool)], 1)
    with_it, without = metrics.score(truth, said), metrics.score(TRUTH, SCORES > 0.8)
    np.testing.assert_allclose(with_it.macro, without.macro)
    assert with_it.micro[0] < without.micro[0]


def test_counts_say_the_same_as_labels():
    said = SCORES > 0.8
    counts = metrics.counts_by_group(MANY, said, GROUPS)
    assert counts.shape == (30, 3, CLASSES)
    f1, micro, macro = metrics.scores_of_counts(counts.sum(0))
    found = metrics.score(MANY, said)
    np.testing.assert_allclose(f1, found.f1, atol=1e-6)
    np.testing.assert_allclose(micro, found.micro, atol=1e-6)
    np.testing.assert_allclose(macro, found.macro, atol=1e-6)


def test_the_best_is_looked_for_among_the_classes_at_hand_alone():
    wide = np.zeros((2, 19))
    wide[:, 7] = 9
    wide[0, [2, 13]] = 1, 2
    wide[1, 16] = -1
    wide[1, [0, 2, 13, 14]] = -2
    np.testing.assert_array_equal(metrics.best_among(wide, (0, 2, 13, 14, 16)), [13, 16])
    np.testing.assert_array_equal(metrics.restricted(np.array([13, 7]), (2, 13))[0], [False, True])
    assert not metrics.restricted(np.array([13, 7]), (2, 13))[1].any()


def test_groups_are_drawn_whole_and_every_class_stays():
    times = metrics.draw_groups(GROUPS, LABELS, draws=300)
    assert times.shape == (300, 30)
    assert (times.sum(1) == 30).all()
    names = np.unique(GROUPS)
    kind = np.array([int(name[1:]) % CLASSES for name in names])
    for k in range(CLASSES):
        assert (times[:, kind == k].sum(1) == 6).all()


def test_intervals_hold_the_figure_and_widen_where_cells_of_a_group_agree():
    said = metrics.restricted(SCORES.argmax(1), range(CLASSES))
    found, ends = metrics.score(TRUTH, said), metrics.intervals(TRUTH, said, GROUPS)
    assert (ends.f1[0] <= found.f1).all()
    assert (found.f1 <= ends.f1[1]).all()
    assert ends.macro[0, 2] < found.macro[2] < ends.macro[1, 2]
    # As many errors, but group by group: less is known than the count of cells pretends.
    wrong = TRUTH.copy()
    for group in range(0, 30, 4):
        rows = slice(8 * group, 8 * group + 8)
        wrong[rows] = np.roll(TRUTH[rows], 1, axis=1)
    by_group = metrics.intervals(TRUTH, wrong, GROUPS)
    by_cell = metrics.intervals(TRUTH, wrong, [str(i) for i in range(CELLS)])
    width = [np.ptp(e.macro[:, 2]) for e in (by_group, by_cell)]
    assert width[0] > 1.8 * width[1]


def test_a_difference_is_paired():
    good = metrics.restricted(SCORES.argmax(1), range(CLASSES))
    bad = metrics.restricted((SCORES + RNG.normal(size=SCORES.shape)).argmax(1), range(CLASSES))
    ahead = metrics.difference(TRUTH, good, bad, GROUPS)
    both = metrics.score(TRUTH, good).macro[2], metrics.score(TRUTH, bad).macro[2]
    assert ahead["mean"] == pytest.approx(both[0] - both[1], abs=1e-6)
    assert ahead["low"] < ahead["mean"] < ahead["high"]
    same = metrics.difference(TRUTH, good, good, GROUPS)
    assert same == {"mean": 0, "low": 0, "high": 0}


def test_confusion_and_top_hits_agree_with_scikit_learn():
    said = SCORES.argmax(1)
    order = list(range(CLASSES))
    np.testing.assert_array_equal(
        metrics.confusion(LABELS, said, order), confusion_matrix(LABELS, said)
    )
    for k in (1, 3):
        assert metrics.top_hits(SCORES, LABELS, k).mean() == pytest.approx(
            top_k_accuracy_score(LABELS, SCORES, k=k)
        )


def test_calibration_against_counting_by_hand():
    stated = RNG.random(4000)
    honest = RNG.random(4000) < stated
    boastful = RNG.random(4000) < stated / 2
    for truth, low, high in ((honest, 0, 0.04), (boastful, 0.2, 0.3)):
        found = calibration(stated, truth)
        rows = reliability(stated, truth)
        assert sum(r["count"] for r in rows) == 4000
        by_hand = sum(r["count"] * abs(r["stated"] - r["found"]) for r in rows) / 4000
        assert found["ECE"] == pytest.approx(by_hand, abs=1e-4)
        assert low < found["ECE"] < high
        assert found["Brier"] == pytest.approx(brier_score_loss(truth, stated), abs=1e-6)


def test_thresholds_are_class_by_class():
    p = np.array([[0.5, 0.5], [0.2, 0.9]])
    np.testing.assert_array_equal(
        metrics.over_thresholds(p, [0.5, 0.6]), [[True, False], [False, True]]
    )


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="same"):
        metrics.score(TRUTH, TRUTH[:, :3])
