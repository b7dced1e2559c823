"""Real clicks on the docked widget, the real engine behind it, a small untrained network."""

from __future__ import annotations

import gc
import os
import weakref
from types import SimpleNamespace

import dask.array as da
import numpy as np
import pandas as pd
import pytest
from localization.cell_scenes import field as paint_cells
from localization.cell_scenes import save_localizer
from napari.layers import Image, Labels
from qtpy.QtWidgets import QFileDialog

from napari_dualgland.classes import CLASSES, COLORS, NEGATIVE
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.layers.camera import camera_of

from .conftest import COLORMAPS, QUICK

ON_SCREEN = os.environ.get("QT_QPA_PLATFORM") != "offscreen"
pytestmark = pytest.mark.skipif(
    not ON_SCREEN, reason="napari draws with OpenGL, which offscreen lacks"
)

PLACED = {
    "scale": (0.24, 0.24),
    "translate": (3, -2),
    "rotate": 10,
    "shear": [0.05],
    "affine": np.array([[1, 0, 4], [0, 1, 5], [0, 0, 1]]),
    "units": ("um", "um"),
    "axis_labels": ("y", "x"),
}


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """The path of a small untrained localizer that names some classes and not others."""
    import torch

    torch.set_num_threads(1)
    thresholds = {name: 0.3 if k % 2 else 0.9999 for k, name in enumerate(CLASSES)}
    return save_localizer(tmp_path_factory.mktemp("models"), thresholds=thresholds)


@pytest.fixture
def localize_dock(viewer, qtbot, model):
    """Dock the widget beside layers, with the small model."""
    from napari_dualgland.widgets.localize.dock import LocalizeWidget

    made = []

    def _dock(layers=()):
        for layer in layers:
            viewer.add_layer(layer)
        widget = LocalizeWidget(viewer)
        viewer.window.add_dock_widget(widget, name="Localize")
        widget.set_value(LocalizeParams(model=model, device="cpu"))
        made.append(widget)
        return widget

    yield _dock
    for widget in made:
        widget.cancel()
        qtbot.waitUntil(lambda w=widget: w.idle, timeout=20000)


def layers_of(image, **options):
    return [
        Image(image[i], name=role, colormap=COLORMAPS[role], blending="additive", **options)
        for i, role in enumerate(ROLES)
    ]


@pytest.fixture
def scene():
    """Six cells: (4, Y, X) and their labels."""
    return paint_cells()


@pytest.fixture
def done(scene, localize_dock, run):
    """The widget after a run on given cells, in a field that lies askew."""
    image, labels = scene
    given = Labels(labels * 7, name="cellpose", **PLACED)
    widget = localize_dock([*layers_of(image, **PLACED), given])
    widget.cells.combo.set_layer(given)
    run(widget)
    assert widget.results.result is not None, widget.run_bar.says.text()
    return widget


def names(viewer):
    return [layer.name for layer in viewer.layers]


def first_place(widget):
    return next(k for k in widget.results.legend.buttons if k != NEGATIVE)


def press(viewer, layer, position):
    """Click on a canvas at a position in pixels of a layer, as napari tells its callbacks."""
    world = tuple(layer.data_to_world(position))
    event = SimpleNamespace(
        type="mouse_press",
        pos=(10, 10),
        position=world,
        view_direction=None,
        modifiers=(),
        dims_displayed=list(viewer.dims.displayed),
    )
    begun = [callback(viewer, event) for callback in viewer.mouse_drag_callbacks]
    begun = [steps for steps in begun if steps is not None]
    for kind in ("mouse_press", "mouse_release"):
        event.type = kind
        for steps in begun:
            next(steps, None)


# --- the main job -----------------------------------------------------------------------


