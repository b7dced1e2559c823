"""A run of *Impute* that is disturbed at each stage: closed, cleared, deleted; what it leaves."""

from __future__ import annotations

import gc
import os
import weakref

import numpy as np
import pytest
from qtpy.QtCore import QThreadPool

from napari_dualgland.io.layer_tag import tag_of
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.impute.dock import ImputeWidget

from .conftest import HOLE, QUICK, names, paint, plain_field

ON_SCREEN = os.environ.get("QT_QPA_PLATFORM") != "offscreen"
pytestmark = pytest.mark.skipif(
    not ON_SCREEN, reason="napari draws with OpenGL, which offscreen lacks"
)


def working(viewer):
    return [name for name in names(viewer) if "working" in name]


def close(viewer, widget):
    viewer.window.remove_dock_widget(widget)


def clear(viewer, widget):
    viewer.layers.clear()


def delete_live(viewer, widget):
    viewer.layers.remove(next(x for x in viewer.layers if "working" in x.name))


def delete_source(viewer, widget):
    viewer.layers.remove("er")


def open_dock(viewer, layers=()):
    """Open a dock that the test may close."""
    for layer in layers:
        viewer.add_layer(layer)
    widget = ImputeWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Impute")
    widget.set_value(QUICK)
    return widget


def stopped_at(stage, widget, viewer, act):
    """Do something once, at a stage of the run."""
    done = []

    def look(step):
        there = {
            "before the tiles": not step.total,
            "at the first tile": step.patch is not None,
            "at the last tile": step.patch is not None and step.done == step.total,
        }
        if there[stage] and not done:
            done.append(step)
            act(viewer, widget)

    widget.run_bar.button.click()
    widget._thread.progressed.connect(look)
    return done


@pytest.mark.parametrize("stage", ["before the tiles", "at the first tile", "at the last tile"])
@pytest.mark.parametrize("act", [close, clear, delete_live, delete_source])
def test_a_run_leaves_nothing_half_done(viewer, qtbot, stage, act):
    if act is delete_live and stage == "before the tiles":
        act = delete_source
    field = plain_field(np.stack([paint(seed=k) for k in range(2)], axis=1))
    widget = open_dock(viewer, field)
    done = stopped_at(stage, widget, viewer, act)
    qtbot.waitUntil(lambda: bool(done), timeout=60000)
    # A dock that was closed is gone, and nobody can ask it.
    threads = QThreadPool.globalInstance()
    qtbot.waitUntil(lambda: threads.activeThreadCount() == 0, timeout=60000)
    qtbot.wait(50)
    assert not working(viewer)
    if act is clear:
        assert names(viewer) == []
    if act is close:
        assert names(viewer) == list(ROLES)
        assert all(layer.visible for layer in viewer.layers)
    if act in (delete_live, delete_source):
        results = [x for x in viewer.layers if tag_of(x).kind == "imputed"]
        assert len(results) >= 3
        assert all(layer.visible for layer in results)


def test_sources_come_back_with_their_results_gone(viewer, run, qtbot):
    widget = open_dock(viewer, plain_field())
    run(widget)
    close(viewer, widget)
    assert not viewer.layers["er"].visible
    for layer in [x for x in viewer.layers if tag_of(x).kind == "imputed"]:
        viewer.layers.remove(layer)
    assert all(viewer.layers[role].visible for role in ROLES)
    run(open_dock(viewer))
    assert all(viewer.layers[f"{role} imputed"].visible for role in ROLES)


def test_deleting_what_came_out_is_no_error(viewer, dock, run, qtbot):
    told = []
    widget = dock(plain_field())
    widget.show_missing.failed.connect(told.append)
    run(widget)
    while len(viewer.layers):
        viewer.layers.remove(viewer.layers[-1])
        qtbot.wait(300)  # the form settles
    assert not told
    assert not widget.results.compare.isEnabled()


