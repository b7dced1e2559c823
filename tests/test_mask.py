"""Masks that a person brings: every accepted shape, and one clear line for the others."""

from __future__ import annotations

import itertools

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.mask import Mask, as_mask, encode, roles_of_code
from napari_dualgland.stack import CANONICAL_AXES, ROLES, Channel, Stack, to_canonical


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


def some_axes(stack: Stack) -> list[str]:
    """Return all orders of axes that a mask may have, the stack's own apart."""
    leading = [a for a in "TZC" if a in stack.axes]
    return [
        "".join(some) + "YX"
        for n in range(len(leading) + 1)
        for some in itertools.combinations(leading, n)
    ]


@given(stacks(), st.data())
def test_every_accepted_shape_reaches_every_value_it_speaks_of(stack, data):
    axes = data.draw(st.sampled_from([stack.axes, *some_axes(stack)]))
    dtype = data.draw(st.sampled_from([bool, np.uint8, np.int16, np.float32]))
    shape = tuple(stack.sizes[a] for a in axes)
    mask = data.draw(hnp.arrays(dtype, shape, elements=st.sampled_from([0, 1])))
    full = as_mask(mask).fitted(stack)
    assert full.dtype == bool
    assert full.shape == stack.shape
    expected = to_canonical(mask.astype(bool), axes)
    np.testing.assert_array_equal(
        to_canonical(full, stack.axes),
        np.broadcast_to(expected, [stack.sizes.get(a, 1) for a in CANONICAL_AXES]),
    )


def without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n != 1)


@given(stacks(), st.lists(st.integers(1, 7), min_size=1, max_size=5).map(tuple))
def test_any_other_shape_is_refused_with_both_shapes(stack, shape):
    accepted = {tuple(stack.sizes[a] for a in axes) for axes in (stack.axes, *some_axes(stack))}
    if without_ones(shape) in {without_ones(fitting) for fitting in accepted}:
        return  # programs add and drop axes of length 1
    with pytest.raises(DualglandError) as error:
        as_mask(np.zeros(shape, bool)).fitted(stack)
    assert error.value.kind is Kind.MISMATCH
    message = str(error.value)
    assert str(shape) in message
    assert str(stack.shape) in message
    assert "YX" in message
    assert "\n" not in message


@pytest.mark.parametrize("value", [1, 255, -1, 0.5, np.nan, True])
def test_anything_but_zero_is_missing(value):
    mask = np.array([[0, value], [0, 0]])
    np.testing.assert_array_equal(
        as_mask(mask).fitted(stack_of((2, 2), "YX")), [[False, True], [False, False]]
    )


def test_words_are_no_mask():
    with pytest.raises(DualglandError) as error:
        as_mask(np.array([["yes", "no"]])).fitted(stack_of((1, 2), "YX"))
    assert error.value.kind is Kind.WRONG_CONTENT


def test_the_full_shape_wins_where_a_shape_has_two_readings():
    stack = stack_of((2, 3, 3), "ZYX")
    mask = np.zeros((2, 3, 3), bool)
    mask[1] = True
    np.testing.assert_array_equal(as_mask(mask).fitted(stack), mask)


def test_a_mask_for_all_channels_is_writable_and_its_channels_are_apart():
    full = as_mask(np.zeros((4, 5), bool)).fitted(stack_of((3, 4, 5), "CYX"))
    full[0, 0, 0] = True
    assert full.sum() == 1


@pytest.mark.parametrize("lazy_stack", [True, False])
@pytest.mark.parametrize("lazy_mask", [True, False])
def test_lazy_in_lazy_out(lazy_stack, lazy_mask):
    stack = stack_of((2, 3, 4, 5), "TCYX", lazy=lazy_stack)
    mask = np.arange(20).reshape(4, 5) % 3
    full = as_mask(da.from_array(mask) if lazy_mask else mask).fitted(stack)
    assert isinstance(full, da.Array) is (lazy_stack or lazy_mask)
    np.testing.assert_array_equal(full, np.broadcast_to(mask != 0, stack.shape))


def test_axes_that_the_mask_names_come_before_its_shape():
    stack = stack_of((4, 4, 5, 6), "ZCYX")
    by_plane = np.zeros((4, 5, 6), bool)
    by_plane[2] = True
    by_z, by_channel = (Mask(by_plane, axes).fitted(stack) for axes in ("ZYX", "CYX"))
    assert by_z[2].all()
    assert by_channel[:, 2].all()
    assert by_z.sum() == by_channel.sum() == 4 * 30


def refusal(stack: Stack, mask: Mask, labels: bool = False) -> DualglandError:
    with pytest.raises(DualglandError) as error:
        mask.labels(stack) if labels else mask.fitted(stack)
    assert error.value.place == mask.name
    return error.value


