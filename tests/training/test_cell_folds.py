"""Folds of cells: whole groups, every class always taught, the same on every machine."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from training.gland_scenes import ATLAS

from dualgland_training.cell_folds import (
    FOLDS,
    assign_folds,
    fold_of_cells,
    read_labelled_cells,
    unseen_groups,
)
from napari_dualgland.classes import CLASSES
from napari_dualgland.errors import DualglandError, Kind

RECIPE = Path(__file__).parents[2] / "training" / "recipes" / "generator.yaml"
real = pytest.mark.skipif(not ATLAS.is_dir(), reason="the atlas collection is absent")


@real
def test_real_cells_are_divided_by_group_and_no_class_is_hidden_from_training():
    cells = read_labelled_cells(ATLAS)
    fold = fold_of_cells(cells)
    assert sorted(set(fold)) == list(range(FOLDS))
    for group in {c.group for c in cells}:
        assert len({f for f, c in zip(fold, cells, strict=True) if c.group == group}) == 1
    labels = np.array([c.label for c in cells])
    for k in range(FOLDS):
        assert set(labels[fold != k]) == set(labels)
    rare = CLASSES.index("Mitochondria")
    kept = {(int(f), c.group) for f, c in zip(fold, cells, strict=True) if c.label == rare}
    assert Counter(f for f, _ in kept).most_common(1)[0][1] == 1
    shares = np.array([(fold == k).mean() for k in range(FOLDS)])
    assert shares.min() > 0.2
    assert shares.max() < 0.3


@real
def test_frequent_classes_lie_evenly():
    cells = read_labelled_cells(ATLAS)
    fold = fold_of_cells(cells)
    labels = np.array([c.label for c in cells])
    for name in ("Nucleoplasm", "Cytosol"):
        held = np.bincount(fold[labels == CLASSES.index(name)], minlength=FOLDS)
        assert held.max() - held.min() <= 9


def test_the_order_of_cells_does_not_matter():
    groups = [f"g{i // 3}" for i in range(60)]
    labels = [i // 3 % 3 for i in range(60)]
    order = np.random.default_rng(0).permutation(60)
    straight = assign_folds(groups, labels)
    mixed = assign_folds([groups[i] for i in order], [labels[i] for i in order])
    np.testing.assert_array_equal(mixed, straight[order])


def test_a_class_of_two_groups_is_never_held_out_whole():
    groups = ["a", "a", "b", "b", *"cdefgh"]
    labels = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    fold = assign_folds(groups, labels)
    assert fold[0] == fold[1] != fold[2] == fold[3]


def test_a_class_of_one_group_is_refused():
    with pytest.raises(DualglandError, match="one group a"):
        assign_folds(["a", "a", "b", "c"], [1, 1, 0, 0])
    with pytest.raises(DualglandError) as error:
        assign_folds(["a", "b"], [0, 0], 1)
    assert (error.value.kind, error.value.place) == (Kind.BAD_VALUE, "folds")


def test_a_folder_without_cells_is_refused(tmp_path):
    with pytest.raises(DualglandError) as error:
        read_labelled_cells(tmp_path)
    place = str(tmp_path / "cells.csv")
    assert (error.value.kind, error.value.place) == (Kind.NOT_THERE, place)


def test_the_shipped_generator_names_what_it_never_saw():
    unseen = unseen_groups(RECIPE)
    assert "3-280" in unseen.held_out
    assert "4-303" in unseen.validation
    assert not set(unseen.held_out) & set(unseen.validation)
