"""A run that is killed: what it leaves, how it goes on, and what its log is worth meanwhile."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save
from small_runs import CREDIT, read_events, run, train_and_kill, write_recipe
from torch import nn

from dualgland_training.generator import objective
from dualgland_training.generator.recipe import read_recipe
from dualgland_training.report import draw
from dualgland_training.runs import start_run
from dualgland_training.trainer.checkpoint import find_checkpoints, latest_checkpoint
from dualgland_training.trainer.events import LOG, append_line, read_log
from dualgland_training.trainer.model_card import write_model
from dualgland_training.trainer.steps import NotFinite
from napari_dualgland import impute, read, write
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.model.weights import ModelCard, read_card
from napari_dualgland.sample import sample_path

LAST = "step-0000009.safetensors"


@dataclass(frozen=True)
class Runs:
    """Folders of one recipe's runs.

    Attributes
    ----------
    straight : pathlib.Path
        Nine steps at a stretch.
    killed : pathlib.Path
        As it lay there after a kill at step six.
    resumed : pathlib.Path
        The same, gone on with.
    """

    recipe: Path
    straight: Path
    killed: Path
    resumed: Path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("runs")
    made = Runs(write_recipe(folder), *(folder / name for name in ("straight", "killed", "on")))
    train_and_kill(made.recipe, made.killed, "step-0000006.safetensors")
    shutil.copytree(made.killed, made.resumed)
    with pytest.MonkeyPatch.context() as smaller:
        smaller.setattr(objective, "VALIDATION_CROP", 64)
        run(made.recipe, made.straight)
        run(made.recipe, made.resumed, resume=True)
    return made


@pytest.fixture
def killed(runs: Runs, tmp_path: Path) -> Path:
    """A copy of the killed run's folder, to be spoiled."""
    return Path(shutil.copytree(runs.killed, tmp_path / "killed"))


def test_six_steps_a_kill_and_three_more_give_the_weights_of_nine(runs: Runs) -> None:
    one, other = load_file(runs.straight / LAST), load_file(runs.resumed / LAST)
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []
    # All players, the average, the moments and the feedback are in there, and they learned.
    groups = {name.split(".")[0] for name in one}
    assert groups == {"average", "network", "objective", "optimiser"}
    early = load_file(runs.straight / "step-0000006.safetensors")
    for player in ("generator.", "texture.", "discriminator."):
        names = [n for n in one if n.startswith(f"network.{player}") and n.endswith(".weight")]
        assert any(not torch.equal(one[name], early[name]) for name in names), player
    models = [run / "small.safetensors" for run in (runs.straight, runs.resumed)]
    assert models[0].read_bytes() == models[1].read_bytes()


def test_the_last_two_checkpoints_are_kept_with_the_recipe_inside(runs: Runs) -> None:
    kept = [path.name for path in find_checkpoints(runs.straight)]
    assert kept == [LAST, "step-0000006.safetensors"]
    with safe_open(runs.straight / LAST, "pt") as file:
        assert file.metadata()["step"] == "9"
        assert '"widths": [8, 8, 8]' in file.metadata()["state"]
    assert not list(runs.straight.glob(".*.part"))


def test_the_log_is_only_ever_added_to(runs: Runs) -> None:
    before, after = ((run / LOG).read_bytes() for run in (runs.killed, runs.resumed))
    assert before
    assert after.startswith(before)
    events = read_events(runs.resumed)
    starts = [event["started"] for event in events if "started" in event]
    assert [start.get("resumed_from") for start in starts] == [None, 6]
    assert events[-1]["finished"] == "small.safetensors"
    assert all({"step", "time"} <= set(event) for event in events)


def test_the_log_names_losses_speed_memory_validation_and_pictures(runs: Runs) -> None:
    events = read_events(runs.straight)
    told = [event for event in events if "losses" in event]
    assert [event["step"] for event in told] == [2, 4, 6, 8, 9]
    last = told[-1]
    assert {"salivary", "pituitary", "relative", "loss", "gradient"} <= set(
        last["losses"]["generator"]
    )
    assert {"spread", "adversarial", "matching", "perceptual"} <= set(last["losses"]["texture"])
    assert {"hinge", "measured", "drawn"} <= set(last["losses"]["discriminator"])
    assert last["steps_per_second"] > 0
    assert 0 <= last["share_of_drawing"] < 1
    assert last["memory"]["process"] > 2**20
    (looked,) = (event for event in events if "validation" in event)
    assert {"prior", "guided", "generator", "z", "salivary"} == set(
        looked["validation"]["validation, images"]["box, all channels"]
    )
    assert looked["crops"] == 9 * 4
    with Image.open(runs.straight / looked["pictures"]) as sheet:
        assert sheet.width > 4 * 60


