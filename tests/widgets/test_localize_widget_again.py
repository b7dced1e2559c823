"""The Localize dock run again, cancelled, closed: what stays, and what goes."""

from __future__ import annotations

import gc
import os
import weakref

import pytest

from napari_dualgland.stack import ROLES

from .conftest import first_place, names, plain_field, press

pytestmark = pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="napari draws with OpenGL"
)


def test_a_second_run_replaces_the_first(viewer, localized, run):
    localized.results.legend.buttons[first_place(localized)].click()
    cells = viewer.layers["cells"]
    run(localized)
    assert names(viewer).count("cells") == names(viewer).count("localization") == 1
    assert not [name for name in names(viewer) if name.endswith("probability")]
    assert cells in viewer.layers
    viewer.layers["localization"].name = "mine"
    run(localized)
    assert {"mine", "localization"} <= set(names(viewer))


def test_what_a_second_run_covers_too_stays_hidden(viewer, localized, run):
    """Until nothing covers it any more, whichever of the runs goes first."""
    run(localized)
    assert not any(viewer.layers[role].visible for role in ROLES)
    mine = [viewer.layers[name] for name in ("localization", "cells")]
    for layer in mine:
        layer.name = f"my {layer.name}"
    run(localized)
    viewer.layers.selection.active = mine[0]
    for layer in mine:
        viewer.layers.remove(layer)
    assert not any(viewer.layers[role].visible for role in ROLES)
    for name in ("localization", "cells"):
        viewer.layers.remove(name)
    assert all(viewer.layers[role].visible for role in ROLES)


@pytest.mark.binding
def test_cancel_leaves_no_trace(viewer, scene, localize_dock, click, qtbot):
    widget = localize_dock(plain_field(scene[0]))
    click(widget.run_bar.button)
    assert widget.run_bar.button.text() == "Cancel"
    assert not widget.channels.isEnabled()
    qtbot.wait(300)  # a second press at once is a double click
    click(widget.run_bar.button)
    qtbot.waitUntil(lambda: widget.idle, timeout=60000)
    assert names(viewer) == list(ROLES)
    assert widget.run_bar.says.text() == "Cancelled; nothing was changed."
    assert widget.channels.isEnabled()


def test_layers_may_go_while_it_works_and_after(viewer, scene, localize_dock, click, qtbot):
    widget = localize_dock(plain_field(scene[0]))
    click(widget.run_bar.button)
    viewer.layers.clear()
    qtbot.waitUntil(lambda: widget.idle, timeout=60000)
    assert names(viewer) == ["localization", "cells"]
    viewer.layers.clear()
    assert widget.results.result is None
    assert widget.results.isHidden()
    assert widget.results.table.filter.rowCount() == 0


@pytest.mark.binding
def test_the_dock_may_be_closed_while_it_works(viewer, scene, localize_dock, click, qtbot):
    from napari_dualgland.widgets.localize.dock import LocalizeWidget

    for layer in plain_field(scene[0]):
        viewer.add_layer(layer)
    widget = LocalizeWidget(viewer)
    dock = viewer.window.add_dock_widget(widget, name="Localize")
    before = len(viewer.mouse_drag_callbacks)
    click(widget.run_bar.button)
    viewer.window.remove_dock_widget(dock)
    widget.deleteLater()
    qtbot.wait(300)
    assert len(viewer.mouse_drag_callbacks) == before - 1
    assert names(viewer) == list(ROLES)


@pytest.mark.binding
def test_a_closed_dock_is_gone_and_its_run_can_be_seen_again(viewer, localized, qtbot, click):
    """Clicks reach nobody, nothing holds the dock, and the layers bring its table back."""
    from napari_dualgland.widgets.localize.dock import LocalizeWidget

    click(localized.results.table.numbers)
    said, rows = localized.run_bar.says.text(), len(localized.results.result.table)
    known = weakref.ref(localized)
    viewer.window.remove_dock_widget(localized.parentWidget())
    assert all(viewer.layers[role].visible for role in ROLES)
    before = viewer.layers["cells"].selected_label
    press(viewer, viewer.layers["cells"], (40, 120))
    assert viewer.layers["cells"].selected_label == before
    localized.destroyed.connect(lambda: gone.append(True))
    gone = []
    del localized
    qtbot.waitUntil(lambda: bool(gone), timeout=60000)
    again = LocalizeWidget(viewer)
    viewer.window.add_dock_widget(again, name="Localize")
    assert again is not known()
    assert len(again.results.result.table) == rows == again.results.table.filter.rowCount()
    assert not again.results.isHidden()
    assert again.results.legend.buttons
    assert again.results.table.numbers.isChecked()
    assert said.splitlines()[0] in again.run_bar.says.text()
    again.results.table.view.selectRow(2)
    assert viewer.layers["cells"].selected_label == 21


def test_arrays_go_with_their_layers(viewer, localized, qtbot):
    """Whatever is open: the dock shows nothing and keeps nothing once the layers are deleted."""
    result = localized.results.result
    click_through = [*localized.results.legend.buttons.values()][:2]
    for button in click_through:
        button.click()
    localized.results.table.view.selectRow(1)
    held = [weakref.ref(x) for x in (result, result.stack.data, viewer.layers["localization"].data)]
    del result
    for layer in [x for x in viewer.layers if x.name not in (*ROLES, "cellpose")]:
        viewer.layers.remove(layer)
    del layer
    qtbot.wait(50)
    gc.collect()
    assert [x() is None for x in held] == [True] * 3
    assert localized.results.isHidden()
    assert all(viewer.layers[role].visible for role in ROLES)


def test_nothing_keeps_a_click_watch_but_its_dock(viewer):
    from napari_dualgland.widgets.cells.canvas_link import ClickWatch

    before = list(viewer.mouse_drag_callbacks)
    watch = ClickWatch(viewer, lambda: None, lambda label, place: None)
    assert len(viewer.mouse_drag_callbacks) == len(before) + 1
    del watch
    gc.collect()
    assert list(viewer.mouse_drag_callbacks) == before
