"""The judges: shipped weights load and are two; what they say depends on the picture alone."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
import yaml
from safetensors.torch import load_file
from small_runs import assert_spawned_workers_draw_the_same, read_events

from dualgland_training.evaluate.run import judged_labels
from dualgland_training.perceptual import objective
from dualgland_training.perceptual.cells import Batch, draw_batch, read_judged_cells
from dualgland_training.perceptual.judge import CLASSES, NAMES, WEIGHTS, Judge, load_judge
from dualgland_training.perceptual.recipe import JudgeRecipe
from dualgland_training.runs import read_run, start_run
from dualgland_training.simulate import simulate_field
from dualgland_training.trainer.loop import Stopped
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.imputation.normalise import measure
from napari_dualgland.model.weights import read_card

ROOT = Path(__file__).parents[2]
RECIPES = {name: read_run(ROOT / "training" / "recipes" / f"{name}.yaml") for name in NAMES}


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
    assert card.recipe.items() <= RECIPES[name].model_dump(mode="json").items()


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
    with pytest.raises(DualglandError) as error:
        load_judge("referee")
    assert error.value.kind == Kind.NOT_THERE


def test_exchanged_weights_are_refused(tmp_path: Path) -> None:
    shutil.copy(WEIGHTS / "judge.json", tmp_path)
    shutil.copy(WEIGHTS / "features.safetensors", tmp_path / "judge.safetensors")
    with pytest.raises(DualglandError, match="do not match their card"):
        load_judge("judge", tmp_path)


@pytest.fixture
def recipe(tmp_path: Path) -> JudgeRecipe:
    """A tiny judge, and a collection of five cells."""
    (tmp_path / "cells").mkdir()
    rows = ["file,label_28,group"]
    for i, (label, group) in enumerate([(0, "a"), (25, "a"), (0, "v"), (25, "v"), (0, "h")]):
        image = np.asarray(simulate_field((64, 64), seed=i).data)
        tifffile.imwrite(tmp_path / "cells" / f"{i}.tif", image, photometric="minisblack")
        rows.append(f"{i}.tif,{label},{group}")
    (tmp_path / "cells.csv").write_text("\n".join(rows) + "\n")
    groups = {"held_out_groups": ["h"], "validation_groups": ["v"]}
    (tmp_path / "split.yaml").write_text(yaml.safe_dump({"data": groups}))
    small = {"widths": [4, 4], "steps": 6, "batch": 2, "crop": 32, "validate_every": 2}
    more = {"checkpoint_every": 6, "device": "cpu", "split": "split.yaml", "root": "."}
    path = tmp_path / "judge.yaml"
    told = yaml.safe_load((ROOT / "training/recipes/judge.yaml").read_text())
    path.write_text(yaml.safe_dump(told | small | more))
    return read_run(path)


def test_cells_of_classes_that_no_judge_knows_are_passed_over(recipe: JudgeRecipe) -> None:
    table = recipe.collection() / "cells.csv"
    table.write_text(table.read_text() + "0.tif,4,a\n1.tif,,a\n")
    parts = read_judged_cells(recipe)
    assert {part: len(cells) for part, cells in parts.items()} == {
        "train": 2,
        "validation": 2,
        "test": 1,
    }
    table.write_text("file,label_28,group\n0.tif,4,a\n1.tif,,a\n2.tif,25,a\n")
    assert judged_labels(recipe.collection()) == {"cell a 2.tif": 25}


def test_training_writes_what_loads(recipe: JudgeRecipe, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert start_run(recipe, out).run() == out / "judge.safetensors"
    judge = load_judge("judge", out)
    card, _ = read_card(str(out / "judge.json"))
    assert judge.widths == (4, 4)
    assert card.figures["validation, chosen by it"]["cells"] == 2
    assert card.figures["held out, never chosen by"]["cells"] == 1
    assert card.held_out == ("h", "v")
    # The best of the three looks, and the first of those that are equal.
    looks = {e["step"]: e["validation"] for e in read_events(out) if "validation" in e}
    recall = {k: table["validation, cells"]["all"]["mean_recall"] for k, table in looks.items()}
    assert list(recall) == [2, 4, 6]
    assert card.steps == max(recall, key=lambda step: recall[step])


def test_workers_draw_wherever_they_are_started(recipe: JudgeRecipe) -> None:
    made = objective.JudgeObjective(recipe, torch.device("cpu"), "fp32", pytest.fail)
    assert_spawned_workers_draw_the_same(made)


def test_a_judge_that_is_stopped_goes_on_exactly(
    recipe: JudgeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_run(recipe, tmp_path / "straight").run()

    def stopping(cells: dict, recipe: JudgeRecipe, step: int) -> Batch:
        if step == 2:
            signal.raise_signal(signal.SIGTERM)
        return draw_batch(cells, recipe, step)

    with monkeypatch.context() as patched:
        patched.setattr(objective, "draw_batch", stopping)
        training = start_run(recipe, tmp_path / "stopped")
        with pytest.raises(Stopped, match="stopped after step 3"):
            training.run()
    assert read_card(str(tmp_path / "stopped" / "judge.json"))[0].steps == 2
    start_run(recipe, tmp_path / "stopped", resume=True).run()
    one, other = (
        load_file(tmp_path / name / "step-0000006.safetensors") for name in ("straight", "stopped")
    )
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert any(name.startswith("objective.best.") for name in one)
