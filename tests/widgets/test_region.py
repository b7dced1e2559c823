"""What is in view: the rectangle that the canvas shows, whatever napari has loaded of the layer."""

from __future__ import annotations

import numpy as np
import pytest

from napari_dualgland.jobs import Region
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.layers.camera import camera_of

from .conftest import refused

SIDE = 2048
CENTER = 700, 900


def pyramid(**options):
    """Return the four layers of a field at three resolutions, as ``add_image`` takes them."""
    whole = np.arange(SIDE * SIDE, dtype=np.uint8).reshape(SIDE, SIDE)
    levels = [whole, whole[::4, ::4], whole[::16, ::16]]
    return [{"data": levels, "name": role, "multiscale": True, **options} for role in ROLES]


@pytest.fixture
def show(viewer, dock):
    """Return a dock that fills what is in view: so many rows around a pixel of the layers."""

    def _show(layers, rows, center=CENTER):
        for options in layers:
            viewer.add_image(**options)
        widget = dock()
        widget.region.ways.set_value("view")
        layer, camera = viewer.layers[0], camera_of(viewer)
        # As large as a canvas is in a window that is not on the screen.
        assert viewer.canvas.size == (800, 600)
        # The level changes; then a part of what is loaded is looked at more closely.
        for wide in (SIDE, 2 * rows, rows):
            camera.zoom = 800 / wide / abs(layer.scale[-1])
            camera.center = (0, *np.asarray(layer.data_to_world(center))[-2:])
            viewer.__wrapped__.window._qt_viewer.canvas.on_draw()
        return widget

    return _show


def near(region, top, bottom, left, right):
    """Whether a region is this, but for a pixel that the edge of the canvas cuts."""
    return np.abs(np.subtract(region.bounds, (top, bottom, left, right))).max() <= 1


@pytest.mark.parametrize(
    "placed", [{}, {"scale": (0.1, 0.1), "translate": (3, -20), "units": ("um", "um")}]
)
def test_what_is_in_view_of_a_pyramid_is_no_more_than_that(show, placed):
    widget = show(pyramid(**placed), 200)
    assert near(widget.region.value(), 600, 800, 825, 975)


def test_a_view_of_a_coarse_level_reaches_to_the_last_row(show):
    widget = show(pyramid(), 2 * SIDE, (SIDE / 2, SIDE / 2))
    assert widget.region.value() == Region(top=0, bottom=SIDE, left=0, right=SIDE)


@pytest.mark.parametrize("rotate", [0, 45])
def test_of_a_layer_without_levels_it_is_what_napari_tells(show, viewer, rotate):
    one = {"data": np.zeros((SIDE, SIDE), np.uint8), "rotate": rotate, "scale": (0.1, 0.1)}
    widget = show([{**one, "name": role} for role in ROLES], 200)
    assert near(widget.region.value(), *viewer.layers[0].corner_pixels.T.ravel())


def test_each_plane_of_a_stack_shows_its_own_view(show):
    stack = np.zeros((3, SIDE, SIDE), np.uint8)
    layers = [{"data": stack, "name": role, "axis_labels": ("z", "y", "x")} for role in ROLES]
    widget = show(layers, 200, (1, *CENTER))
    assert near(widget.region.value(), 600, 800, 825, 975)


def test_in_a_grid_each_layer_is_seen_in_its_own_part_of_the_canvas(show, viewer):
    widget = show(pyramid(), 200)
    viewer.canvas.grid.enabled = True
    assert near(widget.region.value(), 650, 750, 862, 938)


def test_a_volume_is_no_rectangle(show, viewer):
    widget = show(pyramid(), 200)
    viewer.dims.ndisplay = 3
    with refused("lacking", "region"):
        widget.region.value()
