"""Real clicks on the docked widget, the real engine behind it, real layers in the viewer."""

from __future__ import annotations

import os

import numpy as np
import pytest
from napari.layers import Labels

from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.io.layer_tag import tag_of
from napari_dualgland.mask import ROLE_BITS
from napari_dualgland.stack import ROLES

from .conftest import (
    HOLE,
    SIDE,
    answering,
    names,
    outside_hole,
    paint,
    plain_field,
)

ON_SCREEN = os.environ.get("QT_QPA_PLATFORM") != "offscreen"
pytestmark = pytest.mark.skipif(
    not ON_SCREEN, reason="napari draws with OpenGL, which offscreen lacks"
)


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


def test_what_is_found_is_told_before_anything_is_filled(viewer, field, dock, run, qtbot):
    widget = dock(field.values())
    assert widget.notice.says.text() == ""
    told = []
    widget.show_missing.noticed.connect(lambda findings: told.append(len(findings)))
    widget.show_missing.click()
    qtbot.waitUntil(lambda: bool(told) and widget.idle, timeout=60000)
    assert told == [len(ROLES)]
    seen = widget.notice.says.text()
    assert seen.startswith("⚠ Looks damaged, is filled: ")
    assert all(layer.name in seen or role in seen for role, layer in field.items())
    assert "rows " in widget.notice.says.toolTip()
    widget.notice.tell(())
    run(widget)
    assert widget.notice.says.text() == seen
    assert not widget.notice.isHidden()


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
    qtbot.waitUntil(lambda: "Wrote" in widget.run_bar.says.text(), timeout=60000)
    again = read(out)
    for role, i in again.roles.items():
        np.testing.assert_array_equal(
            np.asarray(again.canonical())[0, 0, i], viewer.layers[f"{role} imputed"].data
        )
    assert again.pixel_size.y == pytest.approx(0.1)
    assert again.provenance.model == "prior"


@pytest.mark.parametrize(
    ("name", "there"),
    [("out", "out.ome.tif"), ("out.ome.tif", "out.ome.tif"), ("out.tif", "out.tif")],
)
def test_an_older_export_is_replaced_with_leave_alone(
    dock, click, run, qtbot, tmp_path, monkeypatch, name, there
):
    from qtpy.QtWidgets import QFileDialog

    older = tmp_path / there
    older.write_text("precious")
    chosen = str(tmp_path / name)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (chosen, ""))
    widget = dock(plain_field())
    run(widget)
    asked = answering("No")
    click(widget.results.export)
    assert f"{older.name} is there already" in asked[0]
    assert older.read_text() == "precious"
    answering("Yes")
    click(widget.results.export)
    qtbot.waitUntil(lambda: "Wrote" in widget.run_bar.says.text(), timeout=60000)
    assert older.read_bytes()[:2] in (b"II", b"MM")


def test_a_failed_export_is_told(dock, click, run, qtbot, tmp_path, monkeypatch):
    from qtpy.QtWidgets import QFileDialog

    out = tmp_path / "no such folder" / "out.ome.tif"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(out), ""))
    widget = dock(plain_field())
    run(widget)
    click(widget.results.export)
    qtbot.waitUntil(lambda: "⚠" in widget.run_bar.says.text(), timeout=60000)
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
