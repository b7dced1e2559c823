"""Legend, table and image of the Localize dock lead to each other."""

from __future__ import annotations

import os

import dask.array as da
import numpy as np
import pytest

from napari_dualgland.classes import CLASSES, COLORS
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.layers.camera import camera_of

from .conftest import first_place, names, press

pytestmark = pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="napari draws with OpenGL"
)


def test_a_probability_layer_is_lazy_and_comes_when_it_is_asked_for(viewer, localized):
    assert not [name for name in names(viewer) if name.endswith("probability")]
    k = first_place(localized)
    button = localized.results.legend.buttons[k]
    button.click()
    layer = next(layer for layer in viewer.layers if layer.name.endswith("probability"))
    assert isinstance(layer.data, da.Array)
    assert layer.blending == "additive"
    assert tuple(layer.contrast_limits) == (0, 1)
    rgb = [int(COLORS[k][i : i + 2], 16) / 255 for i in (1, 3, 5)]
    np.testing.assert_allclose(layer.colormap.colors[-1][:3], rgb, atol=1e-3)
    np.testing.assert_array_equal(layer.data, localized.results.result.maps[k])
    assert viewer.layers.selection.active == viewer.layers["cells"]
    viewer.layers.remove(layer)
    assert not button.isChecked()
    button.click()
    button.click()
    assert not [name for name in names(viewer) if name.endswith("probability")]
    assert viewer.layers["localization"].opacity == 1


def test_the_legend_counts_the_cells(localized):
    table = localized.results.result.table
    for k, button in localized.results.legend.buttons.items():
        count = table["classes"].str.split("; ").apply(lambda said, k=k: CLASSES[k] in said).sum()
        assert button.text().endswith(f"  {count}")
    assert localized.results.legend.buttons


def test_cell_numbers_and_the_original_on_demand(viewer, localized, click):
    table = localized.results.table
    active = viewer.layers.selection.active
    click(table.numbers)
    numbers = viewer.layers["cell numbers"]
    assert numbers.features["cell"].tolist() == [7, 14, 21, 28, 35, 42]
    place = np.rint(numbers.data[2]).astype(int)
    assert viewer.layers["cells"].data[tuple(place)] == 21
    assert viewer.layers.selection.active == active
    click(table.numbers)
    assert "cell numbers" not in names(viewer)
    assert not localized.results.original.isChecked()
    localized.results.original.click()
    assert all(viewer.layers[role].visible for role in ROLES)
    assert not viewer.layers["localization"].visible
    localized.results.original.click()
    assert viewer.layers["localization"].visible
    assert not any(viewer.layers[role].visible for role in ROLES)


@pytest.mark.binding
def test_a_row_flies_to_its_cell(viewer, localized):
    cells = viewer.layers["cells"]
    localized.results.table.view.selectRow(4)
    row = localized.results.result.table.iloc[4]
    assert cells.selected_label == row["cell"] == 35
    world = cells.data_to_world((row["y"], row["x"]))
    np.testing.assert_allclose(camera_of(viewer).center[-2:], world)
    first = localized.results.table.view.first
    assert first.viewport().width() >= first.columnWidth(0)  # no frame cuts what stands in it


@pytest.mark.binding
def test_a_click_selects_the_row_and_leaves_the_camera(viewer, localized, qtbot):
    before = camera_of(viewer).center
    table = localized.results.table
    table.view.sortByColumn(0, table.view.horizontalHeader().sortIndicatorOrder().DescendingOrder)
    press(viewer, viewer.layers["cells"], (40, 120))
    index = table.view.currentIndex()
    assert index.siblingAtColumn(0).data() == "14"
    assert camera_of(viewer).center == before
    press(viewer, viewer.layers["cells"], (0, 0))
    assert table.view.currentIndex() == index


def test_the_run_of_the_selected_layer_is_shown(viewer, localized, run):
    first = localized.results.result
    viewer.layers["cells"].name, viewer.layers["localization"].name = "mine", "my picture"
    run(localized)
    second = localized.results.result
    assert second is not first
    viewer.layers.selection.active = viewer.layers["mine"]
    assert localized.results.result is first
    viewer.layers.selection.active = viewer.layers["localization"]
    assert localized.results.result is second