def test_the_same_steps_tell_the_same_losses_after_a_kill(runs: Runs) -> None:
    straight, resumed = (
        {e["step"]: e["losses"] for e in read_events(run) if "losses" in e}
        for run in (runs.straight, runs.resumed)
    )
    assert straight == resumed


def test_an_unfinished_log_can_be_drawn(runs: Runs, tmp_path: Path) -> None:
    whole = (runs.killed / LOG).read_bytes()
    log = tmp_path / LOG
    log.write_bytes(whole[:-20])  # as if the process had died within a line
    assert len(read_log(log)) == len(whole.splitlines()) - 1
    picture = tmp_path / "curves.png"
    draw(log, picture)
    with Image.open(picture) as drawn:
        assert len(np.unique(np.asarray(drawn.convert("L")))) > 20
    append_line(log, {"step": 7, "figure": float("nan")})
    assert read_log(log)[-1] == {"step": 7, "figure": None}
    assert log.read_bytes().startswith(whole[:-20])
    log.write_bytes(whole.splitlines(keepends=True)[0])
    with pytest.raises(DualglandError) as error:
        draw(log, picture)
    assert (error.value.kind, error.value.place) == (Kind.EMPTY, str(log))


def test_a_truncated_checkpoint_costs_the_steps_since_the_one_before(
    runs: Runs, killed: Path
) -> None:
    newest, before = find_checkpoints(killed)
    newest.write_bytes(newest.read_bytes()[:-1000])
    (killed / ".step-0000009.safetensors.part").write_bytes(b"half")
    training = start_run(read_recipe(runs.recipe), killed, resume=True)
    assert training.step == 3
    kept = load_file(before)
    for name, tensor in training.objective.generator.state_dict().items():
        assert torch.equal(tensor, kept[f"network.generator.{name}"])
    assert [path.name for path in find_checkpoints(killed)] == [before.name]
    assert not list(killed.glob(".*.part"))
    warnings = [event["warning"] for event in read_events(killed) if "warning" in event]
    assert any(newest.name in text and before.name in text for text in warnings)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def flip(path: Path, at: int) -> None:
    """Change one bit of a file."""
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(raw)


def flip_a_weight(path: Path) -> None:
    flip(path, -2000)


def flip_the_state(path: Path) -> None:
    flip(path, path.read_bytes().index(b"0.999"))


def spoil_a_weight(path: Path) -> None:
    with safe_open(path, "pt") as file:
        header = file.metadata()
    tensors = load_file(path)
    tensors[sorted(tensors)[0]].view(-1)[0] = torch.nan
    path.write_bytes(save(tensors, header))


def make_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("spoil", [cut, flip_a_weight, flip_the_state, spoil_a_weight, make_a_pipe])
def test_a_run_of_damaged_checkpoints_alone_is_not_gone_on_with(
    runs: Runs, killed: Path, spoil: Callable[[Path], None]
) -> None:
    newest, before = find_checkpoints(killed)
    spoil(newest)
    assert latest_checkpoint(killed) == before
    spoil(before)
    with pytest.raises(DualglandError) as error:
        start_run(read_recipe(runs.recipe), killed, resume=True)
    assert (error.value.kind, error.value.place) == (Kind.DAMAGED, str(killed))


def test_checkpoints_of_before_there_were_hashes_are_called_what_they_are(
    runs: Runs, killed: Path
) -> None:
    for path in find_checkpoints(killed):
        with safe_open(path, "pt") as file:
            header = {key: value for key, value in file.metadata().items() if key != "sha256"}
        path.write_bytes(save(load_file(path), header))
    with pytest.raises(DualglandError) as error:
        start_run(read_recipe(runs.recipe), killed, resume=True)
    assert (error.value.kind, error.value.place) == (Kind.UNSUPPORTED, str(killed))


def test_a_run_is_not_overwritten_without_resume(runs: Runs) -> None:
    with pytest.raises(DualglandError) as error:
        start_run(read_recipe(runs.recipe), runs.straight)
    assert (error.value.kind, error.value.place) == (Kind.CONFLICT, str(runs.straight))


@pytest.mark.parametrize("ending", [".safetensors", ".json"])
@pytest.mark.parametrize("resume", [False, True])
def test_a_model_that_lies_in_the_folder_is_not_replaced(
    runs: Runs, tmp_path: Path, ending: str, resume: bool
) -> None:
    """Be it another one, or the one that the recipe starts from."""
    model = shutil.copy(runs.straight / f"small{ending}", tmp_path / f"small{ending}")
    before = Path(model).read_bytes()
    with pytest.raises(DualglandError) as error:
        start_run(read_recipe(runs.recipe, start=tmp_path / "small"), tmp_path, resume=resume)
    assert (error.value.kind, error.value.place) == (Kind.CONFLICT, str(model))
    assert [path.name for path in tmp_path.iterdir()] == [f"small{ending}"]
    assert Path(model).read_bytes() == before


