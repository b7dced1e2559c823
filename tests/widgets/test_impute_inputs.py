"""What the *Impute* dock is given: channels, marks, z, time, lazy and large layers."""

from __future__ import annotations

import os

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image, Shapes

from napari_dualgland.io.layer_tag import tag_of
from napari_dualgland.mask import ROLE_BITS
from napari_dualgland.stack import ROLES

from .conftest import (
    HOLE,
    SIDE,
    hole_labels,
    names,
    outside_hole,
    paint,
    plain_field,
    say_not_recorded,
)

ON_SCREEN = os.environ.get("QT_QPA_PLATFORM") != "offscreen"
pytestmark = pytest.mark.skipif(
    not ON_SCREEN, reason="napari draws with OpenGL, which offscreen lacks"
)


# --- channels ---------------------------------------------------------------------------


@pytest.mark.binding
def test_pickers_follow_the_layer_list(viewer, dock):
    widget = dock(plain_field())
    pickers = widget.channels.pickers
    assert {role: picker.currentText() for role, picker in pickers.items()} == dict(
        zip(ROLES, ROLES, strict=True)
    )
    viewer.layers["er"].name = "calreticulin"
    assert pickers["er"].currentText() == "calreticulin"
    viewer.layers.remove("calreticulin")
    assert pickers["er"].layer() is None
    viewer.add_image(paint()[3], name="KDEL")
    assert pickers["er"].currentText() == "KDEL"


@pytest.mark.binding
def test_what_a_person_picked_stays(viewer, dock, qtbot):
    widget = dock(plain_field())
    picker = widget.channels.pickers["protein"]
    qtbot.keyClicks(picker, "n")  # the keyboard's way to choose “nucleus”
    assert picker.currentText() == "nucleus"
    viewer.add_image(paint()[1], name="antibody")
    assert picker.currentText() == "nucleus"


def test_an_absent_channel_is_estimated(viewer, dock, run):
    layers = [layer for layer in plain_field() if layer.name != "er"]
    widget = dock([*layers, hole_labels()])
    widget.missing.ways.set_value("labels")
    run(widget)
    assert "ER: nothing is chosen" in widget.run_bar.says.text()
    assert names(viewer) == [*ROLES[:3], "holes"]
    say_not_recorded(widget, "er")
    run(widget)
    estimated = viewer.layers["er imputed"]
    assert estimated.data.shape == (SIDE, SIDE)
    assert estimated.data.min() > 0
    assert tuple(estimated.colormap.colors[-1][:3]) == (1, 1, 0)
    assert (np.asarray(viewer.layers["missing"].data) > 0).sum() == 50 * 70
    assert "er: no such channel was recorded" in widget.notes.says.text()


@pytest.mark.binding
def test_one_layer_with_all_channels(viewer, dock, run):
    pixels = paint("uint16")
    layer = Image(pixels, name="stack", scale=(1, 0.5, 0.5))
    widget = dock([layer])
    assert widget.channels.mode.currentData() is True
    assert widget.channels.stack_axis.currentData() == 0
    run(widget)
    assert "no channel is chosen" in widget.run_bar.says.text()
    for i, role in enumerate(ROLES):
        widget.channels.positions[role].setCurrentIndex(i + 1)
    run(widget)
    result = viewer.layers["stack imputed"]
    assert result.data.shape == pixels.shape
    np.testing.assert_allclose(result.scale, layer.scale)
    np.testing.assert_array_equal(outside_hole(result.data), outside_hole(pixels))
    assert result.data[(slice(None), *HOLE)].min() > 0
    codes = np.asarray(viewer.layers["missing"].data)
    assert [np.unique(codes[i]).tolist() for i in range(4)] == [[0, 1], [0, 2], [0, 4], [0, 8]]


