"""Real clicks on the docked widget, the real engine behind it, real layers in the viewer."""

from __future__ import annotations

import os

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image, Labels, Shapes

from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.io.layer_tag import tag_of
from napari_dualgland.mask import ROLE_BITS
from napari_dualgland.stack import ROLES

from .conftest import HOLE, QUICK, SIDE, paint, plain_field

ON_SCREEN = os.environ.get("QT_QPA_PLATFORM") != "offscreen"
pytestmark = pytest.mark.skipif(
    not ON_SCREEN, reason="napari draws with OpenGL, which offscreen lacks"
)


def hole_labels(**options):
    painted = np.zeros((SIDE, SIDE), int)
    painted[HOLE] = 1
    return Labels(painted, name="holes", **options)


def names(viewer):
    return [layer.name for layer in viewer.layers]


def outside_hole(pixels):
    kept = np.ones(pixels.shape, bool)
    kept[(..., *HOLE)] = False
    return pixels[kept]


def tick_none(widget):
    for box in widget.missing.roles.values():
        box.setChecked(False)


# --- the main job -----------------------------------------------------------------------


def test_impute_fills_what_was_detected(viewer, field, dock, run):
    before = {role: layer.data.copy() for role, layer in field.items()}
    widget = dock(field.values())
    run(widget)
    assert widget.run_bar.button.text() == "Impute"
    for role, source in field.items():
        result = viewer.layers[f"{role} imputed"]
        np.testing.assert_array_equal(source.data, before[role])
        np.testing.assert_array_equal(outside_hole(result.data), outside_hole(source.data))
        assert result.data.dtype == source.data.dtype
        assert result.data[HOLE].min() > 0
        assert np.std(result.data[HOLE].astype(float)) > 1
    line = widget.run_bar.says.text()
    assert line.startswith("Filled 13.7 % of pixels in ")
    assert "do not quantify" in line


def test_results_lie_and_look_like_their_source(viewer, field, dock, run):
    widget = dock(field.values())
    run(widget)
    for role, source in field.items():
        result = viewer.layers[f"{role} imputed"]
        for name in ("scale", "translate", "rotate", "shear"):
            np.testing.assert_allclose(getattr(result, name), getattr(source, name))
        np.testing.assert_allclose(result.affine.affine_matrix, source.affine.affine_matrix)
        for name in ("units", "axis_labels", "gamma", "blending", "opacity", "contrast_limits"):
            assert getattr(result, name) == getattr(source, name), name
        assert result.colormap.name == source.colormap.name
    np.testing.assert_allclose(viewer.layers["missing"].scale, field["er"].scale)


def test_provenance_stays_with_the_layer(viewer, field, dock, run):
    """Of a run with the options of a new dock, but for the model: it learns from the image."""
    widget = dock(field.values())
    widget.set_value(ImputeParams(model="prior", device="cpu", tile=96, seed=7))
    run(widget)
    tag = tag_of(viewer.layers["protein imputed"])
    assert tag.role == "protein"
    assert tag.provenance.model == "prior"
    assert tag.provenance.seed == 7
    assert tag.provenance.options["tile"] == 96
    assert tag.provenance.options["rehearse"] is True
    assert tag.provenance.options["adapt"] is True
    assert "estimate" in tag.notes[-1]


def test_what_was_imputed_is_marked(viewer, field, dock, run):
    pixels = field["protein"].data
    pixels[5:15, 5:15] = 0
    widget = dock(field.values())
    run(widget)
    codes = np.asarray(viewer.layers["missing"].data)
    assert (codes[HOLE] == 15).mean() > 0.99
    assert (codes[5:15, 5:15] == ROLE_BITS["protein"]).mean() > 0.9
    for role, bit in ROLE_BITS.items():
        changed = viewer.layers[f"{role} imputed"].data != field[role].data
        assert not (changed & ((codes & bit) == 0)).any()


def test_uncertainty_is_shown_only_where_the_model_gives_one(viewer, field, dock, run, qtbot):
    widget = dock(field.values())
    results = []
    widget.result_ready.connect(results.append)
    widget.start()
    qtbot.waitUntil(lambda: widget.idle, timeout=60000)
    shown = [name for name in names(viewer) if name.endswith("uncertainty")]
    assert len(shown) == (0 if results[0].uncertainty is None else 4)


@pytest.mark.binding
def test_tiles_appear_while_it_works(viewer, field, dock, click, qtbot):
    widget = dock(field.values())
    seen = []

    def look(step):
        if step.patch is not None and step.done < step.total:
            live = viewer.layers["protein imputed (working)"]
            seen.append(np.asarray(live.data)[HOLE].astype(bool).mean())

    click(widget.run_bar.button)
    widget._thread.progressed.connect(look)
    qtbot.waitUntil(lambda: widget.idle, timeout=60000)
    assert len(seen) >= 3
    assert 0 < seen[0] < seen[-1] < 1
    assert not [name for name in names(viewer) if "working" in name]