def test_memory_comes_back_with_the_layers(viewer, dock, run):
    widget = dock(plain_field())
    run(widget)
    held = [weakref.ref(viewer.layers["er imputed"]), weakref.ref(widget.results._result)]
    run(widget)
    made = [x for x in viewer.layers if x.name not in ROLES]
    held += [weakref.ref(layer) for layer in made]
    held.append(weakref.ref(widget.results._result))
    for layer in made:
        viewer.layers.remove(layer)
    del made, layer
    gc.collect()
    assert [ref() for ref in held if ref() is not None] == []


@pytest.mark.parametrize("by", ["brush", "array"])
def test_what_is_painted_on_missing_counts(viewer, dock, run, qtbot, by):
    widget = dock(plain_field())
    widget.show_missing.click()
    qtbot.waitUntil(lambda: widget.idle and "missing" in names(viewer), timeout=60000)
    marks = viewer.layers["missing"]
    if by == "brush":
        marks.brush_size = 8
        marks.paint((20, 20), 15)
    else:
        marks.data[16:24, 16:24] = 15
    run(widget)
    assert widget.missing.ways.value() == "labels"
    codes = np.asarray(viewer.layers["missing"].data)
    assert codes[20, 20] == 15
    assert codes[HOLE].all()


def test_marks_of_estimates_are_not_painted_over(viewer, dock, run, qtbot):
    widget = dock(plain_field())
    run(widget)
    before = np.array(viewer.layers["missing"].data)
    widget.missing.ways.set_value("nan")  # nothing is missing by that
    for _ in range(2):
        widget.show_missing.click()
    qtbot.wait(400)
    qtbot.waitUntil(lambda: widget.idle, timeout=60000)
    np.testing.assert_array_equal(viewer.layers["missing"].data, before)
    assert tag_of(viewer.layers["missing"]).provenance is not None


def test_a_cancelled_run_gives_the_earlier_result_back(viewer, dock, run, qtbot):
    widget = dock(plain_field(np.stack([paint(seed=k) for k in range(2)], axis=1)))
    run(widget)
    kept = viewer.layers["protein imputed"]
    pixels, order = np.array(kept.data), names(viewer)
    done = stopped_at("at the first tile", widget, viewer, lambda *_: widget.cancel())
    qtbot.waitUntil(lambda: bool(done) and widget.idle, timeout=60000)
    assert names(viewer) == order
    assert viewer.layers["protein imputed"] == kept
    np.testing.assert_array_equal(kept.data, pixels)
    assert kept.visible
    assert widget.results.export.isEnabled()


def test_only_the_region_is_filled(viewer, dock, run):
    widget = dock(plain_field())
    widget.region.pixels.setText("30:60,40:80")
    widget.region.ways.set_value("pixels")
    job = widget.value()
    run(widget)
    for role in ROLES:
        source, result = viewer.layers[role].data, viewer.layers[f"{role} imputed"].data
        inside = np.zeros(source.shape, bool)
        inside[30:60, 40:80] = True
        np.testing.assert_array_equal(source[~inside], result[~inside])
        assert result[40:60, 50:80].mean() > 20
    widget.region.set_value(None)
    widget.set_value(job)
    assert widget.value().region == job.region


def test_what_no_file_can_hold_is_refused_at_once(viewer, dock, run):
    widget = dock(plain_field(paint("int64")))
    run(widget)
    assert "int64" in widget.run_bar.says.text()
    assert names(viewer) == list(ROLES)


def test_the_curtain_touches_nothing(viewer, dock, run, qtbot):
    widget = dock(plain_field())
    run(widget)
    before = {x.name: (np.array(x.data), x.visible) for x in viewer.layers}
    widget.results.split.setValue(50)
    qtbot.waitUntil(lambda: any("before" in name for name in names(viewer)), timeout=60000)
    assert viewer.layers["er before"].data.shape[1] == paint().shape[2] // 2
    widget.results.split.setValue(0)
    qtbot.waitUntil(lambda: len(viewer.layers) == len(before), timeout=60000)
    for name, (pixels, visible) in before.items():
        np.testing.assert_array_equal(viewer.layers[name].data, pixels)
        assert viewer.layers[name].visible == visible
