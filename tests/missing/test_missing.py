"""What is found missing: damage of every kind in simulated cells, and nothing in whole ones."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import ndimage

from napari_dualgland.missing import MissingParams, find_missing
from napari_dualgland.missing.windows import blocks, box_sum, dilated, flat, running
from napari_dualgland.stack import Channel, Stack

SIDE = 384
GAIN = 1.5
"""Variance of the noise per grey level, as in atlas fields."""


def stack_of(data, axes="YX"):
    count = data.shape[axes.index("C")] if "C" in axes else 1
    return Stack(data, axes, tuple(Channel(f"c{i}") for i in range(count)))


def found_in(data, axes="YX", **options):
    return find_missing(stack_of(data, axes), MissingParams(**options))


def field(seed=0, side=SIDE, top=120.0):
    """Return a whole channel as uint8: blurred cells, photon noise, a background of 0.

    Some spots are bright enough to be clipped at 255, as honest bright spots are.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    cells = np.zeros((side, side))
    for cy, cx in rng.uniform(0, side, (7, 2)):
        inside = (y - cy) ** 2 + (x - cx) ** 2 < rng.uniform(50, 80) ** 2
        cells = np.maximum(cells, inside * rng.uniform(0.6, 1.0))
    texture = 1 + 0.5 * ndimage.gaussian_filter(rng.normal(size=cells.shape), 3) * 6
    image = ndimage.gaussian_filter(cells * np.clip(texture, 0.3, 2), 2.0) * top
    spots = np.zeros_like(image)
    spots.flat[rng.integers(0, spots.size, 12)] = 1
    image += ndimage.gaussian_filter(spots * (cells > 0), 2.5) * 40 * 400
    noisy = image + np.sqrt(GAIN * np.maximum(image, 0) + 4) * rng.normal(size=image.shape) - 6
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def bright(plane):
    """Return the pixels well within cells."""
    return ndimage.uniform_filter(plane.astype(np.float32), 25) > 40


def box(plane):
    mask = np.zeros(plane.shape, bool)
    mask[100:160, 90:190] = True
    mask[250:300, 220:330] = True
    return mask


def lines(plane):
    mask = np.zeros(plane.shape, bool)
    mask[120] = mask[200:203] = mask[300:302, 50:300] = True
    mask[:, 77] = True
    return mask


def scratches(plane):
    t = np.linspace(0, 1, 4000)
    mask = np.zeros(plane.shape, bool)
    for i in range(3):
        y = 60 + 90 * i + 60 * t + 20 * np.sin(5 * t + i)
        mask[np.rint(y).astype(int), np.rint(t * (SIDE - 1)).astype(int)] = True
    return ndimage.binary_dilation(mask, np.ones((3, 3)))


def blobs(plane):
    rng = np.random.default_rng(1)
    y, x = np.mgrid[: plane.shape[0], : plane.shape[1]]
    mask = np.zeros(plane.shape, bool)
    for at in rng.choice(np.flatnonzero(bright(plane)), 8):
        cy, cx = divmod(int(at), plane.shape[1])
        mask |= (y - cy) ** 2 + (x - cx) ** 2 < rng.uniform(6, 18) ** 2
    return mask


def dropout(plane):
    return np.random.default_rng(2).random(plane.shape) < 0.4


DAMAGE = {"box": box, "lines": lines, "scratches": scratches, "blobs": blobs, "dropout": dropout}


@pytest.mark.parametrize("seed", range(6))
def test_whole_cells_with_true_zeros_and_clipped_spots_are_left_alone(seed):
    plane = field(seed)
    assert (plane == 0).mean() > 0.05
    assert found_in(plane).mean() < 1e-4


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("family", DAMAGE)
def test_damage_in_signal_is_found_and_little_else(family, value):
    found_within, whole_found = [], []
    for seed in range(3):
        plane = field(seed)
        mask = DAMAGE[family](plane)
        found = found_in(np.where(mask, np.uint8(value), plane))
        found_within.append(found[mask & bright(plane)])
        whole_found.append(found[~mask])
    assert np.concatenate(found_within).mean() > 0.95
    # Background of the very value between dropped pixels cannot be told from them.
    allowed = 0.25 if (family, value) == ("dropout", 0) else 0.01
    assert np.concatenate(whole_found).mean() < allowed


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "float64"])
@pytest.mark.parametrize("value", ["low", "high"])
def test_every_dtype_gives_the_same_answer(dtype, value):
    plane = field(3)
    hurt = np.where(box(plane), np.uint8(0 if value == "low" else 255), plane)
    expected = found_in(hurt)
    assert expected[box(plane) & bright(plane)].mean() > 0.95
    scale = {"uint8": 1, "uint16": 257, "int16": 100, "float32": 1 / 256, "float64": 1 / 256}
    scaled = (hurt * np.float64(scale[dtype])).astype(dtype)
    np.testing.assert_array_equal(found_in(scaled), expected)