@pytest.mark.binding
def test_given_cells_keep_their_numbers_and_layers_lie_on_the_source(viewer, done):
    result = done.results.result
    assert result.table["cell"].tolist() == [7, 14, 21, 28, 35, 42]
    np.testing.assert_array_equal(viewer.layers["cells"].data, viewer.layers["cellpose"].data)
    source = viewer.layers["protein"]
    done.results.legend.buttons[first_place(done)].click()
    place = next(layer for layer in viewer.layers if layer.name.endswith("probability"))
    for layer in (viewer.layers["cells"], viewer.layers["localization"], place):
        for name in ("scale", "translate", "rotate", "shear"):
            np.testing.assert_allclose(getattr(layer, name), getattr(source, name), err_msg=name)
        np.testing.assert_allclose(layer.affine.affine_matrix, source.affine.affine_matrix)
        assert layer.units == source.units
        assert layer.axis_labels == source.axis_labels
    assert viewer.layers["localization"].rgb
    assert done.run_bar.button.text() == "Localize"
    assert done.run_bar.says.text().startswith("Looked at 6 cells")


def test_own_segmentation_finds_the_cells(viewer, scene, localize_dock, run):
    widget = localize_dock(layers_of(scene[0], scale=(0.24, 0.24), units=("um", "um")))
    run(widget)
    assert 4 <= len(widget.results.result.table) <= 8, widget.run_bar.says.text()


def test_a_probability_layer_is_lazy_and_comes_when_it_is_asked_for(viewer, done):
    assert not [name for name in names(viewer) if name.endswith("probability")]
    k = first_place(done)
    button = done.results.legend.buttons[k]
    button.click()
    layer = next(layer for layer in viewer.layers if layer.name.endswith("probability"))
    assert isinstance(layer.data, da.Array)
    assert layer.blending == "additive"
    assert tuple(layer.contrast_limits) == (0, 1)
    rgb = [int(COLORS[k][i : i + 2], 16) / 255 for i in (1, 3, 5)]
    np.testing.assert_allclose(layer.colormap.colors[-1][:3], rgb, atol=1e-3)
    np.testing.assert_array_equal(layer.data, done.results.result.maps[k])
    assert viewer.layers.selection.active == viewer.layers["cells"]
    viewer.layers.remove(layer)
    assert not button.isChecked()
    button.click()
    button.click()
    assert not [name for name in names(viewer) if name.endswith("probability")]
    assert viewer.layers["localization"].opacity == 1


def test_the_legend_counts_the_cells(done):
    table = done.results.result.table
    for k, button in done.results.legend.buttons.items():
        count = table["classes"].str.split("; ").apply(lambda said, k=k: CLASSES[k] in said).sum()
        assert button.text().endswith(f"  {count}")
    assert done.results.legend.buttons


# --- table and canvas -------------------------------------------------------------------


@pytest.mark.binding
def test_a_row_flies_to_its_cell(viewer, done):
    cells = viewer.layers["cells"]
    done.results.table.view.selectRow(4)
    row = done.results.result.table.iloc[4]
    assert cells.selected_label == row["cell"] == 35
    world = cells.data_to_world((row["y"], row["x"]))
    np.testing.assert_allclose(camera_of(viewer).center[-2:], world)


@pytest.mark.binding
def test_a_click_selects_the_row_and_leaves_the_camera(viewer, done, qtbot):
    before = camera_of(viewer).center
    table = done.results.table
    table.view.sortByColumn(0, table.view.horizontalHeader().sortIndicatorOrder().DescendingOrder)
    press(viewer, viewer.layers["cells"], (40, 120))
    index = table.view.currentIndex()
    assert index.siblingAtColumn(0).data() == "14"
    assert camera_of(viewer).center == before
    press(viewer, viewer.layers["cells"], (0, 0))
    assert table.view.currentIndex() == index


def test_time_and_depth(viewer, scene, localize_dock, run):
    image, labels = scene
    stacked = np.stack([np.stack([image] * 2, 1)] * 3, 1)  # C, T, Z, Y, X
    layers = layers_of(stacked, scale=(5, 0.5, 0.24, 0.24))
    given = Labels(labels, name="cellpose", scale=(0.24, 0.24))
    widget = localize_dock([*layers, given])
    widget.cells.combo.set_layer(given)
    run(widget, timeout=120000)
    table = widget.results.result.table
    assert len(table) == 36, widget.run_bar.says.text()
    assert viewer.layers["cells"].data.shape == (3, 2, *labels.shape)
    assert viewer.layers["localization"].data.shape == (3, 2, *labels.shape, 3)
    row = int(np.flatnonzero((table["t"] == 2) & (table["z"] == 1) & (table["cell"] == 3))[0])
    widget.results.table.view.selectRow(row)
    assert viewer.dims.point[:2] == (10, 0.5)
    press(viewer, viewer.layers["cells"], (2, 1, 40, 120))
    found = widget.results.table.filter.mapToSource(widget.results.table.view.currentIndex()).row()
    assert table.loc[found, ["t", "z", "cell"]].tolist() == [2, 1, 2]


