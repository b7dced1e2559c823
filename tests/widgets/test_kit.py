"""What all docks have in common, held for every dock that the manifest names."""

from __future__ import annotations

import gc
import os
import weakref

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from npe2 import PluginManifest
from qtpy.QtCore import QPoint, QPointF, Qt
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

from napari_dualgland.widgets.kit.accessibility import inputs_of
from napari_dualgland.widgets.kit.dock import Dock
from napari_dualgland.widgets.kit.params_form import ParamsForm

from .conftest import PLUGIN, names, open_dock, plain_field

pytestmark = pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="napari draws with OpenGL"
)
DOCKS = [
    widget.display_name
    for widget in PluginManifest.from_distribution(PLUGIN).contributions.widgets or ()
]


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
