"""An evaluation from end to end on simulated images, and what holds it together."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from batch_workers import workers
from training.atlas_scenes import add_field, tiny
from training.atlas_scenes import atlas as atlas
from training.atlas_scenes import model as model

from dualgland_training.evaluate import worker
from dualgland_training.evaluate.cases import (
    CELL_CASE,
    CELLS_EACH,
    QUICK,
    HeldOut,
    held_out,
    images_of,
    mask_of,
    read_images,
)
from dualgland_training.evaluate.comparison import gain, interval
from dualgland_training.evaluate.methods import fill_with, find_method
from dualgland_training.evaluate.paper import (
    DEFINITIONS,
    NOT_COMPARABLE,
    convergence_epoch,
    last_fifth_variance,
    training_figures,
)
from dualgland_training.evaluate.run import EvaluateOptions, evaluate
from dualgland_training.evaluate.scoring import blocks_of, cut, hole_centres
from dualgland_training.evaluate.worker import Job, peak_memory, start
from dualgland_training.simulate import simulate_field
from napari_dualgland.classical import FILLS
from napari_dualgland.errors import DualglandError


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.asarray(simulate_field((128, 128), seed=5).data)


def test_a_quick_evaluation_writes_its_report(atlas: Path, model: str, tmp_path: Path) -> None:
    said: list[str] = []
    out = tmp_path / "out"
    report = evaluate(
        EvaluateOptions(
            models=(model,),
            ablations={"SG": model},
            data=atlas,
            out=out,
            cells=1,
            quick=True,
            pictures=tmp_path / "pictures",
            jobs=2,
            fills=tmp_path / "fills",
        ),
        said.append,
    )
    assert len(list((tmp_path / "fills").glob("*/run.json"))) == 7
    assert json.loads((out / "evaluation.json").read_text())["ours"] == model
    assert {*report["methods"]} == {*FILLS, "prior", model, f"{model}, one sample"}
    assert len(said) == 7
    row = report["comparison"]["field"]["box, all channels"]
    assert row["figures"]["prior"]["psnr"]["mean"] > row["figures"]["mean"]["psnr"]["mean"]
    covered = report["calibration"][model]["all cases"]["covered"]
    assert 0 <= covered["0.5"] <= covered["0.9"] <= 1
    # Against itself nothing is gained, and every block is paired.
    assert report["ablations"]["SG"]["psnr"]["mean"] == 0
    assert report["setting"]["cells"] == 1
    text = (out / "evaluation.md").read_text()
    assert NOT_COMPARABLE in text
    assert all(definition in text for definition in DEFINITIONS.values())
    assert {p.name for p in out.glob("*.png")} == {
        "evaluation_gains.png",
        "evaluation_reliability.png",
    }


def test_options_of_the_command_reach_the_evaluation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from dualgland_training.evaluate import __main__ as command

    given: list[EvaluateOptions] = []
    monkeypatch.setattr(
        "dualgland_training.evaluate.run.evaluate", lambda options, say: given.append(options)
    )
    wanted = EvaluateOptions(
        models=("a", "b"),
        ablations={"SG": "c"},
        data=tmp_path / "atlas",
        out=tmp_path / "out",
        name="n",
        cells=3,
        pictures=tmp_path / "p",
        log=tmp_path / "log",
        threads=2,
        jobs=5,
        fills=tmp_path / "fills",
        quick=True,
    )
    options = wanted.model_dump()
    models, ablations = options.pop("models"), options.pop("ablations")
    command._main(
        model=list(models), ablation=[f"{k}={v}" for k, v in ablations.items()], **options
    )
    assert given == [wanted]


def test_a_method_that_was_cut_off_goes_on_from_its_fills(
    atlas: Path, model: str, tmp_path: Path
) -> None:
    told = tmp_path / "run.json"
    job = Job(data=atlas, held=held_out([model]), cells=1, quick=True, cases=QUICK, threads=1)
    start("Telea", job, tmp_path)
    whole, done = json.loads(told.read_text()), sorted(tmp_path.glob("*.npz"))
    assert len(done) > 2
    told.unlink()
    lost, *kept = done
    with np.load(lost) as file:
        estimate = file["estimate"]
    lost.unlink()
    written = [file.stat().st_mtime_ns for file in kept]
    start("Telea", job, tmp_path)
    assert [file.stat().st_mtime_ns for file in kept] == written
    assert sorted(tmp_path.glob("*.npz")) == done
    with np.load(lost) as file:
        np.testing.assert_array_equal(file["estimate"], estimate)
    again = json.loads(told.read_text())
    pairs = [
        (seconds, again["seconds"][case][title])
        for case, of in whole["seconds"].items()
        for title, seconds in of.items()
    ]
    assert sum(a == b for a, b in pairs) == len(kept)
    assert again["memory"]["peak_mib"] >= again["memory"]["start_mib"]


def test_a_method_is_not_charged_with_its_parents_memory() -> None:
    held = np.ones(400 * 2**20, np.uint8)
    code = "from dualgland_training.evaluate.worker import peak_memory as p; raise SystemExit("
    assert subprocess.call([sys.executable, "-c", code + "p() > 400)"]) == 0
    assert held.size / 2**20 == 400
    assert peak_memory() > 400


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_memory_is_told_in_mebibytes_on_every_system(
    monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    windows = SimpleNamespace(memory_info=lambda: SimpleNamespace(peak_wset=3 * 2**20))
    others = SimpleNamespace(
        RUSAGE_SELF=0, getrusage=lambda _: SimpleNamespace(ru_maxrss=3 * 2**20)
    )
    monkeypatch.setattr(psutil, "Process", lambda: windows)
    monkeypatch.setitem(sys.modules, "resource", None if platform == "win32" else others)
    monkeypatch.setattr(sys, "platform", platform)
    assert runpy.run_path(worker.__file__)["peak_memory"]() == 3


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize("by", ["the module", "the command line"])
def test_a_worker_ends_with_an_evaluation_that_is_killed(
    atlas: Path, model: str, tmp_path: Path, by: str
) -> None:
    module = ["dualgland_training.evaluate", "--fills", str(tmp_path)]
    verb = module if by == "the module" else ["napari_dualgland", "evaluate"]
    given = ["--model", model, "--data", str(atlas), "--out", str(tmp_path / "out")]
    with subprocess.Popen([sys.executable, "-m", *verb, *given], stderr=subprocess.PIPE) as parent:
        started: list[psutil.Process] = []
        while not started:
            assert parent.poll() is None
            started = workers(parent.pid, "dualgland_training.evaluate.worker")
        started += workers(parent.pid, "dualgland_training.evaluate")
        parent.kill()
    gone, alive = psutil.wait_procs(started, timeout=60)
    assert gone
    assert not alive
    assert not list(tmp_path.glob("*/run.json"))


def test_pictures_never_get_into_a_repository(atlas: Path, model: str, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    options = EvaluateOptions(
        models=(model,), data=atlas, out=tmp_path / "out", pictures=tmp_path / "a" / "b"
    )
    with pytest.raises(DualglandError, match="outside it"):
        evaluate(options, str)
    assert not (tmp_path / "a").exists()


def test_a_folder_without_the_collection_and_an_unknown_model_are_told(
    model: str, tmp_path: Path
) -> None:
    with pytest.raises(DualglandError, match="name the atlas folder with --data"):
        evaluate(EvaluateOptions(models=(model,), data=tmp_path, out=tmp_path / "out"), str)
    with pytest.raises(DualglandError, match="nobody"):
        evaluate(EvaluateOptions(models=("nobody",), data=tmp_path, out=tmp_path / "out"), str)
    assert not (tmp_path / "out").exists()


def test_what_was_held_out_stands_in_the_card(model: str) -> None:
    assert held_out([model, "prior"]).groups == ("h",)
    with pytest.raises(DualglandError, match="what was held out"):
        held_out(["prior"])
    with pytest.raises(DualglandError, match="one by one"):
        held_out([model, "generator"])


def told(folder: Path, recipe: dict[str, object]) -> str:
    """Return a model whose card tells of a recipe."""
    folder.mkdir()
    return tiny(folder, recipe)


def test_a_card_that_leaves_out_what_was_held_out_held_out_nothing(
    model: str, tmp_path: Path
) -> None:
    average = told(tmp_path / "a", {"steps": 0, "start": "lost.json", "data": {"root": "atlas"}})
    with pytest.raises(DualglandError, match=r"this model.*in its recipe"):
        held_out([average])
    with pytest.raises(DualglandError, match=r"all of these models.*one by one"):
        held_out([model, average])
    old = told(tmp_path / "b", {"data": {"held_out": ["f"]}})
    with pytest.raises(DualglandError, match="held_out: extra"):
        held_out([old])


def test_a_model_of_a_labs_own_images_has_seen_no_field_of_the_atlas(
    model: str, tmp_path: Path
) -> None:
    data = {"images": ["scans/*.tif"]}
    own = told(tmp_path / "a", {"data": data})
    assert held_out([own, model]) == held_out([model])
    with pytest.raises(DualglandError, match="what was held out"):
        held_out([own])
    # What the model had seen that it started from, it has seen, too.
    assert held_out([told(tmp_path / "b", {"data": data, "start": model})]) == held_out([model])
    more = {"root": "atlas", "held_out_fields": ["f", "g"]}
    shares = {"data": more, "start": {model: 0.5, own: 0.5}}
    assert held_out([told(tmp_path / "c", shares)]).fields == ("f",)
    assert held_out([told(tmp_path / "d", {"data": more, "start": own})]).fields == ("f", "g")
    lost = told(tmp_path / "e", {"data": data, "start": {"lost.safetensors": 1}})
    with pytest.raises(DualglandError, match="nothing was held out"):
        held_out([lost])
    itself = str(tmp_path / "f" / "tiny.safetensors")
    assert held_out([told(tmp_path / "f", {"data": more, "start": itself})]).fields == ("f", "g")


def test_small_fields_are_passed_over_and_names_that_begin_alike_are_whole(
    tmp_path: Path, image: np.ndarray
) -> None:
    (tmp_path / "cells.csv").write_text("file,label_28,group\n")
    for folder, name in (
        ("fields", "annwith_1"),
        ("fields", "annwith_2"),
        ("fields", "b6a469d8-bbad"),
        ("fields512", "small"),
    ):
        add_field(tmp_path / folder, name, image)
    kept = HeldOut(("annwith_1", "annwith_2", "b6a469d8-bbad", "small"), ())
    assert [*read_images(tmp_path, kept, 1, quick=True)] == [
        f"field {name}, 0.16 µm" for name in ("annwith_1", "annwith_2", "b6a469d8")
    ]
    with pytest.raises(DualglandError, match="no field of full size"):
        read_images(tmp_path, HeldOut(("small",), ()), 1, quick=True)
    with pytest.raises(DualglandError, match=r"no field lost.*--data"):
        read_images(tmp_path, HeldOut(("lost",), ()), 1, quick=True)


def test_methods_are_found_by_name_and_never_peek(image: np.ndarray) -> None:
    missing = mask_of("box, all channels", image, seed=0)
    method = find_method("prior --no-rehearse")
    other = np.where(missing, 255 - image, image)
    one, two = (fill_with(method, i, missing).estimate for i in (image, other))
    np.testing.assert_array_equal(one, two)
    assert find_method("generator --no-rehearse").options == {
        "model": "generator",
        "rehearse": False,
    }
    with pytest.raises(DualglandError, match="no variant --magic"):
        find_method("generator --magic")


def test_all_cells_are_filled_only_where_the_judge_names_them(image: np.ndarray) -> None:
    held = {"field f, 0.08 µm": image, "field f, 0.16 µm": image}
    held |= {f"cell h {i}.tif": image for i in range(3 * CELLS_EACH)}
    assert len(images_of(CELL_CASE, held)) == len(held)
    few = images_of("random, all channels", held)
    assert [title for _, title in few if title.startswith("field")] == ["field f, 0.16 µm"]
    assert len(few) == 1 + CELLS_EACH
    assert all(list(held)[number] == title for number, title in few)


def test_a_model_that_draws_is_asked_for_samples() -> None:
    assert find_method("generator").options == {"model": "generator", "samples": 4}
    assert find_method("generator --no-adapt").options == {"model": "generator", "adapt": False}
    assert find_method("prior").options == {"model": "prior"}


def test_damage_is_the_same_for_every_method(image: np.ndarray) -> None:
    one, two = (mask_of("thick, all channels", image, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, mask_of("thick, all channels", image, seed=4))


def test_empty_background_makes_no_figure(image: np.ndarray) -> None:
    missing = np.zeros(image.shape, bool)
    missing[:, 30:60, 30:60] = True
    dark = np.zeros_like(image)
    lit = np.full_like(image, 90)
    assert not blocks_of(dark, missing)
    assert not hole_centres(dark, missing)
    assert len(blocks_of(lit, missing)) == 1
    ((y, x),) = hole_centres(lit, missing)
    assert abs(y - 44.5) <= 1
    assert abs(x - 44.5) <= 1
    assert cut(lit, (0, 0), 32).shape == (4, 32, 32)
    assert cut(missing, (y, x), 32)[:, 4:-4, 4:-4].all()


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    ends = [interval(rng.normal(1, 2, 40)) for _ in range(200)]
    assert 0.88 <= np.mean([low <= 1 <= high for low, high in ends]) <= 0.99
    paired = gain(np.array([2.0, 3, np.nan]), np.array([1.0, 2, 0]))
    assert (paired["mean"], paired["low"], paired["high"], paired["blocks"]) == (1, 1, 1, 2)


def test_convergence_and_stability_from_a_log(tmp_path: Path) -> None:
    assert convergence_epoch([5, 1.005, 4, 1.0, 1.001, 1.0, 1.009, 1.0]) == 4
    assert convergence_epoch([3, 2, 1]) is None
    assert last_fifth_variance([9.0] * 8 + [1, 3]) == 1
    lines: list[dict[str, object]] = []
    for epoch in range(6):
        for half, wobble in enumerate((-1, 1), 1):
            loss = {"generator": {"loss": 2 + wobble + epoch % 2}}
            lines.append({"step": 2 * epoch + half, "losses": loss})
        row = {"prior": 20.0, "salivary": 1.0 if epoch else 4.0}
        # Figures that are only watched have no part in it.
        sets = {"validation, fields": {"box": row}, "shift, images": {"box": {"salivary": 9.0}}}
        lines.append({"step": 2 * epoch + 2, "validation": sets})
    log = tmp_path / "events.jsonl"
    # Killed after the third epoch, half a line in; what comes after the second is told again.
    told = [json.dumps(line) for line in [*lines[:9], {"step": 7}]]
    told[-1] = told[-1][:-3]
    log.write_text("\n".join([*told, *map(json.dumps, lines[6:])]) + "\n")
    assert training_figures(log) == {
        "variance of generator loss": 0.25,
        "convergence, epochs": 2,
    }


def test_a_log_that_says_nothing_is_refused_before_the_work(
    monkeypatch: pytest.MonkeyPatch, model: str, tmp_path: Path
) -> None:
    monkeypatch.setattr("dualgland_training.evaluate.run.start", lambda *_: pytest.fail("worked"))
    empty = tmp_path / "events.jsonl"
    empty.write_text("no log\n")
    for log, found in ((empty, "neither losses nor validation"), (tmp_path / "event.jsonl", "")):
        options = EvaluateOptions(models=(model,), data=tmp_path, out=tmp_path / "out", log=log)
        with pytest.raises(DualglandError, match=f"{log.name}.*{found}"):
            evaluate(options, str)
