"""What all docks have in common, held for every dock that the manifest names."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import weakref

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils.notifications import notification_manager
from npe2 import PluginManifest
from qtpy.QtCore import QPoint, QPointF, QSettings, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDockWidget,
    QLabel,
    QScrollBar,
    QTabBar,
)

from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.widgets.kit import remembered
from napari_dualgland.widgets.kit.accessibility import inputs_of
from napari_dualgland.widgets.kit.dock import Dock
from napari_dualgland.widgets.kit.params_form import ParamsForm

from .conftest import names, plain_field

pytestmark = pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="napari draws with OpenGL"
)
PLUGIN = "napari-dualgland"
DOCKS = [
    widget.display_name
    for widget in PluginManifest.from_distribution(PLUGIN).contributions.widgets or ()
]


@pytest.fixture
def shown(make_napari_viewer, qtbot):
    """A window of 1280 x 800 with four layers."""
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(1280, 800)
    for layer in plain_field():
        viewer.add_layer(layer)
    yield viewer
    qtbot.wait(20)
    gc.collect()


@pytest.fixture
def stocked(viewer):
    """Four layers in a window that is not on the screen, where jobs may run."""
    for layer in plain_field():
        viewer.add_layer(layer)
    return viewer


def open_dock(viewer, name, qtbot):
    widget = viewer.window.add_plugin_dock_widget(PLUGIN, name)[1]
    qtbot.wait(100)
    return widget


def sections(widget):
    for form in widget.findChildren(ParamsForm):
        for section in form.sections.values():
            section.expand(animate=False)


# On PySide6 whoever walks the chain of the Tab key holds every widget of the window for good.
@pytest.mark.parametrize("name", DOCKS)
def test_every_control_can_be_reached_and_understood(shown, name, qtbot):
    widget = open_dock(shown, name, qtbot)
    sections(widget)
    qtbot.wait(100)
    found = inputs_of(widget)
    assert found
    assert not [type(x).__name__ for x in found if not x.accessibleName()]
    assert not [x.accessibleName() for x in found if not x.toolTip()]
    # The Tab key goes from the top down.
    reached = [x for x in found if x.focusPolicy() & Qt.FocusPolicy.TabFocus]
    chain, at = [], widget.nextInFocusChain()
    while at is not widget:
        chain.append(at)
        at = at.nextInFocusChain()
    order = [chain.index(x) for x in reached if x in chain]
    assert order == sorted(order)
    # No letter does two things.
    letters = [x.shortcut().toString() for x in found if hasattr(x, "shortcut")]
    letters += [
        f"Alt+{label.text().partition('&')[2][:1].upper()}"
        for label in widget.findChildren(QLabel)
        if label.buddy() in found and "&" in label.text()
    ]
    letters = [letter for letter in letters if letter]
    assert len(letters) == len(set(letters))


@pytest.mark.parametrize("name", DOCKS)
def test_no_text_is_cut_and_the_button_stays_in_sight(shown, name, qtbot):
    shown.window._qt_window.resize(1280, 720)
    widget = open_dock(shown, name, qtbot)
    sections(widget)
    qtbot.wait(200)
    cut = []
    for label in widget.findChildren(QLabel):
        if label.isVisible() and label.text() and not label.wordWrap():
            needed = label.fontMetrics().horizontalAdvance(label.text().replace("&", ""))
            if needed > label.width():
                cut.append(label.text())
    assert not cut
    if isinstance(widget, Dock) and widget.run_bar.isVisible():
        button = widget.run_bar.button
        assert button.visibleRegion().boundingRect().size() == button.size()


@pytest.mark.binding
@pytest.mark.parametrize("name", DOCKS)
def test_the_wheel_changes_nothing_that_nobody_went_to(shown, name, qtbot):
    widget = open_dock(shown, name, qtbot)
    sections(widget)
    qtbot.wait(50)
    kinds = (QComboBox, QAbstractSpinBox, QTabBar)
    pickers = [x for kind in kinds for x in widget.findChildren(kind)]
    pickers = [x for x in pickers if x.isVisible() and x.isEnabled()]
    assert pickers or name not in ("Impute", "Localize")
    for picker in pickers:
        if isinstance(picker, QScrollBar):
            continue
        before = state(picker)
        for up in (120, -120):
            wheel(picker, up)
        assert state(picker) == before, picker.accessibleName()
        assert not picker.hasFocus()


def state(picker):
    return picker.text() if isinstance(picker, QAbstractSpinBox) else picker.currentIndex()


def wheel(widget, up):
    where = QPointF(widget.rect().center())
    QApplication.sendEvent(
        widget,
        QWheelEvent(
            where,
            QPointF(widget.mapToGlobal(where.toPoint())),
            QPoint(),
            QPoint(0, up),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        ),
    )


@pytest.mark.binding
@pytest.mark.parametrize("order", [DOCKS, DOCKS[::-1]], ids=["as listed", "backwards"])
def test_docks_lie_as_tabs_in_one_place(shown, order, qtbot):
    widgets = [open_dock(shown, name, qtbot) for name in order]
    window = shown.window._qt_window
    docks = [dock for dock in window.findChildren(QDockWidget) if dock.widget() in widgets]
    assert len(docks) == len(order)
    assert len(window.tabifiedDockWidgets(docks[0])) == len(docks) - 1
    bars = [
        [bar.tabText(i) for i in range(bar.count())]
        for bar in window.findChildren(QTabBar)
        if bar.count() == len(order) and bar.isVisible()
    ]
    assert sorted(order) in [sorted(bar) for bar in bars]
    assert window.width() == 1280


@pytest.mark.parametrize("name", DOCKS)
def test_a_closed_dock_is_gone_and_can_be_opened_again(shown, name, qtbot):
    widget = open_dock(shown, name, qtbot)
    gone = weakref.ref(widget)
    shown.window.remove_dock_widget(widget)
    del widget

    def is_gone():
        gc.collect()
        return gone() is None

    qtbot.waitUntil(is_gone, timeout=60000)
    again = open_dock(shown, name, qtbot)
    assert again.isVisible()


@pytest.mark.binding
def test_closing_in_the_middle_leaves_nothing(stocked, qtbot):
    widget = open_dock(stocked, "Impute", qtbot)
    before, seen = names(stocked), [layer.visible for layer in stocked.layers]
    widget.run_bar.button.click()
    qtbot.waitUntil(lambda: names(stocked) != before, timeout=60000)
    stocked.window.remove_dock_widget(widget)
    del widget
    qtbot.wait(100)
    assert names(stocked) == before
    assert [layer.visible for layer in stocked.layers] == seen


@pytest.mark.binding
@pytest.mark.parametrize("press", ["two clicks", "double click"])
def test_pressed_twice_it_starts_once(stocked, press, qtbot):
    widget = open_dock(stocked, "Impute", qtbot)
    button = widget.run_bar.button
    left = Qt.MouseButton.LeftButton
    qtbot.mouseClick(button, left)
    qtbot.mouseClick(button, left) if press == "two clicks" else qtbot.mouseDClick(button, left)
    assert button.text() == "Cancel"
    qtbot.wait(400)
    if not widget.idle:
        qtbot.mouseClick(button, left)
        assert button.text() == "Cancelling …"
    qtbot.waitUntil(lambda: widget.idle, timeout=60000)


def test_what_cannot_run_is_said_in_the_dock_alone(stocked, qtbot):
    widget = open_dock(stocked, "Impute", qtbot)
    told = len(notification_manager.records)
    stocked.layers.remove("er")
    widget.run_bar.button.click()
    assert "ER: nothing is chosen" in widget.run_bar.says.text()
    # Another choice takes the sentence away.
    stocked.add_layer(plain_field()[3])
    assert "ER" not in widget.run_bar.says.text()
    widget.show_missing.click()
    qtbot.waitUntil(lambda: widget.idle, timeout=60000)
    stocked.layers.clear()
    qtbot.wait(600)
    assert len(notification_manager.records) == told


@pytest.mark.binding
@pytest.mark.parametrize("command", ["compare", "show_missing"])
def test_keys_and_commands_press_the_buttons_of_the_open_dock(stocked, command, qtbot):
    from npe2 import PluginManager

    run = PluginManager.instance().commands.execute
    told = len(notification_manager.records)
    run(f"{PLUGIN}.{command}", args=(stocked,))
    assert "Open Impute first" in notification_manager.records[told].message
    widget = open_dock(stocked, "Impute", qtbot)
    button = {"compare": widget.results.compare, "show_missing": widget.show_missing}[command]
    button.setEnabled(True)
    run(f"{PLUGIN}.{command}", args=(stocked,))
    assert button.isChecked()
    keys = {"compare": "Ctrl+Alt+C", "show_missing": "Ctrl+Alt+M"}[command]
    assert keys in button.toolTip()
    qtbot.waitUntil(lambda: widget.idle, timeout=60000)


def test_a_summary_stays_when_something_is_written_or_copied(stocked, qtbot, tmp_path):
    widget = open_dock(stocked, "Impute", qtbot)
    widget.run_bar.end("Filled 3 %.")
    widget.copy_as.python_action.trigger()
    assert widget.run_bar.says.text().splitlines() == ["Filled 3 %.", "Copied to the clipboard."]
    widget.write(lambda: tmp_path / "a.tif")
    qtbot.waitUntil(lambda: "Wrote" in widget.run_bar.says.text(), timeout=60000)
    assert widget.run_bar.says.text().startswith("Filled 3 %.\nWrote ")


@pytest.mark.binding
def test_an_empty_dock_says_where_to_begin(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    widget = open_dock(viewer, "Impute", qtbot)
    visible = [x for x in inputs_of(widget) if x.isVisible()]
    assert [x.accessibleName() for x in visible] == ["Open a damaged sample"]
    visible[0].click()
    qtbot.waitUntil(lambda: len(viewer.layers) == 5, timeout=60000)
    assert widget.run_bar.button.isVisible()
    assert widget.channels.pickers["er"].isVisible()


def test_a_colour_picture_is_said_to_be_none_of_a_stain(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    widget = open_dock(viewer, "Impute", qtbot)
    viewer.add_image(np.zeros((64, 64, 3), "uint8"), name="photo", rgb=True)
    assert "“photo” is a colour picture (RGB)" in widget._first.says.text()


# --- what is remembered -------------------------------------------------------------------


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
