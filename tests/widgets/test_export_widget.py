"""The Export dock as a person uses it: real clicks and keys, real files."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from napari.layers import Image, Labels
from qtpy.QtCore import Qt

from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.io import read, write
from napari_dualgland.io.layer_tag import LayerTag, set_tag, tag_of
from napari_dualgland.io.writing import WriteOptions
from napari_dualgland.progress import finish
from napari_dualgland.results import PLAUSIBLE, Imputation
from napari_dualgland.stack import ROLES, Channel, PixelSize, Stack
from napari_dualgland.widgets.export.dock import ExportWidget
from napari_dualgland.widgets.export.offered import FIELD

from .conftest import HOLE, QUICK, answering, hole_labels, outside_hole, paint, plain_field

pytestmark = pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="napari draws with OpenGL"
)


@pytest.fixture
def export(viewer, qtbot):
    made = []

    def _export():
        widget = ExportWidget(viewer)
        viewer.window.add_dock_widget(widget, name="Export")
        made.append(widget)
        qtbot.wait(200)
        return widget

    yield _export
    for widget in made:
        widget.cancel()
        qtbot.waitUntil(lambda w=widget: w.idle, timeout=60000)


def saved_to(folder, name, seed):
    channels = tuple(Channel(role, role) for role in ROLES)
    stack = Stack(paint(seed=seed), "CYX", channels, pixel_size=PixelSize(0.1, 0.1))
    return write(stack, folder / f"{name}.ome.tif")


def labels_of(widget):
    return [widget.what.what.itemText(i) for i in range(widget.what.what.count())]


def planned(widget):
    return [widget.planned.list.item(i).text() for i in range(widget.planned.list.count())]


def type_place(widget, qtbot, path):
    widget.place.line.selectAll()
    qtbot.keyClicks(widget.place.line, str(path))
    qtbot.wait(250)


def press(widget, qtbot, click):
    click(widget.run_bar.button)
    qtbot.waitUntil(lambda: widget.idle, timeout=60000)
    qtbot.wait(200)


def test_with_nothing_open_it_says_so(export, qtbot, click):
    widget = export()
    assert not widget.what.what.isEnabled()
    # Alone, this test has to wait for torch.
    qtbot.waitUntil(lambda: "nothing to export" in widget.planned.says.text(), timeout=60000)
    press(widget, qtbot, click)
    assert "nothing to export" in widget.run_bar.says.text()


@pytest.mark.binding
def test_a_result_is_listed_written_and_read_back(
    viewer, dock, run, export, qtbot, click, tmp_path
):
    viewer.open(saved_to(tmp_path, "field 7", 0), plugin="napari-dualgland")
    run(dock())
    widget = export()
    assert labels_of(widget)[0] == "field 7: imputed field"
    assert widget.place.value() == tmp_path / "field 7_imputed.ome.tif"
    (line,) = planned(widget)
    assert "field 7_imputed.ome.tif" in line
    assert "4 channels, imputed, mask of estimated pixels" in line
    assert "CYX 4 × 160 × 160, uint8" in line
    assert "estimate" in widget.planned.says.text()
    for way in FIELD:
        name, ending = way.name, way.endings[0]
        widget.what.format.setCurrentText(name)
        qtbot.wait(200)
        assert widget.place.value() == tmp_path / f"field 7_imputed{ending}"
        assert planned(widget)
        press(widget, qtbot, click)
        said = widget.run_bar.says.text()
        assert said.splitlines()[0].startswith("Wrote field 7_imputed")
        assert str(tmp_path) in said
        back = read(
            tmp_path / ("field 7_imputed" if ending == ".png" else f"field 7_imputed{ending}")
        )
        assert isinstance(back, Imputation)
        np.testing.assert_array_equal(outside_hole(back.data), outside_hole(paint()))
        assert back.missing[(slice(None), *HOLE)].all()
    assert len(said.splitlines()) == 4  # what was said of the others is still there


def test_each_of_two_fields_says_whose_it_is(viewer, dock, run, export, qtbot, click, tmp_path):
    viewer.open(saved_to(tmp_path, "first", 0), plugin="napari-dualgland")
    impute = dock()
    run(impute)
    viewer.window.remove_dock_widget(impute)  # results are found without the dock that made them
    impute.deleteLater()
    viewer.open(saved_to(tmp_path, "second", 1), plugin="napari-dualgland")
    for number, layer in enumerate(viewer.layers):
        layer.name = f"layer {number}"
    widget = export()
    shown = labels_of(widget)
    assert "first: imputed field" in shown
    assert "second: field as opened" in shown
    assert not any(label.startswith("second: imputed") for label in shown)
    widget.what.what.setCurrentIndex(shown.index("second: field as opened"))
    qtbot.wait(200)
    assert widget.place.value() == tmp_path / "second_copy.ome.tif"
    press(widget, qtbot, click)
    np.testing.assert_array_equal(read(tmp_path / "second_copy.ome.tif").data, paint(seed=1))
    assert "of second in" in widget.run_bar.says.text()
    widget.what.what.setCurrentIndex(0)
    type_place(widget, qtbot, tmp_path / "mine.ome.tif")
    press(widget, qtbot, click)
    assert isinstance(read(tmp_path / "mine.ome.tif"), Imputation)
    assert "of first in" in widget.run_bar.says.text().splitlines()[0]


def test_four_files_of_a_set_are_not_called_by_one_colour(
    viewer, dock, run, export, qtbot, tmp_path
):
    write(Stack(paint(), "CYX", tuple(Channel(r, r) for r in ROLES)), tmp_path / "id7.png")
    (tmp_path / "id7_info.json").unlink()
    for color in ("red", "green", "blue", "yellow"):
        viewer.open(tmp_path / f"id7_{color}.png", plugin="napari")
    run(dock())
    widget = export()
    assert labels_of(widget)[0] == "id7: imputed field"
    assert widget.place.value() == tmp_path / "id7_imputed.ome.tif"


def test_replacing_is_asked_for(viewer, export, qtbot, click, tmp_path):
    viewer.open(saved_to(tmp_path, "a", 0), plugin="napari-dualgland")
    widget = export()
    (tmp_path / "a_copy.ome.tif").write_text("precious")
    widget.show_plan()
    assert "would be replaced" in widget.planned.says.text()
    asked = answering("No")
    press(widget, qtbot, click)
    assert "a_copy.ome.tif is there already" in asked[0]
    assert (tmp_path / "a_copy.ome.tif").read_text() == "precious"
    answering("Yes")
    press(widget, qtbot, click)
    np.testing.assert_array_equal(read(tmp_path / "a_copy.ome.tif").data, paint())


def test_what_cannot_be_written_is_said_in_the_dock(viewer, export, qtbot, click, tmp_path):
    viewer.open(saved_to(tmp_path, "a", 0), plugin="napari-dualgland")
    before = (tmp_path / "a.ome.tif").read_bytes()
    widget = export()
    for name in ("a.ome.tif", "no/b.ome.tif", "b.jpg", f"{'n' * 300}.ome.tif", "a.ome.tif/b.png"):
        widget.place.set_value(tmp_path / name)
        qtbot.wait(200)
        refusal = widget.planned.says.text()
        assert len(refusal.splitlines()) == 1
        assert not planned(widget)
        press(widget, qtbot, click)
        assert refusal.partition(": ")[2] in widget.run_bar.says.text()
    assert (tmp_path / "a.ome.tif").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"a.ome.tif"}


def test_selected_layers_and_cells(viewer, export, qtbot, click, tmp_path):
    red, green = plain_field()[:2]
    for layer in (red, green):
        viewer.add_layer(layer)
    marked = np.zeros((160, 160), np.uint16)
    marked[10:20, 10:30], marked[50:60, 40:50] = 3, 7
    cells = viewer.add_layer(Labels(marked, name="cells", scale=(0.1, 0.1), units=("um", "um")))
    set_tag(cells, LayerTag(kind="cells", field="f", axes="YX"))
    viewer.layers.selection = {red, green}
    widget = export()
    assert labels_of(widget) == ["f: cells", "Selected layers"]
    type_place(widget, qtbot, tmp_path / "cells.csv")
    press(widget, qtbot, click)
    table = pd.read_csv(tmp_path / "cells.csv")
    assert table["cell"].tolist() == [3, 7]
    assert table["area_um2"].tolist() == pytest.approx([2.0, 1.0])
    assert table[["y", "x"]].iloc[1].tolist() == pytest.approx([54.5, 44.5])
    widget.what.what.setCurrentIndex(1)
    type_place(widget, qtbot, tmp_path / "two.ome.tif")
    press(widget, qtbot, click)
    assert [c.role for c in read(tmp_path / "two.ome.tif").channels] == ["microtubules", "protein"]


def test_the_job_goes_to_the_form_and_back(viewer, export, qtbot, tmp_path):
    viewer.open(saved_to(tmp_path, "a", 0), plugin="napari-dualgland")
    widget = export()
    widget.place.set_value(tmp_path / "x.ome.zarr")
    job = widget.value()
    widget.what.format.setCurrentText("ImageJ hyperstack")
    widget.what.what.setCurrentIndex(1)
    widget.set_value(job)
    assert widget.value() == job


def test_hole_labels_are_no_field(viewer, export):
    viewer.add_layer(hole_labels())
    assert labels_of(export()) == ["nothing to export yet"]


@pytest.mark.parametrize("kind", ["uncertainty", "sample"])
def test_what_is_left_of_an_opened_field_without_its_channels_is_no_field(
    viewer, export, tmp_path, kind
):
    viewer.open(saved_to(tmp_path, "a", 0), plugin="napari-dualgland")
    tag = tag_of(viewer.layers["protein"]).model_copy(update={"kind": kind})
    beside = viewer.add_layer(Image(np.zeros((160, 160), np.float32), name="beside"))
    set_tag(beside, tag)
    widget = export()
    assert labels_of(widget)[0] == "a: field as opened"
    for name in ROLES:
        viewer.layers.remove(name)
    assert labels_of(widget) == ["Selected layers"]


def test_keys_land_where_the_cursor_is(viewer, export, qtbot, tmp_path):
    viewer.open(saved_to(tmp_path, "a", 0), plugin="napari-dualgland")
    widget = export()
    line, fresh = widget.place.line, str(tmp_path / "a_copy.ome.tif")
    assert line.text() == fresh
    assert line.cursorPosition() == len(fresh)  # the name is in sight, however long the folder is
    line.setCursorPosition(len(str(tmp_path / "a_")))
    click_at = line.cursorRect().center()
    line.end(False)
    qtbot.mouseClick(line, Qt.MouseButton.LeftButton, pos=click_at)
    qtbot.keyClicks(line, "xy")
    assert line.text() == str(tmp_path / "a_xycopy.ome.tif")
    # What was typed and taken back is the proposal again, which is no reason to jump.
    for _ in "xy":
        qtbot.keyClick(line, Qt.Key.Key_Backspace)
    qtbot.wait(400)
    assert line.text() == fresh
    qtbot.keyClicks(line, "z")
    assert line.text() == str(tmp_path / "a_zcopy.ome.tif")


@pytest.mark.parametrize("sample", ["damaged", "zstack"])
def test_a_sample_is_exported_as_opened_without_its_damage(
    viewer, export, qtbot, click, tmp_path, sample
):
    viewer.open_sample("napari-dualgland", sample)
    viewer.layers["damage"].name = "scratches"  # whatever a person calls it
    widget = export()
    assert labels_of(widget)[0].endswith("field as opened")
    qtbot.waitUntil(lambda: "'scratches' marks damage" in widget.planned.says.text(), timeout=60000)
    type_place(widget, qtbot, tmp_path / "copy.ome.tif")
    press(widget, qtbot, click)
    back = read(tmp_path / "copy.ome.tif")
    assert not isinstance(back, Imputation)
    channels = np.moveaxis(np.asarray(back.data), back.axes.index("C"), 0)
    for role, pixels in zip(ROLES, channels, strict=True):
        np.testing.assert_array_equal(pixels, viewer.layers[role].data)


@pytest.mark.parametrize("when", ["of what was opened", "before the run", "after the run"])
def test_a_pixel_size_that_was_stated_is_written(viewer, dock, run, export, tmp_path, when):
    for layer in plain_field():
        viewer.add_layer(layer)
    impute = dock()
    if when == "after the run":
        run(impute)
    impute.channels.pixel_size.statement.set_value(0.16)
    if when == "before the run":
        run(impute)
    viewer.layers.selection = [x for x in viewer.layers if x.visible]
    widget = export()
    job = widget.value().model_copy(update={"output": tmp_path / "exported.ome.tif"})
    finish(job.steps(widget.load(job), lambda: False))
    saved = tmp_path / "saved.ome.tif"
    viewer.layers.save(str(saved), selected=True, plugin="napari-dualgland")
    for path in (job.output, saved):
        back = read(path)
        assert isinstance(back, Imputation) == when.endswith("run")
        assert back.pixel_size == PixelSize(0.16, 0.16)


def test_both_fills_of_a_run_are_offered_and_named(
    viewer, dock, run, export, qtbot, click, tmp_path
):
    viewer.open(saved_to(tmp_path, "f", 0), plugin="napari-dualgland")
    impute = dock()
    impute.set_value(QUICK.model_copy(update={"model": ImputeParams().model}))
    run(impute)
    estimate = viewer.layers["protein imputed"].data.copy()
    widget = export()
    fill = widget.params.fields["fill"]
    written = {}
    for shown, asked, name in (
        (False, "as it is", "f_imputed"),
        (False, "plausible", "f_plausible"),
        (True, "as it is", "f_plausible"),
        (True, "estimate", "f_imputed"),
    ):
        if impute.results.texture.isChecked() != shown:
            click(impute.results.texture)
        fill.set_value(asked)
        qtbot.wait(300)
        assert fill.widget.isEnabled()
        words = "plausible picture" if shown else "imputed field"
        assert labels_of(widget)[0] == f"f: {words}"
        assert widget.place.value() == tmp_path / f"{name}.ome.tif"
        (line,) = planned(widget)
        drawn = name == "f_plausible"
        assert ("plausible picture" in line) == drawn
        assert "uncertainty" in line
        job = widget.value()
        finish(job.steps(widget.load(job), lambda: False))
        back = read(tmp_path / f"{name}.ome.tif")
        assert back.plausible == drawn
        assert (PLAUSIBLE in back.provenance.notes) == drawn
        at = [c.role for c in back.channels].index("protein")
        assert np.array_equal(back.data[at], estimate) != drawn
        key = (at, *HOLE)
        written.setdefault(drawn, (back.data, back.uncertainty[key]))
        np.testing.assert_array_equal(written[drawn][0], back.data)
        np.testing.assert_allclose(written[drawn][1], back.uncertainty[key], rtol=1e-5)
    assert (written[True][1] > written[False][1]).all()


def test_a_fill_that_was_chosen_for_another_result_is_no_obstacle(viewer, export, qtbot, tmp_path):
    viewer.open(saved_to(tmp_path, "a", 0), plugin="napari-dualgland")
    widget = export()
    widget.params.set_value(WriteOptions(fill="plausible"))
    widget.show_plan()
    assert not widget.params.fields["fill"].widget.isEnabled()
    assert planned(widget)