def test_nothing_missing_is_nothing_to_do(viewer, dock, run):
    pixels = paint()
    pixels[pixels == 0] = 90
    widget = dock([*plain_field(pixels), Labels(np.zeros((SIDE, SIDE), int), name="none")])
    widget.missing.ways.set_value("labels")
    run(widget)
    assert widget.run_bar.says.text() == "Nothing to do: no pixel is missing."
    assert names(viewer) == [*ROLES, "none"]
    assert all(layer.visible for layer in viewer.layers)


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
            click(widget.run_bar.button)

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
        (lambda w, v: w.set_value(ImputeParams(model="nowhere")), "no model 'nowhere'"),
        (lambda w, v: w.set_value(ImputeParams(model="prior", device="cuda:9")), "no device"),
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
    estimated = viewer.layers["er imputed"]
    assert estimated.data.shape == (SIDE, SIDE)
    assert estimated.data.min() > 0
    assert tuple(estimated.colormap.colors[-1][:3]) == (1, 1, 0)
    assert (np.asarray(viewer.layers["missing"].data) > 0).sum() == 50 * 70
    assert "er: no such channel was recorded" in widget.run_bar.says.text()


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
    qtbot.waitUntil(lambda: "missing" in names(viewer) and widget.idle, timeout=30000)
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
    qtbot.waitUntil(lambda: widget.idle and viewer.layers["missing"].visible, timeout=30000)
    assert names(viewer).count("missing") == 1


def test_what_is_shown_follows_the_form(viewer, dock, click, qtbot):
    widget = dock([*plain_field(), hole_labels()])
    widget.missing.ways.set_value("labels")
    click(widget.show_missing)
    qtbot.waitUntil(lambda: "missing" in names(viewer) and widget.idle, timeout=30000)
    widget.missing.roles["protein"].setChecked(False)
    qtbot.waitUntil(lambda: widget.channels.shares["protein"].text() == "0.0 %", timeout=30000)
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
    qtbot.waitUntil(lambda: "missing" in names(viewer) and widget.idle, timeout=30000)
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


# --- after the run ----------------------------------------------------------------------


def test_running_again_replaces_the_result(viewer, field, dock, run):
    widget = dock(field.values())
    run(widget)
    once = names(viewer)
    viewer.layers["er imputed"].visible = False
    run(widget)
    assert sorted(names(viewer)) == sorted(once)
    # The first run hid the sources; that must not hide what the second one made of them.
    shown = {layer.name for layer in viewer.layers if layer.visible}
    assert shown == {f"{role} imputed" for role in ROLES if role != "er"} | {"missing"}


def test_a_renamed_result_is_kept(viewer, field, dock, run):
    widget = dock(field.values())
    run(widget)
    viewer.layers["protein imputed"].name = "keep me"
    run(widget)
    assert {"keep me", "protein imputed"} <= set(names(viewer))


@pytest.mark.binding
def test_compare_flips_before_and_after(viewer, dock, click, run):
    layers = plain_field()
    layers[2].visible = False
    widget = dock(layers)
    button = widget.results.compare
    assert not button.isEnabled()
    run(widget)

    def visible():
        return [x.name for x in viewer.layers if x.visible and x.name != "missing"]

    shown = [f"{role} imputed" for role in ROLES if role != "nucleus"]
    assert visible() == shown
    click(button)
    assert visible() == [role for role in ROLES if role != "nucleus"]
    click(button)
    assert visible() == shown


@pytest.mark.binding
def test_export_writes_what_is_shown(viewer, dock, click, run, qtbot, tmp_path, monkeypatch):
    from qtpy.QtWidgets import QFileDialog

    from napari_dualgland.io import read

    out = tmp_path / "out.ome.tif"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(out), ""))
    widget = dock(plain_field(scale=(0.1, 0.1), units=("um", "um")))
    run(widget)
    click(widget.results.export)
    qtbot.waitUntil(lambda: "Wrote" in widget.run_bar.says.text(), timeout=30000)
    again = read(out)
    for role, i in again.roles.items():
        np.testing.assert_array_equal(
            np.asarray(again.canonical())[0, 0, i], viewer.layers[f"{role} imputed"].data
        )
    assert again.pixel_size.y == pytest.approx(0.1)
    assert again.provenance.model == "prior"


def test_a_failed_export_is_told(dock, click, run, qtbot, tmp_path, monkeypatch):
    from qtpy.QtWidgets import QFileDialog

    out = tmp_path / "no such folder" / "out.ome.tif"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(out), ""))
    widget = dock(plain_field())
    run(widget)
    click(widget.results.export)
    qtbot.waitUntil(lambda: "⚠" in widget.run_bar.says.text(), timeout=30000)
    assert "no such folder" in widget.run_bar.says.text()
    assert widget.results.export.isEnabled()


# --- the form itself --------------------------------------------------------------------


def test_learning_stays_disabled_after_a_run(viewer, field, dock, run):
    """The form is closed while it works; opening it again must not open what was closed."""
    widget = dock(field.values())
    run(widget)
    fields = widget.params.fields
    assert fields["samples"].widget.isEnabled()
    assert not fields["adapt"].widget.isEnabled()


@pytest.mark.binding
def test_nothing_is_cut(dock, qtbot):
    widget = dock(plain_field())
    qtbot.wait(50)
    from qtpy.QtWidgets import QCheckBox, QLabel, QPushButton

    for kind in (QLabel, QCheckBox, QPushButton):
        for child in widget.findChildren(kind):
            if (
                child.isVisibleTo(widget)
                and child.text()
                and not getattr(child, "wordWrap", bool)()
            ):
                assert child.width() >= child.sizeHint().width(), child.text()
