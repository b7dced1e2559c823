"""Real clicks on the Boundaries dock, the real engine behind it."""

from __future__ import annotations

import gc
import weakref
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from napari.layers import Labels
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QFileDialog

import napari_dualgland as nd
from napari_dualgland.io.layer_tag import tag_of
from napari_dualgland.widgets.layers.camera import camera_of

from .conftest import QUICK_BOUNDARIES, plain_field, press

PLACED = {"scale": (0.24, 0.24), "translate": (3, -2), "units": ("um", "um")}


@pytest.fixture
def done(viewer, scene, boundaries_dock, run, qtbot):
    image, labels = scene
    given = Labels(labels * 7, name="cellpose", **PLACED)
    widget = boundaries_dock([*plain_field(image, **PLACED), given])
    widget.cells.combo.set_layer(given)
    run(widget)
    assert widget.results.result is not None, widget.run_bar.says.text()
    qtbot.waitUntil(lambda: "cells" in viewer.layers, timeout=60000)
    return widget


@pytest.mark.binding
def test_layers_lie_on_the_source_and_the_colours_are_those_of_the_legend(viewer, done, scene):
    result = done.results.result
    expected = nd.boundaries(
        nd.Stack(scene[0], "CYX", result.stack.channels, nd.PixelSize(0.24, 0.24)),
        scene[1] * 7,
        QUICK_BOUNDARIES,
    )
    compartments, edges = viewer.layers["compartments"], viewer.layers["boundary map"]
    np.testing.assert_array_equal(compartments.data, expected.labels)
    np.testing.assert_allclose(edges.data, expected.map)
    np.testing.assert_array_equal(compartments.scale, viewer.layers["er"].scale)
    np.testing.assert_array_equal(compartments.translate, viewer.layers["er"].translate)
    from napari_dualgland.io.boundaries_writing import COMPARTMENT_COLORS

    for k, color in enumerate(list(COMPARTMENT_COLORS.values())[:-1], 1):
        shown = "#{:02X}{:02X}{:02X}".format(
            *np.rint(255 * compartments.get_color(k)[:3]).astype(int)
        )
        assert shown == color
    assert tag_of(edges).provenance.model == result.provenance.model
    assert viewer.layers["er"].visible