@pytest.mark.parametrize(
    ("sizes", "shape", "axes"),
    [
        ("Z4 C4", (4, 5, 6), None),
        ("T4 C4", (4, 5, 6), None),
        ("T3 Z3 C4", (3, 5, 6), None),
        ("T3 Z3 C4", (3, 4, 5, 6), None),
        ("T3 Z4 C4", (3, 4, 5, 6), None),
        ("Z4 C4", (4, 5, 6), "TYX"),  # there is no t, and z and channels are as many
    ],
)
def test_what_could_be_two_things_is_refused(sizes, shape, axes):
    named = {word[0]: int(word[1]) for word in sizes.split()}
    stack = stack_of((*named.values(), 5, 6), "".join(named) + "YX")
    error = refusal(stack, Mask(np.zeros(shape, bool), axes, name="drawn"))
    assert error.kind is Kind.AMBIGUOUS


@pytest.mark.parametrize("axis", "TZC")
def test_a_named_axis_of_another_length_is_not_taken_for_another(axis):
    stack = stack_of((5, 6, 4, 7, 8), "TZCYX")
    length = {"T": 4, "Z": 4, "C": 6}[axis]  # which is the length of another
    error = refusal(stack, Mask(np.zeros((length, 7, 8), bool), f"{axis}YX", name="drawn"))
    assert error.kind is Kind.MISMATCH
    assert error.part == f"axis {axis}"


def test_what_fits_in_one_way_is_taken():
    stack = stack_of((3, 5, 4, 7, 8), "TZCYX")
    for axis, length in (("T", 3), ("Z", 5), ("C", 4)):
        marks = np.random.default_rng(0).random((length, 7, 8)) < 0.5
        whole = to_canonical(marks, f"{axis}YX")
        np.testing.assert_array_equal(
            Mask(marks).fitted(stack), np.broadcast_to(whole, (3, 5, 4, 7, 8))
        )


def test_labels_of_a_plane_are_never_taken_for_those_of_channels():
    stack = stack_of((4, 4, 5, 6), "ZCYX")
    cells = np.arange(4)[:, None, None] * np.ones((5, 6), int)
    np.testing.assert_array_equal(Mask(cells).labels(stack), cells)
    one = Mask(cells, of_cells=True).plane(stack, z=3)
    np.testing.assert_array_equal(one.labels(stack.plane(0, 3)), cells[3])


def test_axes_that_cannot_be_are_told_by_the_shape():
    """Many programs call the channels of a mask z, or pages."""
    mask = Mask(np.ones((3, 4, 5), bool), "ZYX")
    assert mask.fitted(stack_of((3, 4, 5), "CYX")).all()


def test_a_mask_of_one_plane_of_a_stack():
    whole = stack_of((2, 3, 4, 5, 6), "TZCYX")
    rng = np.random.default_rng(0)
    marks = rng.random((2, 3, 4, 5, 6)) < 0.5
    one = Mask(marks).plane(whole, t=1, z=2)
    np.testing.assert_array_equal(one.fitted(whole.plane(1, 2)), marks[1, 2])
    shared = Mask(marks[0, 0, 0]).plane(whole, t=1, z=2)
    assert shared.fitted(whole.plane(1, 2)).sum() == 4 * marks[0, 0, 0].sum()


def roles_stack() -> Stack:
    channels = (*(Channel(role, role) for role in ROLES[1:]), Channel("phase"))
    return Stack(np.zeros((4, 2, 3), np.uint8), "CYX", channels)


def test_marks_hold_in_the_chosen_channels_alone():
    stack = roles_stack()
    found = Mask(np.ones((2, 3), bool)).only(["er", "microtubules"]).fitted(stack)
    assert [bool(plane.all()) for plane in found] == [False, False, True, False]


def test_what_cannot_mark_anything_is_refused():
    with pytest.raises(DualglandError) as error:
        Mask(np.ones((2, 3), bool)).only(["nuclei"])
    assert error.value.kind is Kind.BAD_VALUE
    bits = Mask(np.full((2, 3), np.nan), coded=True, name="bits")
    assert refusal(roles_stack(), bits).kind is Kind.WRONG_CONTENT


def test_bits_go_to_codes_and_back():
    stack = roles_stack()
    marks = np.random.default_rng(0).random((4, 2, 3)) < 0.5
    codes = encode(marks, stack)
    assert codes.dtype == np.uint8
    back = Mask(codes, "YX", coded=True)
    np.testing.assert_array_equal(back.fitted(stack)[:3], marks[:3])
    assert not back.fitted(stack)[3].any()  # no bit stands for a channel without a role
    np.testing.assert_array_equal(back.only(["nucleus"]).fitted(stack)[1], marks[1])
    assert roles_of_code(int(codes[0, 0])) == tuple(
        role for role, mark in zip(ROLES[1:], marks[:3, 0, 0], strict=True) if mark
    )


def test_labels_keep_their_numbers_on_every_plane():
    stack = stack_of((2, 3, 4, 5), "ZCYX")
    cells = np.arange(20).reshape(4, 5)
    np.testing.assert_array_equal(Mask(cells).labels(stack), np.stack([cells, cells]))
    np.testing.assert_array_equal(Mask(cells[None, None]).labels(stack)[1], cells)
    for wrong, axes, kind in (
        (cells / 2, None, Kind.WRONG_CONTENT),
        (cells[:3, :3], None, Kind.MISMATCH),
        (np.ones((3, 4, 5), int), "CYX", Kind.MISMATCH),
    ):
        assert refusal(stack, Mask(wrong, axes, name="drawn"), labels=True).kind is kind