@pytest.mark.parametrize("axis", [0, 1])
def test_one_layer_with_all_channels(viewer, scene, localize_dock, run, axis):
    image, labels = scene
    pixels = image if axis == 0 else np.stack([image] * 2)
    layer = Image(
        pixels,
        name="field",
        axis_labels=("c", "y", "x") if axis == 0 else ("t", "c", "y", "x"),
        metadata={"channel_names": list(ROLES)},
    )
    widget = localize_dock([layer])
    run(widget, timeout=120000)
    assert widget.results.result is not None, widget.run_bar.says.text()
    cells = viewer.layers["cells"]
    assert cells.data.shape == (labels.shape if axis == 0 else (2, 4, *labels.shape))
    widget.results.table.view.selectRow(0)
    assert cells.selected_label == widget.results.result.table["cell"][0]


# --- again, cancelled, closed -----------------------------------------------------------


def test_a_second_run_replaces_the_first(viewer, done, run):
    done.results.legend.buttons[first_place(done)].click()
    cells = viewer.layers["cells"]
    run(done)
    assert names(viewer).count("cells") == names(viewer).count("localization") == 1
    assert not [name for name in names(viewer) if name.endswith("probability")]
    assert cells in viewer.layers
    viewer.layers["localization"].name = "mine"
    run(done)
    assert {"mine", "localization"} <= set(names(viewer))


@pytest.mark.binding
def test_cancel_leaves_no_trace(viewer, scene, localize_dock, click, qtbot):
    widget = localize_dock(layers_of(scene[0]))
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
    widget = localize_dock(layers_of(scene[0]))
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

    for layer in layers_of(scene[0]):
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
def test_a_closed_dock_is_gone_and_its_run_can_be_seen_again(viewer, done, scene, qtbot, click):
    """Clicks reach nobody, nothing holds the dock, and the layers bring its table back."""
    from napari_dualgland.widgets.localize.dock import LocalizeWidget

    click(done.results.table.numbers)
    said, rows = done.run_bar.says.text(), len(done.results.result.table)
    known = weakref.ref(done)
    viewer.window.remove_dock_widget(done.parentWidget())
    assert all(viewer.layers[role].visible for role in ROLES)
    before = viewer.layers["cells"].selected_label
    press(viewer, viewer.layers["cells"], (40, 120))
    assert viewer.layers["cells"].selected_label == before
    done.destroyed.connect(lambda: gone.append(True))
    gone = []
    del done
    qtbot.waitUntil(lambda: bool(gone), timeout=5000)
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


def test_arrays_go_with_their_layers(viewer, done, qtbot):
    """Whatever is open: the dock shows nothing and keeps nothing once the layers are deleted."""
    result = done.results.result
    click_through = [*done.results.legend.buttons.values()][:2]
    for button in click_through:
        button.click()
    done.results.table.view.selectRow(1)
    held = [weakref.ref(x) for x in (result, result.stack.data, viewer.layers["localization"].data)]
    del result
    for layer in [x for x in viewer.layers if x.name not in (*ROLES, "cellpose")]:
        viewer.layers.remove(layer)
    del layer
    qtbot.wait(50)
    gc.collect()
    assert [x() is None for x in held] == [True] * 3
    assert done.results.isHidden()
    assert all(viewer.layers[role].visible for role in ROLES)


def test_nothing_keeps_a_click_watch_but_its_dock(viewer):
    from napari_dualgland.widgets.cells.canvas_link import ClickWatch

    before = list(viewer.mouse_drag_callbacks)
    watch = ClickWatch(viewer, lambda: None, lambda label, place: None)
    assert len(viewer.mouse_drag_callbacks) == len(before) + 1
    del watch
    gc.collect()
    assert list(viewer.mouse_drag_callbacks) == before