def test_layers_of_several_dtypes_keep_their_own(viewer, dock, run):
    layers = plain_field()
    layers[1].data = paint("float32")[1]
    layers[2].data = paint("uint16")[2] * 100
    before = [layer.data.copy() for layer in layers]
    widget = dock([*layers, hole_labels()])
    widget.missing.ways.set_value("labels")
    run(widget)
    for layer, source in zip(layers, before, strict=True):
        result = viewer.layers[f"{layer.name} imputed"]
        assert result.data.dtype == source.dtype
        np.testing.assert_array_equal(outside_hole(result.data), outside_hole(source))


# --- what is missing --------------------------------------------------------------------


@pytest.mark.binding
def test_show_missing_counts_and_paints(viewer, dock, click, qtbot):
    layers = [*plain_field(), hole_labels()]
    widget = dock(layers)
    widget.missing.ways.set_value("labels")
    widget.missing.roles["nucleus"].setChecked(False)
    click(widget.show_missing)
    qtbot.waitUntil(lambda: "missing" in names(viewer) and widget.idle, timeout=60000)
    shown = {role: label.text() for role, label in widget.channels.shares.items()}
    assert shown == {
        "microtubules": "13.7 %",
        "protein": "13.7 %",
        "nucleus": "0.0 %",
        "er": "13.7 %",
    }
    codes = np.asarray(viewer.layers["missing"].data)
    assert np.unique(codes).tolist() == [0, 15 - ROLE_BITS["nucleus"]]
    click(widget.show_missing)
    assert not viewer.layers["missing"].visible
    click(widget.show_missing)
    qtbot.waitUntil(lambda: widget.idle and viewer.layers["missing"].visible, timeout=60000)
    assert names(viewer).count("missing") == 1


def test_what_is_shown_follows_the_form(viewer, dock, click, qtbot):
    widget = dock([*plain_field(), hole_labels()])
    widget.missing.ways.set_value("labels")
    click(widget.show_missing)
    qtbot.waitUntil(lambda: "missing" in names(viewer) and widget.idle, timeout=60000)
    widget.missing.roles["protein"].setChecked(False)
    qtbot.waitUntil(lambda: widget.channels.shares["protein"].text() == "0.0 %", timeout=60000)
    assert not (np.asarray(viewer.layers["missing"].data) & ROLE_BITS["protein"]).any()


def test_labels_in_one_channel_alone(viewer, dock, click, run):
    layers = [*plain_field(), hole_labels()]
    widget = dock(layers)
    widget.missing.ways.set_value("labels")
    for role in ROLES:
        if role != "protein":
            click(widget.missing.roles[role])
    run(widget)
    for layer in layers[:4]:
        same = np.array_equal(viewer.layers[f"{layer.name} imputed"].data, layer.data)
        assert same is (layer.name != "protein")


def test_shapes_are_filled_in(viewer, dock, run):
    outline = np.array([[40, 50], [40, 119], [89, 119], [89, 50]])
    widget = dock([*plain_field(), Shapes([outline], shape_type="rectangle", name="outline")])
    widget.missing.ways.set_value("shapes")
    run(widget)
    codes = np.asarray(viewer.layers["missing"].data)
    assert (codes[HOLE] == 15).all()
    assert (codes > 0).sum() <= 51 * 71
    assert viewer.layers["protein imputed"].data[HOLE].min() > 0


def test_nan_only_leaves_dark_holes_alone(viewer, dock, run):
    pixels = paint("float32")
    pixels[1, 5:9, 5:9] = np.nan
    layers = plain_field(pixels, contrast_limits=(0, 255))
    widget = dock(layers)
    widget.missing.ways.set_value("nan")
    run(widget)
    result = viewer.layers["protein imputed"].data
    assert np.isfinite(result).all()
    assert (result[HOLE] == 0).all()


def test_the_missing_layer_can_be_edited_and_given_back(viewer, dock, click, run, qtbot):
    widget = dock(plain_field())
    click(widget.show_missing)
    qtbot.waitUntil(lambda: "missing" in names(viewer) and widget.idle, timeout=60000)
    painted = viewer.layers["missing"]
    painted.data = np.zeros_like(painted.data)
    painted.data[110:130, 60:90] = ROLE_BITS["er"]
    widget.missing.ways.set_value("labels")
    assert widget.missing.layer() == painted
    run(widget)
    changed = viewer.layers["er imputed"].data != viewer.layers["er"].data
    assert changed[110:130, 60:90].mean() > 0.5
    assert not changed[:110].any()
    assert (viewer.layers["protein imputed"].data[HOLE] == 0).all()


