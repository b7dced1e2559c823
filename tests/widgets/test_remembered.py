"""What docks remember of a person: parameters that were set, and *Preferences*."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QSettings

from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.widgets.kit import remembered
from napari_dualgland.widgets.kit.params_form import ParamsForm

from .conftest import PLUGIN, open_dock

pytestmark = pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="napari draws with OpenGL"
)


def test_parameters_come_back_with_the_dock_and_can_be_reset(stocked, qtbot):
    widget = open_dock(stocked, "Impute", qtbot)
    widget.params.fields["seed"].set_value(7)
    stocked.window.remove_dock_widget(widget)
    qtbot.wait(50)
    widget = open_dock(stocked, "Impute", qtbot)
    assert widget.params.value().seed == 7
    widget.tools[0].click()
    assert widget.params.value() == type(widget.params.value())()


RESTART = """
import json, sys
from napari.components import ViewerModel
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.widgets.kit.remembered import keep, recall
app = QApplication([])
viewer = ViewerModel()
kept = recall(viewer, "x", ImputeParams(tile=64))
print(json.dumps([kept.seed, kept.tile]))
keep(viewer, "x", ImputeParams(seed=11), ImputeParams())
QTimer.singleShot(0, app.quit)
app.exec()
"""


def test_parameters_survive_a_restart(tmp_path):
    env = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"}
    said = [
        subprocess.run(
            [sys.executable, "-c", RESTART], env=env, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert [json.loads(line.splitlines()[-1]) for line in said] == [[0, 64], [11, 64]]


@pytest.fixture
def computing():
    """What *Preferences* say of computing; set back after the test."""
    settings = pytest.importorskip("napari.settings")
    if not hasattr(settings, "get_plugin_settings"):
        pytest.skip("napari asks plugins for their settings since 0.9")
    said = settings.get_plugin_settings(PLUGIN).computing
    yield said
    said.tile, said.device = 0, "auto"


def test_preferences_are_the_defaults(shown, computing, qtbot):
    computing.tile, computing.device = 96, "cpu"
    widget = open_dock(shown, "Impute", qtbot)
    widget.reset()
    assert (widget.params.value().tile, widget.params.value().device) == (96, "cpu")


@pytest.mark.parametrize(
    ("tile", "taken"), [(1, 64), (50, 64), (100, 96), (500, 512), (2048, 2048)]
)
def test_any_number_that_preferences_take_opens_the_docks(shown, computing, qtbot, tile, taken):
    computing.tile, computing.device = tile, "no such device"
    for name in ("Impute", "Batch"):
        forms = open_dock(shown, name, qtbot).findChildren(ParamsForm)
        values = [form.value() for form in forms if isinstance(form.value(), ImputeParams)]
        assert [value.tile for value in values] == [taken]


def test_preferences_are_heeded_where_other_parameters_were_set(stocked, computing, qtbot):
    widget = open_dock(stocked, "Impute", qtbot)
    widget.params.fields["samples"].set_value(3)
    computing.device = "cpu"
    widget.params.fields["seed"].set_value(7)  # the form still shows the device of before
    stocked.window.remove_dock_widget(widget)
    qtbot.wait(50)
    widget = open_dock(stocked, "Impute", qtbot)
    value = widget.params.value()
    assert (value.samples, value.seed, value.device) == (3, 7, "cpu")
    widget.params.fields["device"].set_value("auto")  # now a person has said so
    stocked.window.remove_dock_widget(widget)
    qtbot.wait(50)
    assert open_dock(stocked, "Impute", qtbot).params.value().device == "auto"


@pytest.mark.parametrize(
    ("said", "read"),
    [
        (ImputeParams(seed=11).model_dump_json(), ImputeParams(seed=11, device="cpu")),
        (ImputeParams(device="cuda").model_dump_json(), ImputeParams(device="cuda")),
        ('{"seed": 11}', ImputeParams(seed=11, device="cpu")),
        ('{"seed": 11, "of another version": 1}', ImputeParams(device="cpu")),
        ("[1]", ImputeParams(device="cpu")),
        ("no json", ImputeParams(device="cpu")),
        ("", ImputeParams(device="cpu")),
    ],
    ids=["whole", "whole, chosen", "changed", "other version", "list", "none", "empty"],
)
def test_what_was_written_down_is_read(said, read):
    """Whole parameters were once written down, in which nobody has chosen the defaults."""
    viewer = ViewerModel()
    remembered._of(viewer)["x"] = said
    assert remembered.recall(viewer, "x", ImputeParams(device="cpu")) == read


def test_what_was_reset_stays_so(stocked, qtbot, tmp_path, monkeypatch):
    """Whatever an earlier session has written down."""
    before = QSettings(str(tmp_path / "docks.ini"), QSettings.Format.IniFormat)
    before.setValue("ImputeWidget/ImputeParams", '{"seed": 11}')
    monkeypatch.setattr(remembered, "_settings", lambda: before)
    widget = open_dock(stocked, "Impute", qtbot)
    assert widget.params.value().seed == 11
    widget.reset()
    stocked.window.remove_dock_widget(widget)
    qtbot.wait(50)
    assert open_dock(stocked, "Impute", qtbot).params.value().seed == 0


def test_what_was_set_is_heeded_and_no_manifest_is_read_where_nothing_was(tmp_path):
    """In a process of its own: napari keeps what it has read."""
    pytest.importorskip("napari.settings._plugin_settings", reason="since napari 0.9")
    env = {**os.environ, "NAPARI_CONFIG": str(tmp_path / "settings.yaml")}

    def told(**more):
        command = [sys.executable, "-c", PREFERENCES]
        return subprocess.run(
            command, env=env | more, capture_output=True, text=True, check=True
        ).stdout.splitlines()[-1]

    assert told() == "{} False"
    assert told(NAPARI_COMPUTING_TILE="64") == "{'tile': 64} True"
    (tmp_path / f"{PLUGIN}.yaml").write_text("computing:\n  tile: 96\n")
    assert told() == "{'tile': 96} True"


PREFERENCES = """
from napari import settings
from napari_dualgland.widgets.kit.preferences import preferences
said = {k: v for k, v in preferences().items() if k == "tile"}
print(said, bool(settings._PLUGIN_SETTINGS))
"""