def test_the_run_of_the_selected_layer_is_shown(viewer, done, run):
    first = done.results.result
    viewer.layers["cells"].name, viewer.layers["localization"].name = "mine", "my picture"
    run(done)
    second = done.results.result
    assert second is not first
    viewer.layers.selection.active = viewer.layers["mine"]
    assert done.results.result is first
    viewer.layers.selection.active = viewer.layers["localization"]
    assert done.results.result is second


def test_cell_numbers_and_the_original_on_demand(viewer, done, click):
    table = done.results.table
    active = viewer.layers.selection.active
    click(table.numbers)
    numbers = viewer.layers["cell numbers"]
    assert numbers.features["cell"].tolist() == [7, 14, 21, 28, 35, 42]
    place = np.rint(numbers.data[2]).astype(int)
    assert viewer.layers["cells"].data[tuple(place)] == 21
    assert viewer.layers.selection.active == active
    click(table.numbers)
    assert "cell numbers" not in names(viewer)
    assert not done.results.original.isChecked()
    done.results.original.click()
    assert all(viewer.layers[role].visible for role in ROLES)
    assert not viewer.layers["localization"].visible
    done.results.original.click()
    assert viewer.layers["localization"].visible
    assert not any(viewer.layers[role].visible for role in ROLES)


def test_one_plane_of_a_stack(viewer, scene, localize_dock, run):
    image, labels = scene
    stacked = np.stack([image] * 3, 1)  # C, Z, Y, X
    widget = localize_dock(layers_of(stacked, scale=(0.5, 0.24, 0.24)))
    given = viewer.add_labels(labels, name="cellpose", scale=(0.24, 0.24))
    widget.cells.combo.set_layer(given)
    viewer.dims.set_point(0, 0.5)
    widget.extent.combo.setCurrentIndex(1)
    job = widget.value()
    assert job.plane.z == 1
    run(widget, timeout=120000)
    assert len(widget.results.result.table) == 6, widget.run_bar.says.text()
    cells, picture = viewer.layers["cells"], viewer.layers["localization"]
    assert cells.data.shape == (3, *labels.shape)
    assert picture.data.shape == (3, *labels.shape, 3)
    shown = np.asarray(cells.data)
    np.testing.assert_array_equal(shown[1], labels)
    assert not shown[[0, 2]].any()
    viewer.dims.set_point(0, 0.0)
    widget.results.table.view.selectRow(4)
    assert viewer.dims.point[0] == 0.5
    widget.extent.combo.setCurrentIndex(0)
    widget.set_value(job)
    assert widget.value() == job


def test_impute_first_shows_the_damage_and_what_fills_it(viewer, scene, localize_dock, run, qtbot):
    image, labels = scene
    image = image.astype(np.float32)
    image[1, 20:60, 20:60] = np.nan
    given = Labels(labels, name="cellpose")
    widget = localize_dock([*layers_of(image), given])
    widget.cells.combo.set_layer(given)
    run(widget)
    widget.results.impute.click()
    from napari_dualgland.widgets.impute.dock import ImputeWidget

    assert all(viewer.layers[role].visible for role in ROLES)
    assert not viewer.layers["localization"].visible
    (impute,) = widget.window().findChildren(ImputeWidget)
    impute.set_value(QUICK)
    impute.missing.ways.set_value("nan")
    impute.start()
    qtbot.waitUntil(lambda: impute.idle, timeout=60000)
    assert viewer.layers["protein imputed"].visible


@pytest.mark.parametrize(
    ("prepare", "line"),
    [
        (lambda w, v: v.layers.remove("protein"), "no layer is chosen as the protein"),
        (
            lambda w, v: w.set_value(LocalizeParams(model="nowhere")),
            "model 'nowhere': no such model",
        ),
    ],
)
def test_errors_are_one_line(viewer, scene, localize_dock, run, prepare, line):
    widget = localize_dock(layers_of(scene[0]))
    prepare(widget, viewer)
    run(widget)
    assert line in widget.run_bar.says.text()
    assert widget.run_bar.button.text() == "Localize"


# --- damage and estimates ---------------------------------------------------------------


