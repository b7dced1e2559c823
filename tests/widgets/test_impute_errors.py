"""The *Impute* dock where things go wrong or are cancelled: it says so and leaves no trace."""

from __future__ import annotations

import os
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.stack import ROLES

from .conftest import (
    QUICK,
    SIDE,
    hole_labels,
    names,
    paint,
    plain_field,
    tick_none,
)

ON_SCREEN = os.environ.get("QT_QPA_PLATFORM") != "offscreen"
pytestmark = pytest.mark.skipif(
    not ON_SCREEN, reason="napari draws with OpenGL, which offscreen lacks"
)


# --- cancel and errors ------------------------------------------------------------------


@pytest.mark.binding
def test_cancel_midway_leaves_no_trace(viewer, field, dock, click, qtbot):
    pixels = np.stack([paint(seed=k) for k in range(4)], axis=1)
    layers = plain_field(pixels)
    widget = dock(layers)
    tiles = []

    def after_a_tile(step):
        if step.patch is not None:
            tiles.append(step.done)
            if len(tiles) == 1:
                assert widget.run_bar.button.text() == "Cancel"
                click(widget.run_bar.button)

    click(widget.run_bar.button)
    assert widget.run_bar.button.text() == "Cancel"
    assert not widget.channels.isEnabled()
    widget._thread.progressed.connect(after_a_tile)
    qtbot.waitUntil(lambda: widget.idle, timeout=60000)
    assert tiles == [1]
    assert names(viewer) == list(ROLES)
    assert all(layer.visible for layer in layers)
    assert widget.run_bar.button.text() == "Impute"
    assert widget.channels.isEnabled()
    assert "Cancelled" in widget.run_bar.says.text()


def test_cancel_while_the_model_is_tried_on_the_image_leaves_no_trace(
    viewer, field, dock, click, qtbot
):
    widget = dock(field.values())
    widget.set_value(widget.params.value().model_copy(update={"rehearse": True}))
    tiles, tried = [], []

    def while_it_is_tried(step):
        tiles.extend([step] if step.patch is not None else [])
        if "rehearsing" in step.message and not tried:
            tried.append(step.message)
            widget.cancel()  # a click so soon after the first is no second one

    click(widget.run_bar.button)
    widget._thread.progressed.connect(while_it_is_tried)
    qtbot.waitUntil(lambda: widget.idle, timeout=60000)
    assert tried
    assert not tiles
    assert names(viewer) == list(ROLES)
    assert "Cancelled" in widget.run_bar.says.text()


def test_a_run_after_a_cancelled_one(viewer, field, dock, click, run, qtbot):
    widget = dock(field.values())
    click(widget.run_bar.button)
    click(widget.run_bar.button)
    qtbot.waitUntil(lambda: widget.idle, timeout=60000)
    run(widget)
    assert "protein imputed" in names(viewer)


@pytest.mark.parametrize(
    ("prepare", "line"),
    [
        (lambda w, v: v.layers.clear(), "no channel is chosen"),
        (lambda w, v: w.missing.ways.set_value("shapes"), "choose the Shapes layer"),
        (lambda w, v: tick_none(w), "no channel is ticked"),
        (lambda w, v: setattr(v.layers["er"], "scale", (2, 2)), "differ in scale"),
        (lambda w, v: w.set_value(ImputeParams(model="nowhere")), "no such model"),
        (
            lambda w, v: w.set_value(ImputeParams(model="prior", device="cuda:9")),
            "there is none of that name on this machine",
        ),
        (lambda w, v: setattr(w, "output", Path("result.png")), "must end in .ome.tif"),
        (lambda w, v: setattr(w, "output", Path("no/such/a.ome.tif")), "there is no folder"),
    ],
)
def test_what_a_person_can_put_right_is_one_line(viewer, dock, run, prepare, line):
    widget = dock(plain_field())
    prepare(widget, viewer)
    before = names(viewer)
    run(widget)
    said = widget.run_bar.says.text()
    assert line in said
    assert "\n" not in said
    assert widget.run_bar.says.isVisibleTo(widget)
    assert widget.run_bar.button.text() == "Impute"
    assert widget.run_bar.button.isEnabled()
    assert names(viewer) == before
    assert all(layer.visible for layer in viewer.layers)


def test_everything_missing_is_told(viewer, dock, run):
    widget = dock([*plain_field(), Labels(np.ones((SIDE, SIDE), int), name="all")])
    widget.missing.ways.set_value("labels")
    run(widget)
    assert "everything is missing" in widget.run_bar.says.text()
    assert "protein imputed" not in names(viewer)


@pytest.mark.binding
def test_an_unexpected_error_is_told_too(viewer, dock, run):
    def broken(block):
        if block.size:
            raise OSError("the disk is gone")
        return block

    lazy = da.from_array(paint()[1]).map_blocks(broken, meta=np.zeros((0, 0), "u1"))
    layers = plain_field()
    layers[1] = Image(lazy, name="protein", contrast_limits=(0, 255), visible=False)
    widget = dock(layers)
    run(widget)
    assert "Unexpected OSError: the disk is gone" in widget.run_bar.says.text()
    assert widget.run_bar.button.text() == "Impute"
    assert names(viewer) == list(ROLES)


@pytest.mark.binding
def test_the_viewer_may_be_closed_midway(make_napari_viewer, qtbot, click):
    from qtpy.QtCore import QThreadPool

    from napari_dualgland.widgets.impute.dock import ImputeWidget

    viewer = make_napari_viewer()
    pixels = np.stack([paint(seed=k) for k in range(6)], axis=1)
    for layer in plain_field(pixels):
        viewer.add_layer(layer)
    widget = ImputeWidget(viewer)
    viewer.window.add_dock_widget(widget)
    widget.set_value(QUICK)
    tiles = []
    click(widget.run_bar.button)
    widget._thread.progressed.connect(lambda step: tiles.append(step.patch))
    qtbot.waitUntil(lambda: any(patch is not None for patch in tiles), timeout=60000)
    viewer.close()
    del widget
    assert QThreadPool.globalInstance().waitForDone(20000)
    qtbot.wait(50)


def test_the_dock_may_be_closed_midway(viewer, dock, field, click, qtbot):
    from qtpy.QtCore import QThreadPool

    pixels = np.stack([paint(seed=k) for k in range(6)], axis=1)
    from napari_dualgland.widgets.impute.dock import ImputeWidget

    for layer in plain_field(pixels):
        viewer.add_layer(layer)
    widget = ImputeWidget(viewer)
    viewer.window.add_dock_widget(widget)
    widget.set_value(QUICK)
    click(widget.run_bar.button)
    qtbot.waitUntil(lambda: widget.run_bar.total > 0, timeout=60000)
    viewer.window.remove_dock_widget(widget)
    widget.deleteLater()
    assert QThreadPool.globalInstance().waitForDone(20000)
    qtbot.wait(50)
    viewer.add_layer(hole_labels())  # nobody who is gone may be told
    assert "missing" not in names(viewer)