def test_a_gradient_that_is_not_finite_stops_with_one_line(killed: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in find_checkpoints(killed)}
    recipe = write_recipe(tmp_path, learning_rate=1e30, validation_crops=0, checkpoint_every=8)
    with pytest.raises(NotFinite) as told:
        run(recipe, killed, resume=True)
    assert told.value.kind == Kind.NOT_FINITE
    assert "\n" not in str(told.value)
    assert {path.name: path.read_bytes() for path in find_checkpoints(killed)} == before
    assert read_events(killed)[-1]["failed"] == str(told.value)


def test_weights_that_are_not_finite_are_neither_kept_nor_exported(tmp_path: Path) -> None:
    """The last step's gradient is sound, what it makes of the weights is not."""
    recipe = write_recipe(tmp_path, steps=1, validation_crops=0)
    training = start_run(read_recipe(recipe), tmp_path / "run")
    weight = training.objective.generator.stem.weight.data
    training.steps.optimisers["generator"].register_step_post_hook(
        lambda *_: weight[0, 0, 0, 0].fill_(torch.inf)
    )
    with pytest.raises(NotFinite) as told:
        training.run()
    assert told.value.part == "generator.stem.weight"
    assert not list((tmp_path / "run").glob("*.safetensors"))


def test_what_half_precision_does_not_hold_is_not_exported(tmp_path: Path) -> None:
    network = nn.Linear(2, 2)
    with torch.no_grad():
        network.weight[0, 0] = 1e6
    with pytest.raises(DualglandError) as error:
        write_model(tmp_path, network, ModelCard(name="own", architecture={}))
    assert (error.value.kind, error.value.part) == (Kind.NOT_FINITE, "weight")
    assert not list(tmp_path.iterdir())


def test_images_stay_what_they_were_for_when_others_come_and_go(tmp_path: Path) -> None:
    whole = read(sample_path("dualgland_whole.ome.tif"))
    pixels = np.asarray(whole.data)

    def image(number: int) -> Path:
        y, x = 64 * number, 32 * number
        part = dataclasses.replace(whole, data=pixels[:, y : y + 64, x : x + 64])
        return write(part, tmp_path / "images" / f"{number}.ome.tif")

    (tmp_path / "images").mkdir()
    for number in range(1, 9):
        image(number)
    data = {"images": ["images"], "test_share": 0.5}
    recipe = write_recipe(tmp_path, data=data, checkpoint_every=1, validation_crops=0, warmup=1)

    def parts(steps: int) -> dict[str, set[str]]:
        made = run(recipe, tmp_path / "out", resume=steps > 1, steps=steps).objective
        found = {p: {s.name for s in sources} for p, sources in made.split._asdict().items()}
        assert (
            set(read_card(str(tmp_path / "out" / "small.safetensors"))[0].held_out)
            == (found["test"])
        )
        return found

    began = parts(1)
    assert len(began["test"]) == 4
    gone = min(began["train"])
    (tmp_path / "images" / f"{gone}.ome.tif").unlink()
    image(0)
    now = parts(2)
    assert now == began | {"train": began["train"] - {gone} | {"0"}}
    assert "new ones: 1" in (tmp_path / "out" / LOG).read_text()
    image(int(gone))
    assert parts(3) == began | {"train": began["train"] | {"0"}}


def test_the_model_is_taken_by_impute_and_says_whose_images_it_learned_from(runs: Runs) -> None:
    model = runs.resumed / "small.safetensors"
    card, _ = read_card(str(model))
    assert any(CREDIT in line for line in card.data)
    assert card.steps == 9
    assert card.recipe["widths"] == [8, 8, 8]
    assert set(card.figures) >= {"box, all channels"}

    stack = read(sample_path("dualgland_whole.ome.tif"))
    stack = dataclasses.replace(stack, data=np.asarray(stack.data)[:, :64, :64])
    missing = np.zeros(stack.shape, bool)
    missing[:, 30:50, 30:50] = True
    made = impute(stack, missing, model=str(model), adapt=False)
    assert made.provenance.model == "small"
    assert made.provenance.model_sha256 == card.sha256
    pixels = np.asarray(made.stack.data)
    np.testing.assert_array_equal(pixels[~missing], np.asarray(stack.data)[~missing])
    assert (pixels[missing] != np.asarray(stack.data)[missing]).any()
