"""A later run beside what an earlier one, or a person, has left in the viewer."""

from __future__ import annotations

import os
from types import SimpleNamespace

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels

from napari_dualgland.io.layer_tag import LayerTag, metadata_of
from napari_dualgland.provenance import Provenance
from napari_dualgland.stack import ROLES

from .conftest import PLACED, names, plain_field

on_screen = pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="napari draws with OpenGL"
)


def move(viewer):
    """Calibrate and shift the source layers, as a person does between two runs."""
    for role in ROLES:
        layer = viewer.layers[role]
        layer.scale, layer.translate, layer.units = (0.2, 0.2), (5, 7), ("um", "um")


@on_screen
@pytest.mark.parametrize("name", ["dock", "localize_dock", "boundaries_dock"])
def test_results_lie_where_their_source_lies_by_now(viewer, scene, run, request, name):
    layers = plain_field() if name == "dock" else plain_field(scene[0])
    widget = request.getfixturevalue(name)(layers)
    run(widget)
    left = [layer for layer in viewer.layers if layer.name not in ROLES]
    assert left
    move(viewer)
    run(widget)
    assert left == [layer for layer in viewer.layers if layer.name not in ROLES]
    for layer in left:
        assert tuple(layer.scale[-2:]) == (0.2, 0.2), layer.name
        assert tuple(layer.translate[-2:]) == (5, 7), layer.name
        assert {*map(str, layer.units)} == {"micrometer"}, layer.name


@on_screen
@pytest.mark.parametrize("name", ["localize_dock", "boundaries_dock"])
def test_cells_that_a_person_has_painted_on_stay(viewer, scene, run, request, name):
    widget = request.getfixturevalue(name)(plain_field(scene[0]))
    run(widget)
    cells, result = viewer.layers["cells"], widget.results.result
    found = np.array(cells.data)
    cells.data[:4, :4] = 1
    np.testing.assert_array_equal(result.cells, found)
    run(widget)
    assert cells.name == "cells (edited)"
    assert (cells.data[:4, :4] == 1).all()
    np.testing.assert_array_equal(viewer.layers["cells"].data, found)
    run(widget)  # the new one is nobody's, and is taken again
    assert sum("cells" in name for name in names(viewer)) == 2


@on_screen
def test_other_cells_leave_those_of_a_localization_alone(
    viewer, scene, localized, boundaries_dock, run
):
    told = localized.run_view.layers.cells
    before, speaks = np.array(told.data), told.features.copy()
    others = np.where(scene[1] == 1, 2, np.where(scene[1] == 2, 1, scene[1]))
    widget = boundaries_dock([Labels(others, name="other cells", **PLACED)])
    widget.cells.combo.set_layer(viewer.layers["other cells"])
    run(widget)
    np.testing.assert_array_equal(told.data, before)
    assert told.features.equals(speaks)
    assert localized.run_view.layers.cells is told
    assert widget.run_view.layers.cells is not told
    np.testing.assert_array_equal(widget.run_view.layers.cells.data, others)


@on_screen
def test_export_writes_the_latest_run(viewer, localized, run):
    from napari_dualgland.widgets.export.dock import ExportWidget

    export = ExportWidget(viewer)
    for found in export.what._found:
        if found.kind == "localization":
            export.what.choose(found.key)
    assert export.load(export.value()) is localized.results.result
    earlier = localized.results.result
    run(localized)
    assert localized.results.result is not earlier
    export.show_plan()
    assert export.load(export.value()) is localized.results.result


def test_a_field_comes_back_when_the_one_before_it_is_closed():
    from napari_dualgland.widgets.field.field_of_view import field_of

    viewer = ViewerModel()
    field = field_of(viewer)
    for name in "AB":
        for role in ROLES:
            tag = LayerTag(role=role, field=name, path=f"/d/{name}_{role}.tif")
            viewer.add_image(np.zeros((8, 8)), name=role, metadata=metadata_of(tag))
    first, second = viewer.layers[:4], viewer.layers[4:]
    first[3].visible = True  # looked at by hand
    assert [layer.visible for layer in viewer.layers] == [False] * 3 + [True] * 5
    for layer in list(second):
        viewer.layers.remove(layer)
    assert field.field().name == "A"
    assert all(layer.visible for layer in first)


def test_a_zoom_leaves_what_a_person_has_set(qtbot):
    from napari_dualgland.widgets.layers.camera import camera_of
    from napari_dualgland.widgets.layers.outlines import keep_outlined

    viewer, tag = ViewerModel(), LayerTag(kind="missing", provenance=Provenance.unknown())
    marks = [
        viewer.add_labels(np.ones((8, 8), int), name=name, metadata=metadata_of(tag))
        for name in ("as it is", "set")
    ]
    for layer in marks:
        keep_outlined(viewer, layer)
    before = marks[0].contour
    marks[1].opacity = 0.2
    camera_of(viewer).zoom = 0.1
    qtbot.waitUntil(lambda: marks[0].contour != before, timeout=5000)
    assert marks[1].opacity == 0.2
    assert marks[1].contour == before


@pytest.mark.parametrize("times", [0, 4], ids=["alone", "in time"])
@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    ("position", "view", "hit"),
    [
        ((-60.0, 20, 20), (1, 0, 0), (2, 20, 20)),
        ((100.0, 20, 20), (-1, 0, 0), (7, 20, 20)),
        ((3.0, 20, -70), (0, 0, 1), (3, 20, 5)),
        ((-60.0, 60, 60), (1, 0, 0), None),
    ],
)
def test_in_three_dimensions_the_pixel_in_sight_is_clicked(position, view, hit, lazy, times):
    from napari_dualgland.widgets.cells.canvas_link import ClickWatch

    viewer, told = ViewerModel(), []
    pixels = np.zeros((8, 64, 64), int)
    pixels[2:, 5:40, 5:40] = 1
    scale: tuple[float, ...] = (1.0, 1.0, 1.0)
    if times:  # a step of time is not one of the units of the world
        pixels = np.stack([np.zeros_like(pixels)] * (times - 1) + [pixels])
        scale = (30.0, *scale)
        position, view = (30.0 * (times - 1), *position), (0, *view)
        hit = None if hit is None else (times - 1, *hit)
    layer = viewer.add_labels(da.from_array(pixels) if lazy else pixels, scale=scale)
    watch = ClickWatch(viewer, lambda: layer, lambda label, place: told.append((label, place)))
    viewer.dims.ndisplay = 3
    viewer.dims.set_point(0, position[0])
    event = SimpleNamespace(
        type="mouse_press",
        pos=(10, 10),
        position=position,
        view_direction=np.array(view, float),
        dims_displayed=list(viewer.dims.displayed),
    )
    steps = viewer.mouse_drag_callbacks[-1](viewer, event)
    next(steps)
    event.type = "mouse_release"
    next(steps, None)
    assert told == ([] if hit is None else [(1, hit)])
    watch.stop()
