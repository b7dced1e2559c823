"""What the Localize dock finds, in whichever layers the field lies; what it says and offers."""

from __future__ import annotations

import os

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.stack import ROLES

from .conftest import QUICK, first_place, plain_field, press

pytestmark = pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="napari draws with OpenGL"
)


@pytest.mark.binding
def test_given_cells_keep_their_numbers_and_layers_lie_on_the_source(viewer, localized):
    result = localized.results.result
    assert result.table["cell"].tolist() == [7, 14, 21, 28, 35, 42]
    np.testing.assert_array_equal(viewer.layers["cells"].data, viewer.layers["cellpose"].data)
    source = viewer.layers["protein"]
    localized.results.legend.buttons[first_place(localized)].click()
    place = next(layer for layer in viewer.layers if layer.name.endswith("probability"))
    for layer in (viewer.layers["cells"], viewer.layers["localization"], place):
        for name in ("scale", "translate", "rotate", "shear"):
            np.testing.assert_allclose(getattr(layer, name), getattr(source, name), err_msg=name)
        np.testing.assert_allclose(layer.affine.affine_matrix, source.affine.affine_matrix)
        assert layer.units == source.units
        assert layer.axis_labels == source.axis_labels
    assert viewer.layers["localization"].rgb
    assert localized.run_bar.button.text() == "Localize"
    assert localized.run_bar.says.text().startswith("Looked at 6 cells")


def test_own_segmentation_finds_the_cells(viewer, scene, localize_dock, run):
    widget = localize_dock(plain_field(scene[0], scale=(0.24, 0.24), units=("um", "um")))
    run(widget)
    assert 4 <= len(widget.results.result.table) <= 8, widget.run_bar.says.text()


def test_time_and_depth(viewer, scene, localize_dock, run):
    image, labels = scene
    stacked = np.stack([np.stack([image] * 2, 1)] * 3, 1)  # C, T, Z, Y, X
    layers = plain_field(stacked, scale=(5, 0.5, 0.24, 0.24))
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


def test_one_plane_of_a_stack(viewer, scene, localize_dock, run):
    image, labels = scene
    stacked = np.stack([image] * 3, 1)  # C, Z, Y, X
    widget = localize_dock(plain_field(stacked, scale=(0.5, 0.24, 0.24)))
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
    widget = localize_dock(plain_field(scene[0]))
    prepare(widget, viewer)
    run(widget)
    assert line in widget.run_bar.says.text()
    assert widget.run_bar.button.text() == "Localize"


@pytest.mark.binding
def test_damage_is_told_and_impute_is_offered(viewer, scene, localize_dock, run, qtbot):
    image, labels = scene
    image = image.astype(np.float32)
    image[1, 20:60, 20:60] = np.nan
    given = Labels(labels, name="cellpose")
    widget = localize_dock([*plain_field(image), given])
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


def test_impute_first_shows_the_damage_and_what_fills_it(viewer, scene, localize_dock, run, qtbot):
    image, labels = scene
    image = image.astype(np.float32)
    image[1, 20:60, 20:60] = np.nan
    given = Labels(labels, name="cellpose")
    widget = localize_dock([*plain_field(image), given])
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


def test_only_localizers_are_offered(localize_dock):
    widget = localize_dock()
    assert not {"generator", "prior"} & set(widget.params.fields["model"].names())
