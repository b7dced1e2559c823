"""Layers become the stack that they show; lazy ones stay lazy, misfits are refused."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image

from napari_dualgland.errors import Kind
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.field.planes import put_plane
from napari_dualgland.widgets.field.source import Source

from .conftest import refused


def test_four_layers_are_one_stack(field):
    stack = Source(field).stack()
    assert stack.axes == "CYX"
    assert tuple(stack.roles) == ROLES
    assert stack.pixel_size.y == pytest.approx(0.08)
    for role, index in stack.roles.items():
        np.testing.assert_array_equal(stack.data[index], field[role].data)


def test_a_role_without_layer_is_absent(field):
    del field["er"]
    assert Source(field).stack().absent_roles == ("er",)


def test_pixels_without_unit_have_no_size():
    layer = Image(np.zeros((8, 8), "uint8"), scale=(2, 2))
    assert Source({"protein": layer}).stack().pixel_size is None


def test_time_and_depth_steps():
    layer = Image(
        np.zeros((3, 4, 8, 8), "uint8"),
        scale=(500, 300, 80, 80),
        units=("ms", "nm", "nm", "nm"),
    )
    stack = Source({"protein": layer}).stack()
    assert stack.axes == "CTZYX"
    assert stack.time_step == pytest.approx(0.5)
    assert stack.pixel_size.z == pytest.approx(0.3)


def test_one_layer_with_a_channel_axis():
    pixels = np.random.default_rng(0).integers(0, 255, (3, 5, 8, 9)).astype("uint16")
    layer = Image(pixels, name="all")
    positions = {"nucleus": 0, "protein": 4}
    stack = Source(dict.fromkeys(positions, layer), 1, positions).stack()
    assert stack.axes == "ZCYX"
    assert stack.roles == {"protein": 4, "nucleus": 0}
    np.testing.assert_array_equal(stack.data, pixels)


def test_lazy_and_multiscale_layers_stay_lazy():
    touched = []

    def block(block_info=None):
        touched.append(block_info)
        return np.zeros((64, 64), "uint8")

    chunks = ((64,) * 4, (64,) * 4)
    lazy = da.map_blocks(block, chunks=chunks, dtype="uint8", meta=np.zeros((0, 0), "u1"))
    touched.clear()
    plain = Image(np.ones((256, 256), "uint8"))
    pyramid = Image([lazy, lazy[::2, ::2]], multiscale=True, contrast_limits=(0, 1))
    touched.clear()
    stack = Source({"protein": pyramid, "nucleus": plain}).stack()
    assert isinstance(stack.data, da.Array)
    assert stack.shape == (2, 256, 256)
    assert not touched


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"scale": (1, 1)}, "scale"),
        ({"translate": (0, 0)}, "translate"),
        ({"rotate": 0}, "rotate"),
        ({"affine": np.eye(3)}, "affine"),
    ],
)
def test_layers_that_lie_apart_are_refused(field, change, word):
    for name, value in change.items():
        setattr(field["er"], name, value)
    with refused(Kind.MISMATCH, "'microtubules' and 'er'", word):
        Source(field)


def test_layers_of_other_size_are_refused(field):
    field["er"].data = np.zeros((20, 30), "uint8")
    with refused(Kind.MISMATCH, "'er'"):
        Source(field)


def test_one_layer_for_two_roles_is_refused(field):
    field["er"] = field["protein"]
    with refused(Kind.CONFLICT, "'protein'"):
        Source(field)


def test_nothing_chosen_is_refused():
    with refused(Kind.LACKING, "channels"):
        Source({})


def test_a_channel_axis_needs_the_other_mode():
    layer = Image(np.zeros((4, 8, 8), "uint8"), axis_labels=("c", "y", "x"), name="all")
    with refused(Kind.WRONG_CONTENT, "'all'"):
        _ = Source({"protein": layer}).axes


def test_the_plane_under_the_slider():
    layer = Image(np.zeros((3, 6, 8, 8), "uint8"), scale=(2, 0.5, 1, 1), translate=(0, 10, 0, 0))
    source = Source({"protein": layer})
    assert source.frame_lengths() == {"T": 3, "Z": 6}
    assert source.frame_at((4.0, 12.0, 0, 0)) == {"T": 2, "Z": 4}
    assert source.frame_at((99, -99, 0, 0)) == {"T": 2, "Z": 0}


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("axes", ["TZYX", "ZYX", "YX", "ZTCYX", "CZYX"])
def test_a_plane_goes_back_where_it_came_from(axes, lazy):
    sizes = {"T": 3, "Z": 4, "C": 2, "Y": 5, "X": 6}
    whole = np.arange(np.prod([sizes[a] for a in axes])).reshape([sizes[a] for a in axes])
    frame = {"T": 2, "Z": 1}
    at = tuple(slice(frame[a], frame[a] + 1) if a in frame else slice(None) for a in axes)
    before = whole.copy()
    changed = put_plane(da.from_array(whole) if lazy else whole, -whole[at], frame, axes)
    assert isinstance(changed, da.Array) is lazy
    expected = whole.copy()
    expected[at] *= -1
    if axes == "YX":
        expected = -whole
    np.testing.assert_array_equal(np.asarray(changed), expected)
    np.testing.assert_array_equal(whole, before)
