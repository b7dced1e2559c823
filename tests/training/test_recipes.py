"""Recipes that ask for what cannot be are refused when they are read, before torch is loaded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from small_runs import write_recipe

from dualgland_training.runs import read_run
from napari_dualgland.errors import DualglandError, Kind


def refused(path: Path) -> DualglandError:
    with pytest.raises(DualglandError) as error:
        read_run(path)
    assert error.value.place == str(path)
    return error.value


@pytest.mark.parametrize("value", [float("inf"), float("nan"), -1.0, 0, "fast"], ids=str)
def test_a_learning_rate_is_a_number_above_zero(tmp_path: Path, value: object) -> None:
    said = refused(write_recipe(tmp_path, learning_rate=value))
    assert said.kind == Kind.BAD_VALUE
    assert said.found.startswith("learning_rate: ")


INFINITE = {
    "weight_decay": float("inf"),
    "clip": float("inf"),
    "ema": float("nan"),
    "losses": {"salivary": float("inf")},
    "augment": {"zoom": [0.5, float("inf")]},
    "blurs": [float("nan")],
}
HUGE = {
    "seed": 2**64,
    "workers": 10**6,
    "threads": 10**6,
    "steps": 10**18,
    "crop": 2**30,
    "sources": 10**9,
    "widths": [10**9] * 3,
    "depths": [10**9] * 3,
    "validation_crops": 10**9,
}


@pytest.mark.parametrize(("option", "value"), [*INFINITE.items(), *HUGE.items()], ids=str)
def test_no_option_is_infinite_or_beyond_any_machine(
    tmp_path: Path, option: str, value: object
) -> None:
    said = refused(write_recipe(tmp_path, **{option: value}))
    assert said.kind == Kind.BAD_VALUE
    assert said.found.startswith(option)


@pytest.mark.parametrize(
    "start", [None, {}, {"a.safetensors": 0}, {"a.safetensors": "half"}], ids=str
)
def test_no_steps_are_taken_from_models_with_shares_alone(tmp_path: Path, start: Any) -> None:
    said = refused(write_recipe(tmp_path, steps=0, start=start))
    assert said.kind == Kind.BAD_VALUE
    assert said.found.startswith("start")


@pytest.mark.parametrize("objective", [["generator"], {"a": 1}, 3, "painter"], ids=str)
def test_an_objective_is_one_of_those_there_are(tmp_path: Path, objective: Any) -> None:
    said = refused(write_recipe(tmp_path, objective=objective))
    assert (said.kind, said.part) == (Kind.BAD_VALUE, "objective")


BOMB = "a: &a [x, x]\n" + "".join(
    f"{c}: &{c} [*{b}, *{b}, *{b}, *{b}, *{b}, *{b}, *{b}, *{b}]\n"
    for b, c in zip("abcdefghijk", "bcdefghijkl", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        b"steps: [1",
        b"\xff\xfe\x00",
        b"a: !!python/object/apply:os.system ['true']",
        b"when: 2001-99-99",
        b"steps: " + b"9" * 5000,
        b"[" * 5000,
        b"a: &a\n  b: *a",
        BOMB.encode(),
    ],
    ids=["open", "bytes", "object", "date", "digits", "deep", "circle", "bomb"],
)
def test_what_is_no_plain_yaml_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(text)
    assert refused(path).kind == Kind.DAMAGED


def test_what_is_no_recipe_by_its_kind_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    assert refused(path).kind == Kind.NOT_THERE
    os.mkfifo(path)
    assert refused(path).kind == Kind.NOT_A_FILE
    path.unlink()
    path.write_text("- 1")
    assert refused(path).kind == Kind.WRONG_CONTENT
    with path.open("wb") as file:
        file.truncate(2**40)
    assert refused(path).kind == Kind.TOO_LARGE
