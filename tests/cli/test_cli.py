"""The command line as a whole: help, version, models, doctor, and what goes to which stream."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch

from napari_dualgland import __version__
from napari_dualgland.model.weights import list_models


def test_help_names_every_verb(dualgland):
    for words in ((), ("--help",), ("-h",)):
        said = dualgland(*words)
        assert said.code == 0
        for verb in ("impute", "localize", "demo", "models", "doctor"):
            assert verb in said.out


def test_version(dualgland):
    assert dualgland("--version").out == f"dualgland {__version__}\n"


def test_an_unknown_verb(dualgland):
    said = dualgland("localise")
    assert said.code == 2
    assert "localise" in said.error


def test_models_are_listed_with_hash_and_place(dualgland):
    told = dualgland("models", "--json").result
    assert {model["name"] for model in told["models"]} == {*list_models()}
    for model in told["models"]:
        assert model["path"].endswith(f"{model['name']}.json")
    said = dualgland("models")
    for model in told["models"]:
        assert model["name"] in said.out
        assert model["sha256"] is None or model["sha256"][:12] in said.out


def test_a_bad_card_is_listed_with_what_is_wrong_and_hides_no_other(
    dualgland, tmp_path, monkeypatch
):
    monkeypatch.setenv("DUALGLAND_MODELS", str(tmp_path))
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "other.json").write_text('{"architecture": 3}')
    os.mkfifo(tmp_path / "pipe.json")
    bad = {"broken", "other", "pipe"}
    said = dualgland("models")
    assert said.code == 0
    told = {model["name"]: model for model in dualgland("models", "--json").result["models"]}
    assert {*told} == {*list_models()} > bad
    for name, model in told.items():
        assert name in said.out
        assert ("problem" in model) == (name in bad)
        assert name not in bad or str(tmp_path / name) in model["problem"]
    doctor = dualgland("doctor", "--json").result
    assert {name for name, state in doctor["models"].items() if state == "unusable"} == bad


@pytest.mark.parametrize("name", list_models())
def test_a_card_is_shown_in_full(dualgland, name):
    told = dualgland("models", name, "--json").result
    card = json.loads(list_models()[name].read_text())
    assert {key: told["card"][key] for key in card} == card
    assert card["summary"] in " ".join(dualgland("models", name).out.split())


def test_an_unknown_model_is_told_with_those_that_are(dualgland):
    said = dualgland("models", "unet")
    assert said.code == 2
    assert "prior" in said.error


def test_doctor_tells_what_there_is(dualgland):
    said = dualgland("doctor", "--json")
    assert said.code == 0
    told = said.result
    assert told["threads"]["count"] == torch.get_num_threads()
    assert told["threads"]["waiting"]
    assert told["devices"]["cpu"].endswith(("bf16", "fp32"))
    assert told["packages"]["torch"]
    assert told["qt"]["bindings"]
    assert {*told["models"]} == {*list_models()}
    assert all(state != "unusable" for state in told["models"].values()), told["lacking"]
    assert not [line for line in told["lacking"] if "torchvision" in line]


def test_doctor_tells_a_person(dualgland):
    said = dualgland("doctor")
    assert said.code == 0
    for word in ("python", "torch", "device cpu", "threads", "model prior", "Qt", "screen"):
        assert word in said.out


def test_doctor_finds_damaged_weights(dualgland, tmp_path, monkeypatch):
    monkeypatch.setenv("DUALGLAND_MODELS", str(tmp_path))
    card = {"name": "ours", "architecture": {"kind": "generator"}, "sha256": "0" * 64}
    (tmp_path / "ours.json").write_text(json.dumps(card))
    (tmp_path / "ours.safetensors").write_bytes(b"spoiled")
    said = dualgland("doctor", "--json")
    assert said.code == 0
    assert said.result["models"]["ours"] == "unusable"
    assert any("ours.safetensors" in line for line in said.result["lacking"])


def test_a_reader_that_goes_away_is_no_error_to_shout_about():
    running = subprocess.Popen(
        [sys.executable, "-m", "napari_dualgland", "models"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    running.stdout.close()
    assert running.stderr.read() == b""
    running.stderr.close()
    running.wait(timeout=60)
