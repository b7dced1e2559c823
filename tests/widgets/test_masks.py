"""What is painted or drawn is what counts as missing, pixel by pixel."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image, Labels, Shapes

from napari_dualgland.errors import Kind
from napari_dualgland.io.layer_masks import mask_from_layer
from napari_dualgland.mask import ROLE_BITS, encode, roles_of_code
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.layers.looks import placement

from .conftest import refused


@pytest.fixture
def zstack():
    pixels = np.zeros((3, 20, 24), "uint8")
    return Source({r: Image(pixels, name=r, scale=(2, 1, 1)) for r in ROLES})


@pytest.fixture
def plane(field):
    return Source(field)


def marking(layer, source):
    return mask_from_layer(layer, source.layers, source.channel_axis)


def labels_on(source, pixels, **options):
    return Labels(pixels, name="mask", **{**placement(source.first), **options})


def test_labels_mark_all_chosen_channels(plane):
    painted = np.zeros((160, 160), int)
    painted[10:20, 30:50] = 7
    stack = plane.stack()
    mask = marking(labels_on(plane, painted), plane).only({"protein", "er"}).fitted(stack)
    assert mask.shape == stack.shape
    for role, i in stack.roles.items():
        expected = painted > 0 if role in ("protein", "er") else np.zeros_like(painted, bool)
        np.testing.assert_array_equal(mask[i], expected)


def test_labels_with_a_channel_axis_mark_each_channel(plane):
    painted = np.random.default_rng(0).integers(0, 2, (4, 160, 160))
    layer = Labels(painted, scale=(1, 0.08, 0.08), translate=(0, 3, -2))
    layer.affine = plane.first.affine.expand_dims([0])
    layer.rotate = np.array(_with_lead(plane.first.rotate))
    layer.shear = (0, 0, 0.05)
    mask = marking(layer, plane).only(ROLES).fitted(plane.stack())
    np.testing.assert_array_equal(mask, painted > 0)


def _with_lead(matrix):
    whole = np.eye(3)
    whole[1:, 1:] = matrix
    return whole


def test_a_missing_layer_tells_the_channels_by_its_codes(plane):
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 16, (160, 160)).astype("uint8")
    layer = labels_on(plane, codes, metadata={"dualgland": {"kind": "missing"}})
    stack = plane.stack()
    mask = marking(layer, plane).only(ROLES).fitted(stack)
    for role, i in stack.roles.items():
        np.testing.assert_array_equal(mask[i], codes & ROLE_BITS[role] > 0)
    np.testing.assert_array_equal(encode(mask, stack), codes)


def test_flat_labels_mark_every_plane(zstack):
    painted = np.zeros((20, 24), int)
    painted[3, 4] = 1
    mask = marking(Labels(painted), zstack).only(ROLES).fitted(zstack.stack())
    assert mask.sum() == 4 * 3
    assert mask[:, :, 3, 4].all()


def test_deep_labels_mark_their_planes(zstack):
    painted = np.zeros((3, 20, 24), int)
    painted[1, 3, 4] = 1
    mask = marking(labels_on(zstack, painted), zstack).only(ROLES).fitted(zstack.stack())
    assert mask.sum() == 4
    assert mask[:, 1, 3, 4].all()


def test_lazy_labels_stay_lazy(zstack):
    layer = labels_on(zstack, da.ones((3, 20, 24), dtype="uint8", chunks=(1, 20, 24)))
    mask = marking(layer, zstack).only(ROLES).fitted(zstack.stack())
    assert isinstance(mask, da.Array)
    assert mask.all().compute()


def test_labels_of_another_size_are_refused(plane):
    with refused(Kind.MISMATCH, "'mask'"):
        marking(labels_on(plane, np.zeros((20, 30), int)), plane)


def test_labels_that_lie_elsewhere_are_refused(plane):
    layer = labels_on(plane, np.zeros((160, 160), int), translate=(3, 7))
    with refused(Kind.MISMATCH, "'mask'"):
        marking(layer, plane)


def test_shapes_mark_their_insides_in_the_image_pixels(plane):
    # Drawn in world coordinates, as a person does over a scaled and rotated image.
    corners = np.array([[20, 30], [20, 60], [50, 60], [50, 30]])
    world = np.array([plane.first.data_to_world(corner) for corner in corners])
    layer = Shapes([world], shape_type="polygon")
    mask = marking(layer, plane).only({"nucleus"}).fitted(plane.stack())
    inside = mask[plane.stack().roles["nucleus"]]
    assert mask.sum() == inside.sum()
    assert inside[22:49, 32:59].all()
    assert not inside[:19].any()
    assert not inside[52:].any()
    assert 29 * 29 <= inside.sum() <= 32 * 32


def test_shapes_with_their_own_scale(zstack):
    layer = Shapes([np.array([[2, 3], [2, 6], [5, 6], [5, 3]])], scale=(2, 2))
    drawn = marking(layer, zstack)
    assert drawn.axes == "YX"
    assert drawn.data[5:10, 7:12].all()
    assert not drawn.data[:3].any()


def test_shapes_of_a_plane_mark_that_plane(zstack):
    square = np.array([[4, 3], [4, 9], [10, 9], [10, 3]])
    layer = Shapes([np.c_[np.full(4, 2.0), square]], shape_type="polygon", scale=(1, 1, 1))
    mask = marking(layer, zstack).only(ROLES).fitted(zstack.stack())
    # z = 2 in world coordinates is plane 1 of a stack with steps of 2.
    assert mask[:, 1].any(axis=(1, 2)).all()
    assert not mask[:, [0, 2]].any()


def test_an_empty_shapes_layer_is_refused(plane):
    with refused(Kind.EMPTY, "'outlines'"):
        marking(Shapes(name="outlines"), plane)


def test_codes_are_told_in_words():
    assert roles_of_code(5) == ("microtubules", "nucleus")
    assert roles_of_code(15) == ROLES