@pytest.mark.binding
def test_a_row_leads_to_its_cell_and_a_click_to_its_row(viewer, done, scene, qtbot):
    table = done.results.cell_table
    done.results.tabs.setCurrentWidget(table)
    row = int(np.flatnonzero(done.results.cells["cell"] == 14)[0])
    index = table.sorted.mapFromSource(table.rows.index(row, 0))
    table.show()
    where = table.visualRect(index).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(where))
    cell = done.results.cells.iloc[row]
    wanted = viewer.layers["cells"].data_to_world((cell["y"], cell["x"]))
    np.testing.assert_allclose(camera_of(viewer).center[-2:], wanted)

    ys, xs = np.nonzero(scene[1] == 5)
    press(viewer, viewer.layers["cells"], (ys[len(ys) // 2], xs[len(xs) // 2]))
    chosen = table.sorted.mapToSource(table.currentIndex()).row()
    assert done.results.cells.iloc[chosen]["cell"] == 35


@pytest.mark.binding
def test_probabilities_on_demand(viewer, done, click):
    button = done.results.legend.buttons[1]
    click(button)
    layer = viewer.layers["nuclear rim probability"]
    np.testing.assert_allclose(layer.data, done.results.result.compartments[1])
    viewer.layers.remove(layer)
    assert not button.isChecked()


def test_the_table_sorts_scores_as_numbers_with_the_unknown_last(qtbot):
    from napari_dualgland.widgets.cells.table import Column
    from napari_dualgland.widgets.cells.table_view import TableView

    table = TableView("scores", "")
    qtbot.addWidget(table)
    scores = pd.DataFrame({"cell": [0, 1, 2, 3], "s": [2.0, np.nan, -11.0, 9.0]})
    table.take(scores, [Column("cell", "Cell", "", "field"), Column("s", "S", "", "score")])
    for order, first in (
        (Qt.SortOrder.AscendingOrder, "−11.0"),
        (Qt.SortOrder.DescendingOrder, "+9.0"),
    ):
        table.sortByColumn(1, order)
        said = [table.sorted.index(i, 1).data() for i in range(4)]
        assert (said[0], said[-1]) == (first, "—")
    assert table.rows.index(0, 0).data() == "field"


def test_the_plot_shows_every_cell_and_a_dot_leads_to_it(done, qtbot):
    plot = done.results.plot
    with qtbot.waitSignal(plot.drawn, timeout=60000):
        done.window().show()
        plot.redraw()
    places, held, rows = plot._dots[0]
    assert sorted(rows) == [1, 2, 3, 4, 5, 6]
    axes = plot.canvas.figure.axes[0]
    x, y = axes.transData.transform((places[2], held[2]))
    with qtbot.waitSignal(plot.chosen) as told:
        plot.clicked.emit(SimpleNamespace(inaxes=axes, x=x, y=y))
    assert told.args == [int(rows[2])]


def test_before_and_after_imputation(viewer, scene, boundaries_dock, run):
    image, _ = scene
    hurt = image.copy()
    hurt[:, 30:50, 30:55] = 0
    widget = boundaries_dock(plain_field(hurt, **PLACED))
    widget.cells.impute_first.setChecked(True)
    run(widget)
    holes = widget.results.result.holes
    assert len(holes) > 0
    assert widget.results.tabs.isTabVisible(2)
    assert widget.results.hole_table.rows.rowCount() == len(holes)
    assert widget.results.result.set_points["h_filled"].notna().any()


def test_a_table_is_exported_whole(done, click, qtbot, tmp_path, monkeypatch):
    path = tmp_path / "set points"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (str(path), ""))
    click(done.results.export_table)
    written = tmp_path / "set points.csv"
    qtbot.waitUntil(written.is_file, timeout=60000)
    assert len(pd.read_csv(written)) == len(done.results.result.set_points)


def test_the_form_is_a_job(done):
    job = done.value()
    done.set_value(job.model_copy(update={"params": nd.BoundariesParams(location="Nucleoli")}))
    assert done.value().params.location == "Nucleoli"
    done.set_value(job)
    assert done.value() == job


@pytest.mark.binding
def test_a_result_goes_with_its_layers(viewer, done, qtbot):
    result = weakref.ref(done.results.result)
    viewer.layers.clear()
    assert done.results.isHidden()
    qtbot.wait(50)  # what Qt has still to deliver holds it
    gc.collect()
    assert result() is None


@pytest.mark.binding
def test_a_closed_dock_hears_no_clicks_and_its_result_goes_with_its_layers(viewer, done, qtbot):
    qtbot.waitUntil(lambda: "boundary map" in viewer.layers, timeout=60000)
    result, before = weakref.ref(done.results.result), len(viewer.mouse_drag_callbacks)
    viewer.window.remove_dock_widget(done.parentWidget())
    assert len(viewer.mouse_drag_callbacks) == before - 1
    assert result() is not None
    for layer in [x for x in viewer.layers if tag_of(x).is_result]:
        viewer.layers.remove(layer)
    del layer
    qtbot.wait(50)
    gc.collect()
    assert result() is None


def test_a_closed_dock_s_run_can_be_seen_again_and_exported(
    viewer, done, boundaries_dock, qtbot, tmp_path
):
    from napari_dualgland.io.writing import WriteOptions
    from napari_dualgland.jobs.export import ExportJob
    from napari_dualgland.progress import finish
    from napari_dualgland.widgets.export.found import found_in

    qtbot.waitUntil(lambda: "boundary map" in viewer.layers, timeout=60000)
    result, said = done.results.result, done.run_bar.says.text()
    viewer.window.remove_dock_widget(done.parentWidget())
    (found,) = [f for f in found_in(viewer) if f.kind == "boundaries"]
    assert found.label == f"{result.stack.name}: boundaries"
    assert found.load() is result
    for name in ("maps.ome.tif", "table.csv"):
        job = ExportJob(
            what=found.label, layers=found.refs(), output=tmp_path / name, options=WriteOptions()
        )
        (file,) = job.plan(found.load()).files
        assert file.path == tmp_path / name
        finish(job.steps(found.load(), lambda: False))
    table = pd.read_csv(tmp_path / "table.csv")
    assert len(table) == len(result.set_points)
    kept = nd.read(tmp_path / "maps.ome.tif")
    assert [c.name for c in kept.channels][:2] == ["nucleus", "nuclear rim"]

    again = boundaries_dock()
    assert again.results.result is result
    assert again.run_bar.says.text() == said
    viewer.layers.remove("compartments")
    assert again.results.result is None
