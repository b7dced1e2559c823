"""The judges: shipped weights load and are two; what they say depends on the picture alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
import yaml

from dualgland_training.perceptual.judge import CLASSES, NAMES, WEIGHTS, Judge, load_judge
from dualgland_training.perceptual.objective import RECIPES, train_judge
from dualgland_training.simulate import simulate_field
from napari_dualgland.errors import DualglandError
from napari_dualgland.imputation.normalise import measure
from napari_dualgland.model.weights import read_card

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    image = np.asarray(simulate_field((128, 192), seed=4).data)
    unit = measure([c.ravel() for c in image]).apply(image)
    return torch.from_numpy(np.stack([unit[:, :, :128], unit[:, :, 64:]]))


@pytest.mark.parametrize("name", NAMES)
def test_shipped_weights_load_frozen_and_small(name: str) -> None:
    judge = load_judge(name)
    card, _ = read_card(str(WEIGHTS / f"{name}.json"))
    assert not judge.training
    assert not any(p.requires_grad for p in judge.parameters())
    assert sum(p.numel() for p in judge.parameters()) == card.parameters <= 600_000
    assert card.seed == RECIPES[name].seed
    assert card.recipe == RECIPES[name].model_dump(mode="json")


def test_the_two_share_neither_seed_nor_widths_nor_augmentation() -> None:
    one, other = RECIPES["features"], RECIPES["judge"]
    assert one.seed != other.seed
    assert one.widths != other.widths
    assert (one.gain, one.gamma, one.noise) != (other.gain, other.gamma, other.noise)


@pytest.mark.parametrize("name", NAMES)
def test_no_group_that_is_kept_apart_was_trained_on(name: str) -> None:
    data = yaml.safe_load((ROOT / "training/recipes/generator.yaml").read_text())["data"]
    card, _ = read_card(str(WEIGHTS / f"{name}.json"))
    assert {*data["held_out_groups"], *data["validation_groups"]} == {*card.held_out}


def test_what_is_said_of_a_picture_does_not_depend_on_its_batch(pictures: torch.Tensor) -> None:
    judge = load_judge("judge")
    together, alone = judge(pictures), judge(pictures[1:])
    assert together.shape == (2, len(CLASSES))
    torch.testing.assert_close(together[1:], alone, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(together[0], together[1])
    assert judge.embed(pictures).shape == (2, judge.dimensions)


def test_features_come_at_falling_scales_and_carry_gradients(pictures: torch.Tensor) -> None:
    judge = load_judge("features")
    image = pictures[:, :, :64, :96].clone().requires_grad_()
    maps = judge.features(image)
    assert [tuple(m.shape[2:]) for m in maps] == [(32, 48), (16, 24), (8, 12), (4, 6)]
    sum(m.square().mean() for m in maps).backward()
    assert image.grad is not None
    assert torch.isfinite(image.grad).all()
    assert (image.grad.abs().amax((2, 3)) > 0).all()


def test_wrong_pictures_and_names_are_refused() -> None:
    with pytest.raises(DualglandError, match=r"\(1, 3, 64, 64\)"):
        Judge().features(torch.zeros(1, 3, 64, 64))
    with pytest.raises(DualglandError, match="no judge 'referee'"):
        load_judge("referee")


def test_exchanged_weights_are_refused(tmp_path: Path) -> None:
    shutil.copy(WEIGHTS / "judge.json", tmp_path)
    shutil.copy(WEIGHTS / "features.safetensors", tmp_path / "judge.safetensors")
    with pytest.raises(DualglandError, match="do not match their card"):
        load_judge("judge", tmp_path)


def test_training_writes_what_loads(tmp_path: Path) -> None:
    (tmp_path / "cells").mkdir()
    rows = ["file,label_28,group"]
    for i, (label, group) in enumerate([(0, "a"), (25, "a"), (0, "v"), (25, "v"), (0, "h")]):
        image = np.asarray(simulate_field((64, 64), seed=i).data)
        tifffile.imwrite(tmp_path / "cells" / f"{i}.tif", image, photometric="minisblack")
        rows.append(f"{i}.tif,{label},{group}")
    (tmp_path / "cells.csv").write_text("\n".join(rows) + "\n")
    split = tmp_path / "split.yaml"
    groups = {"held_out_groups": ["h"], "validation_groups": ["v"]}
    split.write_text(yaml.safe_dump({"data": groups}))
    recipe = RECIPES["judge"].model_copy(
        update={"widths": (4, 4), "steps": 100, "batch": 2, "crop": 32}
    )
    list(train_judge("judge", recipe, tmp_path, split, tmp_path / "out"))
    judge = load_judge("judge", tmp_path / "out")
    card, _ = read_card(str(tmp_path / "out" / "judge.json"))
    assert judge.widths == (4, 4)
    assert card.figures["validation, chosen by it"]["cells"] == 2
    assert card.figures["held out, never chosen by"]["cells"] == 1
