"""Masks that a person brings: every accepted shape, and one clear line for the others."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_dualgland.errors import DualglandError
from napari_dualgland.missing import match_mask, missing_fraction
from napari_dualgland.stack import CANONICAL_AXES, Channel, Stack, to_canonical


def stack_of(shape: tuple[int, ...], axes: str, lazy: bool = False) -> Stack:
    data = np.zeros(shape, np.uint8)
    count = shape[axes.index("C")] if "C" in axes else 1
    channels = tuple(Channel(f"c{i}") for i in range(count))
    return Stack(da.from_array(data) if lazy else data, axes, channels)


@st.composite
def stacks(draw: st.DrawFn) -> Stack:
    letters = draw(st.sets(st.sampled_from("TZC"))) | {"Y", "X"}
    axes = "".join(draw(st.permutations(sorted(letters))))
    # Sides that differ, so that no shape can be read in two ways.
    size = dict(zip("TZCYX", draw(st.permutations([2, 3, 4, 5, 6])), strict=True))
    return stack_of(tuple(size[a] for a in axes), axes)


@given(stacks(), st.data())
def test_every_accepted_shape_reaches_every_value_it_speaks_of(stack, data):
    ways = [stack.axes, "YX"] + (["CYX"] if "C" in stack.axes else [])
    axes = data.draw(st.sampled_from(ways))
    dtype = data.draw(st.sampled_from([bool, np.uint8, np.int16, np.float32]))
    shape = tuple(stack.sizes[a] for a in axes)
    mask = data.draw(hnp.arrays(dtype, shape, elements=st.sampled_from([0, 1])))
    full = match_mask(mask, stack)
    assert full.dtype == bool
    assert full.shape == stack.shape
    expected = to_canonical(mask.astype(bool), axes)
    np.testing.assert_array_equal(
        to_canonical(full, stack.axes),
        np.broadcast_to(expected, [stack.sizes.get(a, 1) for a in CANONICAL_AXES]),
    )


@given(stacks(), st.lists(st.integers(1, 7), min_size=1, max_size=5).map(tuple))
def test_any_other_shape_is_refused_with_both_shapes(stack, shape):
    accepted = {stack.shape} | {
        tuple(stack.sizes[a] for a in axes)
        for axes in ("YX", "CYX")
        if set(axes) <= set(stack.axes)
    }
    if shape in accepted:
        return
    with pytest.raises(DualglandError) as error:
        match_mask(np.zeros(shape, bool), stack)
    message = str(error.value)
    assert str(shape) in message
    assert str(stack.shape) in message
    assert "YX" in message
    assert "\n" not in message


@pytest.mark.parametrize("value", [1, 255, -1, 0.5, np.nan, True])
def test_anything_but_zero_is_missing(value):
    mask = np.array([[0, value], [0, 0]])
    np.testing.assert_array_equal(
        match_mask(mask, stack_of((2, 2), "YX")), [[False, True], [False, False]]
    )


def test_words_are_no_mask():
    with pytest.raises(DualglandError, match="neither boolean nor numeric"):
        match_mask(np.array([["yes", "no"]]), stack_of((1, 2), "YX"))


def test_the_full_shape_wins_where_a_shape_has_two_readings():
    stack = stack_of((2, 3, 3), "ZYX")
    mask = np.zeros((2, 3, 3), bool)
    mask[1] = True
    np.testing.assert_array_equal(match_mask(mask, stack), mask)


def test_a_mask_for_all_channels_is_writable_and_its_channels_are_apart():
    full = match_mask(np.zeros((4, 5), bool), stack_of((3, 4, 5), "CYX"))
    full[0, 0, 0] = True
    assert full.sum() == 1


@pytest.mark.parametrize("lazy_stack", [True, False])
@pytest.mark.parametrize("lazy_mask", [True, False])
def test_lazy_in_lazy_out(lazy_stack, lazy_mask):
    stack = stack_of((2, 3, 4, 5), "TCYX", lazy=lazy_stack)
    mask = np.arange(20).reshape(4, 5) % 3
    full = match_mask(da.from_array(mask) if lazy_mask else mask, stack)
    assert isinstance(full, da.Array) is (lazy_stack or lazy_mask)
    np.testing.assert_array_equal(full, np.broadcast_to(mask != 0, stack.shape))


def test_the_fraction_of_each_channel():
    stack = stack_of((2, 4, 5), "CYX")
    mask = np.zeros((2, 4, 5), bool)
    mask[1, :2] = True
    assert missing_fraction(mask, stack) == {"c0": 0.0, "c1": 0.5}
    assert missing_fraction(mask[1], stack) == {"c0": 0.5, "c1": 0.5}
    lazy = stack_of((2, 4, 5), "CYX", lazy=True)
    assert missing_fraction(da.from_array(mask), lazy) == {"c0": 0.0, "c1": 0.5}


def test_channels_of_one_name_are_told_apart():
    stack = Stack(np.zeros((2, 1, 4), np.uint8), "CYX", (Channel("dapi"), Channel("dapi")))
    mask = np.zeros((2, 1, 4), bool)
    mask[0, 0, 0] = True
    assert missing_fraction(mask, stack) == {"dapi [0]": 0.25, "dapi [1]": 0.0}