def test_a_camera_with_a_black_level_and_twelve_bits_in_sixteen():
    plane = field(4).astype(np.uint16) * 14
    plane += np.random.default_rng(0).integers(90, 111, plane.shape, dtype=np.uint16)
    mask = box(plane)
    for value in (0, 4095):
        found = found_in(np.where(mask, np.uint16(value), plane))
        assert found[mask].mean() > 0.99
        assert not found[~mask].any()


def test_a_dead_tile_at_a_middle_value():
    plane = field(5)
    mask = box(plane)
    hurt = np.where(mask, np.uint8(37), plane)
    assert found_in(hurt)[mask].mean() > 0.95
    assert not found_in(hurt, constant=False)[mask].any()


def test_zero_between_negative_and_positive_values():
    rng = np.random.default_rng(0)
    plane = (field(2).astype(np.int16) * 20 + rng.normal(0, 30, (SIDE, SIDE))).astype(np.int16)
    assert plane.min() < 0
    mask = scratches(plane)
    found = found_in(np.where(mask, np.int16(0), plane))
    assert found[mask & bright(plane // 20)].mean() > 0.95


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_and_infinities_are_missing_and_do_not_spread(dtype):
    plane = field(1).astype(dtype)
    mask = np.zeros(plane.shape, bool)
    plane[10:20, 30:90] = np.nan
    plane[200, 5] = np.inf
    plane[201, 9] = -np.inf
    mask[10:20, 30:90] = mask[200, 5] = mask[201, 9] = True
    np.testing.assert_array_equal(found_in(plane), mask)
    assert not found_in(plane, nan=False).any()


def test_damage_is_found_beside_nan():
    plane = field(1).astype(np.float32)
    mask = box(plane)
    plane[mask] = 0
    plane[40:60, 200:260] = np.nan
    found = found_in(plane)
    assert found[40:60, 200:260].all()
    assert found[mask & bright(field(1))].mean() > 0.95


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 3), (40, 50)])
@pytest.mark.parametrize("value", [0, 1, 255])
def test_one_value_everywhere_tells_nothing(dtype, shape, value):
    value = min(value, np.iinfo(dtype).max) if np.issubdtype(dtype, np.integer) else value
    found = found_in(np.full(shape, value, dtype))
    assert found.shape == shape
    assert found.dtype == bool
    assert not found.any()


def test_all_nan_is_all_missing():
    assert found_in(np.full((6, 5), np.nan)).all()


@settings(max_examples=40)
@given(
    st.integers(1, 60),
    st.integers(1, 60),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["uint8", "uint16", "int16", "float32", "float64"]),
)
def test_smooth_positive_images_hold_no_damage(height, width, seed, dtype):
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.random((height, width)), 5, mode="reflect")
    smooth = (smooth - smooth.min()) / max(np.ptp(smooth), 1e-9)
    image = 20 + 100 * smooth + rng.normal(0, 0.7, smooth.shape)
    assert not found_in(image.astype(dtype)).any()


@settings(max_examples=25)
@given(st.integers(1, 12), st.integers(1, 12), st.data())
def test_tiny_images_of_anything_are_answered(height, width, data):
    values = data.draw(
        st.lists(st.integers(0, 255), min_size=height * width, max_size=height * width)
    )
    image = np.array(values, np.uint8).reshape(height, width)
    assert found_in(image).shape == image.shape


def test_switches_leave_their_detector_out():
    plane = field(0)
    mask = box(plane)
    dark, saturated = np.where(mask, np.uint8(0), plane), np.where(mask, np.uint8(255), plane)
    off = {"dark": False, "straight": False, "scattered": False}
    assert not found_in(dark, **off)[mask].any()
    off = {"saturated": False, "straight": False, "scattered": False, "constant": False}
    assert not found_in(saturated, **off)[mask].any()
    lost = np.random.default_rng(0).random(plane.shape) < 0.03
    sparse = np.where(lost, np.uint8(0), plane)
    very_bright = lost & (ndimage.uniform_filter(plane.astype(np.float32), 9) > 80)
    assert found_in(sparse)[very_bright].mean() > 0.8
    assert found_in(sparse, scattered=False)[very_bright].mean() < 0.1


def test_a_tile_partly_over_background_is_completed_from_its_edges():
    rng = np.random.default_rng(0)
    # A cell in the upper left that fades to the background, as nature does.
    fade = np.clip((np.array([150, 120]) - np.mgrid[:300, :300].T) / 30, 0, 1).prod(axis=-1).T
    plane = (np.clip(rng.normal(80, 10, (300, 300)), 1, 254) * fade).astype(np.uint8)
    plane[100:220, 60:200] = 0
    completed = found_in(plane)
    assert completed[100:148, 60:118].all()
    assert found_in(plane, straight=False)[100:148, 60:118].mean() < 0.5
    outside = np.ones_like(completed)
    outside[92:228, 52:208] = False  # a hard rim speaks for the 7 pixels around it
    assert not completed[outside].any()


