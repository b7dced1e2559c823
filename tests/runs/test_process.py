"""A run as it is found by somebody who has not started it: going, ended, broken; and its model."""

from __future__ import annotations

import hashlib
import shlex
import time
from pathlib import Path

import pytest
from filelock import FileLock
from safetensors.numpy import save_file

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.jobs import TrainJob, load_job
from napari_dualgland.jobs.train import TrainParams
from napari_dualgland.model.weights import ModelCard, list_models, models_folder
from napari_dualgland.runs import process, recipes
from napari_dualgland.runs.folder import LOCK, State, ask_to_stop, last_lines, list_runs
from napari_dualgland.runs.install import install_model
from napari_dualgland.runs.process import is_going, standing
from napari_dualgland.runs.recipes import RECIPES, recipe_path, steps_of


def job_in(folder: Path, **params: object) -> TrainJob:
    output = folder / str(params.get("name", "my-model"))
    return TrainJob(images=folder / "images", params=TrainParams(**params), output=output)


def wait_for_end(folder: Path) -> None:
    until = time.monotonic() + 120
    while is_going(folder):
        assert time.monotonic() < until
        time.sleep(0.05)


def put_model(folder: Path, name: str, seed: int = 0, **card: object) -> Path:
    import numpy as np

    folder.mkdir(exist_ok=True)
    weights = folder / f"{name}.safetensors"
    save_file({"x": np.full(3, seed, np.float16)}, weights)
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    told = ModelCard(name=name, architecture={"kind": "generator"}, sha256=digest, **card)
    weights.with_suffix(".json").write_text(told.model_dump_json())
    return weights


def test_a_job_is_saved_found_and_read_again(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("DUALGLAND_RUNS", str(tmp_path))
    job = job_in(tmp_path, name="our-hela", recipe="tiny", steps=7)
    job.check()
    job.save()
    assert list_runs() == [tmp_path / "our-hela"]
    assert load_job(tmp_path / "our-hela" / "job.json") == job
    with pytest.raises(DualglandError, match="a run is called so"):
        job.check()


@pytest.mark.parametrize("name", ["", "../mine", "step-1", "a b", "generator", "prior"])
def test_a_name_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DualglandError) as error:
        job_in(tmp_path, name=name).check()
    assert error.value.kind in (Kind.BAD_VALUE, Kind.CONFLICT)


def test_a_recipe_that_is_not_there_is_refused_and_those_that_ship_are(tmp_path: Path) -> None:
    with pytest.raises(DualglandError, match="no such recipe"):
        job_in(tmp_path, recipe=str(tmp_path / "none.yaml")).check()
    for name in RECIPES:
        assert recipe_path(name).is_file()
        assert steps_of(name) > 0
    assert steps_of(tmp_path / "none.yaml") is None


def test_without_what_training_needs_the_command_is_told(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(recipes, "NEEDED", ("yaml", "no_such_library"))
    with pytest.raises(DualglandError, match=r"pip install 'napari-dualgland\[train\]'") as error:
        job_in(tmp_path).check()
    assert error.value.kind == Kind.NOT_INSTALLED


def test_the_command_names_everything(tmp_path: Path) -> None:
    job = job_in(tmp_path, name="x", recipe="scratch", steps=5, credit="Our lab", device="cpu")
    job = job.model_copy(update={"channels": {"nucleus": 2}})
    words = shlex.split(job.as_command())
    assert words[:3] == ["dualgland", "train", "scratch"]
    for option, value in (
        ("--out", str(tmp_path / "x")),
        ("--images", str(tmp_path / "images")),
        ("--channels", "nucleus=#2"),
        ("--name", "x"),
        ("--steps", "5"),
        ("--credit", "Our lab"),
        ("--device", "cpu"),
    ):
        assert words[words.index(option) + 1] == value
    assert words[-1] == "--install"


def test_a_run_that_cannot_begin_is_broken_and_says_why(tmp_path: Path) -> None:
    recipe = tmp_path / "own.yaml"
    recipe.write_text("learning_rte: 1\n")
    job = job_in(tmp_path, recipe=str(recipe))
    job.save()
    process.start(job.output, job.words())
    assert standing(job.output) is State.GOING
    wait_for_end(job.output)
    assert standing(job.output) is State.BROKEN
    assert "learning_rte: extra inputs are not permitted" in last_lines(job.output)[-1]


def test_a_run_of_a_terminal_is_known_by_its_lock(tmp_path: Path) -> None:
    assert not is_going(tmp_path)
    (tmp_path / process.PROCESS).write_text('{"pid": 1, "born": 7}')  # given to another since
    with FileLock(tmp_path / LOCK):
        assert is_going(tmp_path)
    assert not is_going(tmp_path)


def test_a_folder_that_is_gone_cannot_be_asked_to_stop(tmp_path: Path) -> None:
    with pytest.raises(DualglandError):
        ask_to_stop(tmp_path / "gone")


def test_a_model_is_installed_once_and_never_over_another(tmp_path: Path) -> None:
    mine = put_model(tmp_path / "run", "installed-once", recipe={"steps": 5})
    card = install_model(mine)
    assert card == models_folder() / "installed-once.json"
    assert list_models()["installed-once"] == card
    assert install_model(mine) == card
    later = put_model(tmp_path / "run", "installed-once", seed=1, recipe={"steps": 5})
    assert install_model(later) == card  # the same run, gone on with
    assert card.with_suffix(".safetensors").read_bytes() == later.read_bytes()
    with pytest.raises(DualglandError, match="choose another name"):
        install_model(put_model(tmp_path / "other", "installed-once", seed=2))
    with pytest.raises(DualglandError, match="a shipped model is called so"):
        install_model(put_model(tmp_path / "shipped", "generator"))
    later.write_bytes(later.read_bytes()[:-1])
    with pytest.raises(DualglandError, match="not those that the card describes"):
        install_model(later)
