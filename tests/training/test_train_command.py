"""``dualgland train`` as a person uses it: mistyped, interrupted, killed, gone on with."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_runs import LONGEST, environment, read_events, run, train, wait_for, write_recipe

from dualgland_training.generator.recipe import read_recipe
from dualgland_training.runs import read_run
from dualgland_training.trainer import stopping
from dualgland_training.trainer.checkpoint import find_checkpoints
from dualgland_training.trainer.lock import hold_folder
from dualgland_training.trainer.stopping import StopRequest
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.runs.recipes import FOLDER, RECIPES

ROOT = Path(__file__).parents[2]
DUALGLAND = (sys.executable, "-m", "napari_dualgland", "train")

QUICK = {
    "checkpoint_every": 1,
    "validation_crops": 0,
    "losses": {"perceptual": 0, "adversarial": 0, "pituitary": 0},
}


def start(recipe: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*DUALGLAND, str(recipe), "--out", str(out), *options],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def newest_step(out: Path) -> int:
    return int(find_checkpoints(out)[0].stem.removeprefix("step-"))


def test_a_stop_leaves_a_checkpoint_and_a_kill_leaves_no_stray_process(tmp_path: Path) -> None:
    recipe, out = write_recipe(tmp_path, steps=1000, **QUICK), tmp_path / "run"

    stopped = start(recipe, out)
    wait_for(out / "step-0000001.safetensors", stopped)
    stopped.send_signal(signal.SIGTERM)
    _, said = stopped.communicate(timeout=LONGEST)
    assert stopped.returncode == 128 + signal.SIGTERM
    step = newest_step(out)
    assert f"stopped after step {step}; --resume goes on from there" in said
    assert "Traceback" not in said
    assert read_events(out)[-1] == {**read_events(out)[-1], "step": step, "stopped": True}

    # Killed so that it cannot tell the process that trains: that one must notice by itself.
    killed = start(recipe, out, "--resume")
    wait_for(out / f"step-{step + 1:07d}.safetensors", killed)
    with killed:  # closes its pipes
        killed.kill()
        killed.wait(timeout=LONGEST)
    with hold_folder(out, lambda _: None):  # waits for the one that trains, or fails
        pass
    left = newest_step(out)
    time.sleep(1.5)
    assert newest_step(out) == left

    # What a resumed run says at its end; its recipe may have become shorter.
    recipe = write_recipe(tmp_path, steps=left + 1, **QUICK)
    run(recipe, out, resume=True)
    warnings = [event["warning"] for event in read_events(out) if "warning" in event]
    assert "the recipe is not that of the checkpoint: steps differ" in warnings
    resumed = [e["started"].get("resumed_from") for e in read_events(out) if "started" in e]
    assert resumed == [None, step, left]


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    told: list[str] = []
    with hold_folder(tmp_path, pytest.fail):
        with pytest.raises(DualglandError, match="another process trains in this folder"):
            hold_folder(tmp_path, told.append, patience=0.3)
        assert len(told) == 1
    with hold_folder(tmp_path, pytest.fail):
        pass


def test_a_mistake_in_a_recipe_is_one_line(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, steps="many", learning_rte=1)
    done = train(recipe, "--out", tmp_path / "run")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"dualgland: {recipe}: ")
    assert "steps: input should be a valid integer" in line
    assert "learning_rte: extra inputs are not permitted" in line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"widths": [8, 8]}, "widths.2: field required"),
        ({"widths": [8, 8, 0]}, "widths.2: input should be greater than 0"),
        ({"crop": 100}, "crop: input should be a multiple of 16"),
        ({"precision": "fp16"}, "precision: input should be 'auto', 'bf16' or 'fp32'"),
        ({"name": "../mine"}, "name: string should match pattern"),
        ({"name": "step-0000001"}, "is that of a checkpoint"),
        ({"damage": {"families": {"hole": 1}}}, "damage.families.hole"),
        ({"damage": {"families": {"box": 0}}}, "at least one weight must be above 0"),
        ({"damage": {"scale": [2, 1]}}, "damage.scale.*the range must rise"),
        ({"augment": {"permute": 2}}, "augment.permute: input should be less than or equal to 1"),
        ({"losses": {"salivary": -1}}, "losses.salivary: input should be greater than"),
        ({"losses": {"ganglion": 1}}, "losses.ganglion: extra inputs are not permitted"),
        ({"data": {"channels": {"membrane": 2}}}, "data.channels.membrane"),
        ({"data": {"shares": {"movies": 1}}}, "data.shares.movies"),
    ],
)
def test_every_wrong_option_is_named(tmp_path: Path, options: dict, said: str) -> None:
    with pytest.raises(DualglandError, match=said) as error:
        read_recipe(write_recipe(tmp_path, **options))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [("- a\n- b\n", "is not a list of options"), ("a: [1\n", "is not YAML")],
)
def test_a_file_that_is_no_recipe_is_told(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(DualglandError, match=said):
        read_recipe(path)
    with pytest.raises(DualglandError) as error:
        read_recipe(tmp_path / "none.yaml")
    assert error.value.kind == Kind.NOT_THERE


@pytest.mark.parametrize(
    "path", sorted([*(ROOT / "training" / "recipes").glob("*.yaml"), *FOLDER.glob("*.yaml")])
)
def test_the_recipes_of_this_repository_are_valid(path: Path) -> None:
    options = read_run(path)
    again = type(options).model_validate(options.model_dump(mode="json"))
    assert again == options.model_copy(update={"base": Path()})


def test_a_recipe_of_nothing_that_is_trained_is_refused(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, objective="segmenter")
    with pytest.raises(DualglandError, match="segmenter is none of generator, localizer, judge"):
        read_run(recipe)
    with pytest.raises(DualglandError, match="objective: input should be 'generator'"):
        read_recipe(ROOT / "training" / "recipes" / "localizer.yaml")


def test_a_stop_told_twice_at_once_is_one_and_a_later_one_is_heeded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with StopRequest() as stop:
        assert not stop
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        assert stop.signal == signal.SIGINT
        monkeypatch.setattr(stopping, "SAME", 0)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_file_asks_a_run_to_stop_and_is_taken_away_by_who_heeds_it(tmp_path: Path) -> None:
    file = tmp_path / "stop"
    with StopRequest(file) as stop:
        assert not stop
        file.touch()
        assert stop
        assert stop.signal is None
    assert not file.exists()


@pytest.mark.parametrize("name", ["file", "file/run"])
def test_a_run_in_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DualglandError) as refused:
        run(write_recipe(tmp_path), tmp_path / name)
    assert refused.value.kind == Kind.NOT_A_FILE
    assert (tmp_path / "file").read_text() == "mine"


def test_every_recipe_that_ships_has_a_name_and_takes_a_labs_options() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(RECIPES)
    tiny = read_run(FOLDER / "tiny.yaml")
    ours = read_run(FOLDER / "tiny.yaml", name="ours", data={"images": ["a"], "credit": "us"})
    assert ours.name == "ours"
    assert ours.data.images == ("a",)
    assert ours.data == tiny.data.model_copy(update={"images": ("a",), "credit": "us"})
    start = read_run(FOLDER / "shipped.yaml")
    assert start.found(start.start).is_file()