# --- depth, time, lazy and large --------------------------------------------------------


@pytest.fixture
def zstack():
    return np.stack([paint(seed=k) for k in range(3)], axis=1)


def test_whole_stack(viewer, dock, run, zstack):
    widget = dock(plain_field(zstack))
    assert widget.extent.isVisibleTo(widget)
    run(widget)
    result = viewer.layers["protein imputed"].data
    assert result[(slice(None), *HOLE)].min() > 0
    np.testing.assert_array_equal(outside_hole(result), outside_hole(zstack[1]))


@pytest.mark.parametrize("lazy", [False, True])
def test_this_plane(viewer, dock, run, zstack, lazy):
    pixels = da.from_array(zstack, chunks=(1, 1, SIDE, SIDE)) if lazy else zstack
    widget = dock(plain_field(pixels, contrast_limits=(0, 255), scale=(0.3, 0.1, 0.1)))
    viewer.dims.set_current_step(0, 1)
    widget.extent.combo.setCurrentIndex(1)
    run(widget)
    result = viewer.layers["protein imputed"].data
    assert isinstance(result, da.Array) is lazy
    result = np.asarray(result)
    assert result[1][HOLE].min() > 0
    np.testing.assert_array_equal(result[[0, 2]], zstack[1][[0, 2]])
    np.testing.assert_array_equal(outside_hole(result), outside_hole(zstack[1]))
    codes = np.asarray(viewer.layers["missing"].data)
    assert codes.shape == result.shape
    assert codes.any(axis=(1, 2)).tolist() == [False, True, False]
    assert tag_of(viewer.layers["protein imputed"]).plane == {"T": 0, "Z": 1}


def test_that_other_planes_are_let_go_is_said(viewer, dock, run, zstack):
    widget = dock(plain_field(zstack))
    told = []
    for extent, plane in (("plane", 1), ("plane", 1), ("plane", 2), ("whole", 2), ("plane", 0)):
        widget.extent.combo.setCurrentIndex(widget.extent.combo.findData(extent))
        viewer.dims.set_current_step(0, plane)
        run(widget)
        told.append("is gone" in widget.results.says.text())
    assert told == [False, False, True, False, True]
    widget.results.texture.click()
    assert "is gone" in widget.results.says.text()


def test_a_field_has_no_choice_of_planes(dock):
    widget = dock(plain_field())
    assert not widget.extent.isVisibleTo(widget)


def test_lazy_layers(viewer, dock, run, zstack):
    widget = dock(
        plain_field(da.from_array(zstack, chunks=(1, 1, 80, 80)), contrast_limits=(0, 255))
    )
    run(widget)
    result = viewer.layers["protein imputed"].data
    assert isinstance(result, da.Array)
    result = np.asarray(result)
    assert result[(slice(None), *HOLE)].min() > 0
    np.testing.assert_array_equal(outside_hole(result), outside_hole(zstack[1]))


def test_multiscale_layers(viewer, dock, run):
    pixels = paint()
    layers = [
        Image([p, p[::2, ::2], p[::4, ::4]], name=r, multiscale=True)
        for r, p in zip(ROLES, pixels, strict=True)
    ]
    widget = dock(layers)
    run(widget)
    result = viewer.layers["protein imputed"]
    assert result.multiscale
    assert [level.shape for level in result.data] == [(160, 160), (80, 80), (40, 40)]
    full = np.asarray(result.data[0])
    np.testing.assert_array_equal(outside_hole(full), outside_hole(pixels[1]))
    assert full[HOLE].min() > 0
    np.testing.assert_array_equal(np.asarray(result.data[2]), full[::4, ::4])
