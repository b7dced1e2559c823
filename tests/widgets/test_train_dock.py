"""*Train* as a person uses it: from a folder to a model that imputes, with napari closed between.

One run of the tiny recipe goes through all of it, for a process that trains takes its time.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import psutil
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_dualgland.jobs import TrainJob, load_job
from napari_dualgland.jobs.train import TrainParams
from napari_dualgland.runs import recipes
from napari_dualgland.runs.folder import State, runs_folder
from napari_dualgland.runs.process import PROCESS, is_going
from napari_dualgland.sample import sample_path
from napari_dualgland.widgets.impute.dock import ImputeWidget
from napari_dualgland.widgets.train.dock import TrainWidget

from .conftest import HOLE, QUICK, plain_field

pytestmark = pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="napari draws with OpenGL"
)

LONGEST = 240_000
"""Milliseconds after which a run hangs."""


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Where runs go; none of them outlives the test."""
    monkeypatch.setenv("DUALGLAND_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("DUALGLAND_MODELS", str(tmp_path / "models"))
    yield tmp_path / "runs"
    for told in runs_folder().glob(f"*/{PROCESS}"):
        if is_going(told.parent):
            process = psutil.Process(json.loads(told.read_text())["pid"])
            for each in (process, *process.children(recursive=True)):
                each.kill()


@pytest.fixture
def images(tmp_path):
    """One field that can be learned from, and a mask that cannot."""
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("dualgland_whole.ome.tif", "dualgland_damaged_mask.tif"):
        shutil.copyfile(sample_path(name), folder / name)
    return folder


def opened(viewer) -> TrainWidget:
    return viewer.window.add_plugin_dock_widget("napari-dualgland", "Train")[1]


def type_into(qtbot, widget, text: str) -> None:
    widget.selectAll()
    qtbot.keyClicks(widget, text)
    qtbot.keyClick(widget, Qt.Key.Key_Return)


def says(train: TrainWidget) -> str:
    return train.run_bar.says.text()


def test_from_a_folder_to_a_model_that_imputes(
    make_napari_viewer_proxy, qtbot, click, runs, images
):
    viewer = make_napari_viewer_proxy()
    impute = viewer.window.add_plugin_dock_widget("napari-dualgland", "Impute")[1]
    train = opened(viewer)
    assert "mini" not in impute.params.fields["model"].names()

    type_into(qtbot, train.images.folder, str(images))
    qtbot.waitUntil(lambda: train.images.checked is not None, timeout=LONGEST)
    assert "1 field, all four channels" in train.images.summary.text()
    (left_out,) = (
        train.images.left_out.item(i).text() for i in range(train.images.left_out.count())
    )
    assert left_out.startswith("dualgland_damaged_mask.tif: cannot tell which channel is which")

    qtbot.keyClicks(train.params.fields["recipe"].combo, "Nothing, a")
    type_into(qtbot, train.params.fields["name"].widget, "mini")
    steps = train.params.fields["steps"]
    assert steps.number.value() == 300
    click(steps.none)
    type_into(qtbot, steps.number.widget.lineEdit(), "12")
    train.params.fields["device"].set_value("cpu")
    click(train.run_bar.button)
    assert train.run_bar.button.text() in ("Train", "Stop")
    qtbot.waitUntil(lambda: train.panel.state is State.GOING, timeout=LONGEST)
    assert train.run_bar.button.text() == "Stop"
    assert load_job(runs / "mini" / "job.json").params.steps == 12

    # napari is closed in the middle: the run goes on, and another napari finds it.
    viewer.close()
    assert is_going(runs / "mini")
    viewer = make_napari_viewer_proxy(show=True)
    impute = viewer.window.add_plugin_dock_widget("napari-dualgland", "Impute")[1]
    models = impute.params.fields["model"]
    train = opened(viewer)
    qtbot.waitUntil(lambda: train.panel.watch.history.steps == 12, timeout=LONGEST)
    assert train.panel.state is State.GOING
    click(train.run_bar.button)
    assert train.run_bar.button.text() == "Stopping …"
    assert not train.run_bar.button.isEnabled()
    qtbot.waitUntil(lambda: train.panel.state is State.STOPPED, timeout=LONGEST)
    stopped = train.panel.watch.history.step
    assert f"Stopped after step {stopped} of 12" in says(train)
    assert (runs / "mini" / f"step-{stopped:07d}.safetensors").exists()
    assert not (runs / "mini" / "stop").exists()
    assert train.run_bar.button.text() == "Resume"

    assert "mini" not in models.names()
    click(train.run_bar.button)
    qtbot.waitUntil(lambda: train.panel.state is State.GOING, timeout=LONGEST)
    qtbot.waitUntil(lambda: train.panel.state is State.FINISHED, timeout=LONGEST)
    assert "“mini” is now among the models of Impute" in says(train)
    history = train.panel.watch.history
    assert history.curves["SG"].steps[-1] == history.curves["model"].steps[-1] == 12
    qtbot.waitUntil(lambda: train.panel.view.curves.canvas is not None, timeout=LONGEST)
    assert train.panel.view.sheet.isVisibleTo(train)
    assert not train.panel.view.sheet.picture.pixmap.isNull()
    assert "mini: 678,420 parameters, 12 steps." in train.panel.view.card.text()
    resumed = [
        event["started"]["resumed_from"]
        for line in (runs / "mini" / "events.jsonl").read_text().splitlines()
        if "resumed_from" in (event := json.loads(line)).get("started", {})
    ]
    assert resumed == [stopped]

    # It is in the picker that was open all the time, and it imputes.
    qtbot.waitUntil(lambda: "mini" in models.names(), timeout=LONGEST)
    for layer in plain_field():
        viewer.add_layer(layer)
    impute.set_value(QUICK.model_copy(update={"model": "mini"}))
    with qtbot.waitSignal(impute.result_ready, timeout=LONGEST) as ready:
        click(impute.run_bar.button)
    (result,) = ready.args
    assert result.provenance.model == "mini"
    assert np.asarray(result.data)[(..., *HOLE)].any()

    assert train.run_bar.button.text() == "New run"
    click(train.run_bar.button)
    assert train.panel.watch.folder is None
    assert train.images.isVisibleTo(train)


def test_a_run_that_was_killed_says_so_and_offers_to_go_on(viewer, qtbot, click, runs, images):
    recipe = images.parent / "own.yaml"
    recipe.write_text("learning_rte: 1\n")
    train = opened(viewer)
    params = TrainParams(recipe=str(recipe), name="odd", device="cpu")
    train.set_value(TrainJob(images=images, params=params, output=runs))
    click(train.run_bar.button)
    assert "is still looked through" in says(train)
    qtbot.waitUntil(lambda: train.images.checked is not None, timeout=LONGEST)
    click(train.run_bar.button)
    qtbot.waitUntil(lambda: train.panel.state is State.BROKEN, timeout=LONGEST)
    assert "The run did not begin. It said:" in says(train)
    assert "learning_rte: extra inputs are not permitted" in says(train)
    assert train.run_bar.button.text() == "Resume"

    recipe.write_text("steps: 5\n")
    click(train.run_bar.button)
    qtbot.waitUntil(lambda: train.panel.state is State.GOING, timeout=LONGEST)
    os.kill(json.loads((runs / "odd" / PROCESS).read_text())["pid"], 9)
    qtbot.waitUntil(lambda: train.panel.state is State.BROKEN, timeout=LONGEST)
    assert opened(viewer).panel.watch.folder == runs / "odd"


def test_a_folder_that_cannot_be_used_is_refused_in_the_dock(viewer, qtbot, click, runs, tmp_path):
    train = opened(viewer)
    click(train.run_bar.button)
    assert "no folder of images is chosen" in says(train)
    train.images.set_value("~nobody-of-that-name/images")
    click(train.run_bar.button)
    assert "no such user's home" in says(train)
    type_into(qtbot, train.images.folder, str(tmp_path / "none"))
    qtbot.waitUntil(lambda: "no such folder" in train.images.summary.text(), timeout=LONGEST)
    click(train.run_bar.button)
    assert "no such folder" in says(train)
    assert not runs.exists()


def test_without_the_extra_the_dock_says_how_to_get_it(viewer, runs, monkeypatch):
    monkeypatch.setattr(recipes, "NEEDED", ("no_such_library",))
    assert "pip install 'napari-dualgland[train]'" in says(opened(viewer))


def test_a_job_is_shown_and_given_back(viewer, qtbot, runs, images):
    train = opened(viewer)
    params = TrainParams(recipe="scratch", name="x", steps=77, credit="Us, 2026", device="cpu")
    job = TrainJob(images=images, channels={"er": 3}, params=params, output=runs / "x")
    train.set_value(job)
    assert train.value() == job
    train.copy_as.command.emit()
    assert QApplication.clipboard().text() == job.as_command()
    qtbot.waitUntil(lambda: train.images.checked is not None, timeout=LONGEST)


def test_a_model_that_comes_and_goes_is_offered_and_withdrawn(viewer, qtbot, runs):
    widget = ImputeWidget(viewer)
    viewer.window.add_dock_widget(widget)
    field = widget.params.fields["model"]
    folder = Path(os.environ["DUALGLAND_MODELS"])
    folder.mkdir()
    card = folder / "dropped.json"
    card.write_text('{"name": "dropped", "architecture": {"kind": "generator"}}')
    qtbot.waitUntil(lambda: "dropped" in field.names(), timeout=LONGEST)
    field.set_value("dropped")
    card.unlink()
    qtbot.waitUntil(lambda: "no such model" in field.summary.text(), timeout=LONGEST)
    field.set_value("generator")
    field.refresh()
    assert "dropped" not in field.names()