def test_a_hole_known_in_one_channel_is_taken_over_where_another_bears_it_out():
    strong, weak = field(0), field(6, top=26.0)
    mask = box(strong)
    pair = np.stack([strong, weak])
    pair[:, mask] = 0
    together = found_in(pair, "CYX")
    alone = found_in(pair, "CYX", across_channels=False)
    assert (together >= alone).all()
    only_one = np.stack([strong, weak])
    only_one[0, mask] = 0
    np.testing.assert_array_equal(found_in(only_one, "CYX")[1], found_in(weak))
    assert found_in(weak).mean() < 1e-4


def test_a_background_cut_away_around_a_cell_is_no_damage():
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    outline = np.hypot(y / 1.1, x) < 110 * (1 + 0.2 * np.sin(4 * np.arctan2(y, x)))
    rng = np.random.default_rng(0)
    cell = np.clip(rng.normal(90, 12, (2, SIDE, SIDE)), 1, 254).astype(np.uint8) * outline
    assert not found_in(cell, "CYX").any()
    assert found_in(cell, "CYX", masked_background=False).any()
    cell[:, 180:200, 150:220] = 0
    found = found_in(cell, "CYX")
    assert found[:, 180:200, 150:220].all()
    assert found.sum() == 2 * 20 * 70


@pytest.mark.parametrize("axes", ["YX", "CYX", "ZYX", "TZCYX", "XYC"])
def test_lazy_and_loaded_agree_in_every_order_of_axes(axes):
    size = {"T": 2, "Z": 2, "C": 2, "Y": 192, "X": 160}
    plane = field(0)[:192, :160]
    plane[50:90, 30:80] = 0
    whole = np.broadcast_to(plane, [size[a] for a in "TZCYX" if a in axes]).copy()
    order = [a for a in "TZCYX" if a in axes]
    data = whole.transpose([order.index(a) for a in axes])
    loaded = found_in(data, axes)
    lazy = find_missing(stack_of(da.from_array(data, chunks=64), axes))
    assert isinstance(lazy, da.Array)
    assert lazy.shape == loaded.shape == data.shape
    assert loaded.any()
    np.testing.assert_array_equal(lazy.compute(), loaded)


def test_a_lazy_plane_is_computed_only_when_it_is_asked_for():
    asked = []

    def plane(block_info=None):
        asked.append(block_info[None]["chunk-location"])
        return np.zeros((1, 32, 32), np.uint8)

    data = da.map_blocks(
        plane, chunks=((1,) * 3, (32,), (32,)), dtype=np.uint8, meta=np.empty((0, 0, 0), np.uint8)
    )
    found = find_missing(stack_of(data, "ZYX"))
    assert asked == []
    found[1].compute()
    assert asked == [(1, 0, 0)]


def test_the_source_is_not_touched():
    plane = field(0)
    plane[40:80, 40:80] = 0
    before = plane.copy()
    plane.setflags(write=False)
    found_in(plane)
    np.testing.assert_array_equal(plane, before)


@pytest.mark.parametrize(
    "wrong", [{"step": 0}, {"step": 1.5}, {"noise": -1}, {"min_size": 0}, {"tiles": True}]
)
def test_options_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError):
        MissingParams(**wrong)


# The windows, against the definition.


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 5), st.integers(0, 5), st.data())
def test_a_running_window_is_what_it_says(height, width, before, after, data):
    axis = data.draw(st.integers(0, 1))
    seed = data.draw(st.integers(0, 999))
    values = np.random.default_rng(seed).integers(0, 9, (height, width))
    expected = np.zeros_like(values)
    moved, source = np.moveaxis(expected, axis, 0), np.moveaxis(values, axis, 0)
    for i in range(len(source)):
        moved[i] = source[max(0, i - before) : i + after + 1].sum(axis=0)
    np.testing.assert_array_equal(running(values, np.add, before, after, axis), expected)


@pytest.mark.parametrize("side", [3, 5, 7, 9, 13, 15])
def test_windows_agree_with_scipy(side):
    rng = np.random.default_rng(side)
    mask = rng.random((61, 43)) < 0.02
    np.testing.assert_array_equal(
        dilated(mask, side), ndimage.binary_dilation(mask, np.ones((side, side)))
    )
    values = rng.integers(0, 255, (61, 43))
    expected = ndimage.convolve(values, np.ones((side, side), int), mode="constant")
    np.testing.assert_array_equal(box_sum(values, side), expected)
    steps = np.repeat(np.repeat(rng.integers(0, 2, (8, 6)), 8, axis=0), 8, axis=1)
    same = ndimage.maximum_filter(steps, side) == ndimage.minimum_filter(steps, side)
    half = side // 2
    within = (slice(half, -half), slice(half, -half))
    np.testing.assert_array_equal(flat(steps, side)[within], same[within])


def test_blocks_cover_what_is_active_once_and_see_around_it():
    active = np.zeros((70, 50), bool)
    active[3, 3] = active[69, 49] = active[40, 31] = True
    covered = np.zeros(active.shape, int)
    for outer, inner, block in blocks(active, 32, 5):
        covered[block] += 1
        np.testing.assert_array_equal(active[outer][inner], active[block])
    assert covered.max() == 1
    assert covered[active].all()
    assert not covered[:32, 32:].any()
