"""Starting from an earlier model: what fits is taken, what is new starts as it would."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from small_runs import run, write_recipe
from torch import nn

from dualgland_training.generator.initial import load_start, widened
from dualgland_training.generator.recipe import read_recipe
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.model.generator import build_generator
from napari_dualgland.model.weights import SHIPPED, read_card


def test_a_wider_stem_answers_as_the_narrow_one_did() -> None:
    narrow, wide = nn.Conv2d(8, 5, 3), nn.Conv2d(12, 5, 3)
    weight = widened(narrow.weight.detach(), wide.weight.shape)
    assert weight is not None
    wide.load_state_dict({"weight": weight, "bias": narrow.bias})
    x = torch.randn(2, 12, 9, 9)
    torch.testing.assert_close(wide(x), narrow(x[:, :8]))


def test_a_last_layer_that_says_more_says_the_same_and_nothing_yet() -> None:
    narrow, wide = nn.Conv2d(8, 5, 3), nn.Conv2d(8, 7, 3)
    assert widened(narrow.weight.detach(), wide.weight.shape) is None
    new = {
        name: widened(getattr(narrow, name).detach(), getattr(wide, name).shape, outputs=True)
        for name in ("weight", "bias")
    }
    assert all(tensor is not None for tensor in new.values())
    wide.load_state_dict(new)
    x = torch.randn(2, 8, 9, 9)
    torch.testing.assert_close(wide(x)[:, :5], narrow(x))
    assert not wide(x)[:, 5:].any()


def test_what_is_no_wider_input_is_refused() -> None:
    earlier = torch.ones(5, 8, 3, 3)
    for other in ((5, 4, 3, 3), (6, 8, 3, 3), (5, 8, 1, 1), (5, 8)):
        assert widened(earlier, torch.Size(other)) is None


def test_a_lab_goes_on_from_all_of_the_shipped_generator() -> None:
    card = read_card("generator")[0]
    recipe = read_recipe(SHIPPED.parent / "recipes" / "shipped.yaml")
    for name, value in card.architecture.items():
        if name not in ("kind", "draws"):
            assert getattr(recipe, name) == (tuple(value) if isinstance(value, list) else value)


def test_the_shipped_generator_is_taken_whole_and_a_stranger_in_part() -> None:
    weights = SHIPPED / "generator.safetensors"
    architecture = read_card("generator")[0].architecture
    same = build_generator(architecture)
    assert load_start(same, {weights: 1.0}) == []
    assert float(same.head.weight.detach().abs().max()) > 0
    other = build_generator(architecture | {"widths": (48, 96, 64)})
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    new = load_start(other, {weights: 1.0})
    assert "bottom.0.first.weight" in new
    assert "stem.weight" not in new
    assert torch.equal(other.state_dict()["bottom.0.first.weight"], before["bottom.0.first.weight"])
    assert torch.equal(other.stem.weight, same.stem.weight)


@pytest.fixture(scope="module")
def relatives(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return models of three courses: the second and the third went on from the first."""
    folder = tmp_path_factory.mktemp("relatives")
    short = {"steps": 2, "warmup": 0, "validation_crops": 0}
    models: list[Path] = []
    for number in range(3):
        start = {"start": str(models[0])} if models else {}
        recipe = write_recipe(folder, name=f"m{number}", seed=number, **short, **start)
        run(recipe, folder / str(number))
        models.append(folder / str(number) / f"m{number}.safetensors")
    return models


def test_a_model_of_no_steps_is_the_average_of_those_it_starts_from(
    relatives: list[Path], tmp_path: Path
) -> None:
    shares = {str(model): share for model, share in zip(relatives, (0.5, 0.2, 0.1), strict=True)}
    out = tmp_path / "out"
    run(write_recipe(tmp_path, name="mean", steps=0, start=shares), out)
    parts, mean = [load_file(m) for m in relatives], load_file(out / "mean.safetensors")
    assert set(mean) == set(parts[0])
    moved = 0.0
    for name, got in mean.items():
        by_hand = sum(
            w / 0.8 * part[name].astype(float)
            for w, part in zip((0.5, 0.2, 0.1), parts, strict=True)
        )
        np.testing.assert_allclose(got, by_hand, rtol=2**-10, atol=1e-7)
        moved += float(np.abs(got.astype(float) - parts[0][name]).max(initial=0))
    assert moved > 0
    card = json.loads((out / "mean.json").read_text())
    assert card["recipe"]["start"] == shares
    assert card["steps"] == 0
    assert "learning_rate" not in card["recipe"], "nothing was trained at that rate"
    assert card["figures"], "an average is validated like any other model"
    told = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]
    (started,) = [event["started"] for event in told if "started" in event]
    cards = {str(m): json.loads(m.with_suffix(".json").read_text())["sha256"] for m in relatives}
    assert started["start"] == cards


def test_models_of_other_builds_are_not_averaged(relatives: list[Path], tmp_path: Path) -> None:
    stranger = SHIPPED / "generator.safetensors"
    shares = {str(relatives[0]): 0.5, str(stranger): 0.5}
    with pytest.raises(DualglandError) as error:
        run(write_recipe(tmp_path, steps=0, start=shares), tmp_path / "out")
    assert error.value.kind == Kind.MISMATCH
    assert error.value.place == max(shares)  # the later one: YAML is written in order of names


@pytest.mark.parametrize(
    "other", [{"widths": [8, 8, 16]}, {"lost_gain": 2.0}, {"refine": 8}], ids=str
)
def test_what_is_taken_without_a_step_is_built_as_the_recipe_says(
    relatives: list[Path], tmp_path: Path, other: dict[str, object]
) -> None:
    recipe = write_recipe(tmp_path, steps=0, start=str(relatives[0]), **other)
    with pytest.raises(DualglandError) as error:
        run(recipe, tmp_path / "out")
    assert (error.value.kind, error.value.place) == (Kind.MISMATCH, str(relatives[0]))
    assert next(iter(other)) in error.value.found
    assert not list(tmp_path.glob("out/*.safetensors"))


def test_a_generator_starts_from_generators_alone(tmp_path: Path) -> None:
    with pytest.raises(DualglandError) as error:
        run(write_recipe(tmp_path, steps=0, start="localizer"), tmp_path / "out")
    assert error.value.kind == Kind.WRONG_CONTENT