@pytest.mark.binding
def test_damage_is_told_and_impute_is_offered(viewer, scene, localize_dock, run, qtbot):
    image, labels = scene
    image = image.astype(np.float32)
    image[1, 20:60, 20:60] = np.nan
    given = Labels(labels, name="cellpose")
    widget = localize_dock([*layers_of(image), given])
    widget.cells.combo.set_layer(given)
    run(widget)
    assert "1 cell has missing pixels" in widget.results.damage.text()
    assert not widget.results.impute.isHidden()
    assert not widget.results.impute.parentWidget().isHidden()
    widget.results.table.damaged.setChecked(True)
    assert widget.results.table.filter.rowCount() == 1
    widget.results.impute.click()
    from napari_dualgland.widgets.impute.dock import ImputeWidget

    (impute,) = widget.window().findChildren(ImputeWidget)
    assert impute.channels.source().layers["protein"].name == "protein"
    impute.set_value(QUICK)
    impute.missing.ways.set_value("nan")
    impute.start()
    qtbot.waitUntil(lambda: impute.idle, timeout=60000)
    # From here on the repaired layers are looked at, and what was filled is counted.
    assert widget.channels.source().layers["protein"].name == "protein imputed"
    run(widget)
    table = widget.results.result.table
    assert table["imputed"].max() > 0.05
    assert table["missing"].max() == 0
    assert widget.results.impute.parentWidget().isHidden()


# --- parameters, code, files ------------------------------------------------------------


def test_only_localizers_are_offered(localize_dock):
    widget = localize_dock()
    assert not {"generator", "prior"} & set(widget.params.fields["model"].names())


def test_copied_python_finds_the_same(viewer, done):
    done.copy_as.python_action.trigger()
    from qtpy.QtGui import QGuiApplication

    scope: dict = {}
    code = QGuiApplication.clipboard().text()
    exec(compile(code, "copied", "exec"), scope)
    pd.testing.assert_frame_equal(scope["result"].table, done.results.result.table, atol=1e-4)


@pytest.mark.binding
def test_copied_command(viewer, saved, localize_dock):
    from qtpy.QtGui import QGuiApplication

    viewer.open(saved, plugin="napari-dualgland")
    widget = localize_dock()
    widget.copy_as.command_action.trigger()
    line = QGuiApplication.clipboard().text()
    assert line.startswith("dualgland localize ")
    assert "field 7.ome.tif" in line
    assert "--out" in line
    assert "--model" in line


@pytest.mark.binding
def test_export_writes_every_cell(done, tmp_path, monkeypatch, qtbot):
    path = tmp_path / "out.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a: (str(path), ""))
    done.results.table.text.setText("no such class")
    assert done.results.table.filter.rowCount() == 0
    done.results.export.click()
    qtbot.waitUntil(lambda: "Wrote" in done.run_bar.says.text(), timeout=10000)
    read = pd.read_csv(path)
    assert read["cell"].tolist() == [7, 14, 21, 28, 35, 42]
    assert list(read.columns) == list(done.results.result.table.columns)


def test_export_all_fills_a_folder(done, tmp_path, monkeypatch, qtbot):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *a: str(tmp_path / "all"))
    done.results.export_all.click()
    qtbot.waitUntil(lambda: "Writing" not in done.run_bar.says.text(), timeout=20000)
    assert "Wrote" in done.run_bar.says.text()
    assert "Looked at 6 cells" in done.run_bar.says.text()
    from napari_dualgland.jobs.localize import FILES

    assert {file.name for file in (tmp_path / "all").iterdir()} == set(FILES)


def test_the_export_dock_finds_it_and_writes_what_the_command_does(viewer, done, tmp_path):
    from napari_dualgland.jobs.export import ExportJob
    from napari_dualgland.jobs.localize import FILES
    from napari_dualgland.progress import finish
    from napari_dualgland.widgets.export.found import found_in

    result = done.results.result
    viewer.window.remove_dock_widget(done.parentWidget())
    kinds = [found.kind for found in found_in(viewer)]
    assert kinds.count("localization") == 1
    assert "cells" not in kinds  # they are in it
    found = next(f for f in found_in(viewer) if f.kind == "localization")
    assert found.load() is result
    assert found.field == result.stack.name
    job = ExportJob(what=found.label, layers=found.refs(), output=tmp_path / "all")
    assert [file.path.name for file in job.plan(result).files] == list(FILES)
    finish(job.steps(result, lambda: False))
    assert {path.name for path in (tmp_path / "all").iterdir()} == set(FILES)
