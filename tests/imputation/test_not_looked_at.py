"""Pixels that were not measured have no say in a fill, whatever stands in them."""

from collections.abc import Callable
from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
from imputation.scenes import CALIBRATED, blobs, box, in_dtype, run, stack_of

import napari_dualgland as nd
from napari_dualgland.errors import DualglandError
from napari_dualgland.provenance import Provenance
from napari_dualgland.results import PLAUSIBLE

SHAPE = (4, 160, 176)
SAID = Provenance.unknown().model_copy(update={"notes": (PLAUSIBLE,)})
Scene = tuple[nd.Stack, object, np.ndarray]
"""A stack, what is marked, and which pixels were not measured; of one frame, or several."""


def place(rows: slice, columns: slice, channels: object = slice(None)) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[channels, rows, columns] = True
    return mask


HOLE = box(SHAPE, side=30)
OTHER = place(slice(20, 60), slice(110, 150))
"""Cut by the bounds below."""


def earlier_estimates(image: np.ndarray) -> Scene:
    return nd.Imputation.of(stack_of(image), OTHER), HOLE, OTHER & ~HOLE


def an_estimated_channel(image: np.ndarray) -> Scene:
    whole = place(slice(None), slice(None), [3])
    hole = place(slice(60, 90), slice(60, 90), [1])
    return nd.Imputation.of(stack_of(image), whole), hole, whole


def damage_beyond_the_bounds(image: np.ndarray) -> Scene:
    inside = HOLE | OTHER
    inside[:, :, 130:] = False
    marks = nd.Mask(HOLE | OTHER, "CYX").inside(0, 160, 0, 130)
    return stack_of(image), marks, (HOLE | OTHER) & ~inside


def a_lost_frame(image: np.ndarray) -> Scene:
    frames = np.stack([image, image[:, ::-1], image[:, :, ::-1]])
    marks = np.stack([HOLE, np.ones(SHAPE, bool), OTHER])
    lost = np.zeros(marks.shape, bool)
    lost[1] = True
    return stack_of(frames, "ZCYX"), marks, lost


SCENES = [earlier_estimates, an_estimated_channel, damage_beyond_the_bounds, a_lost_frame]


def with_other_pixels(stack: nd.Stack, unmeasured: np.ndarray) -> nd.Stack:
    data = np.where(unmeasured, np.iinfo(stack.dtype).max - np.asarray(stack.data), stack.data)
    return replace(stack, data=data)


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("options", [{}, CALIBRATED], ids=["prior", "generator"])
def test_what_was_not_measured_has_no_say(
    scene: Callable[[np.ndarray], Scene], options: dict[str, object]
) -> None:
    stack, marks, unmeasured = scene(in_dtype(blobs(SHAPE[1:], 4), "uint16"))
    other = with_other_pixels(stack, unmeasured)
    one, two = (run(s, marks, **options) for s in (stack, other))
    filled, again = np.asarray(one.data), np.asarray(two.data)
    assert np.array_equal(filled[~unmeasured], again[~unmeasured])
    # They are nobody's to change, either.
    assert np.array_equal(filled[unmeasured], np.asarray(stack.data)[unmeasured])
    assert not np.array_equal(filled, stack.data)
    if one.uncertainty is not None:
        np.testing.assert_array_equal(one.uncertainty, two.uncertainty)


def test_a_lost_frame_gives_an_absent_channel_no_exposure() -> None:
    image = in_dtype(blobs(SHAPE[1:], 4), "float32") * 1000
    frames = np.stack([image, np.full_like(image, np.nan)])[:, :3]
    found = run(nd.Stack(frames, "ZCYX", stack_of(image).channels[:3]), **CALIBRATED)
    assert found.data.shape[1] == 4
    assert np.asarray(found.data)[0, 3].max() > 100


def test_a_hole_in_a_channel_estimated_earlier_has_its_exposure() -> None:
    image = in_dtype(blobs(SHAPE[1:], 4), "uint16")
    image[3] = 9 * image[3] + 4000
    whole = place(slice(None), slice(None), [3])
    stack = nd.Imputation.of(stack_of(image), whole)
    filled = np.asarray(run(stack, HOLE, **CALIBRATED).data)[3][HOLE[3]]
    assert 3500 < filled.min() <= filled.max() < 6500


def test_a_lazy_stack_keeps_its_earlier_marks() -> None:
    image = in_dtype(blobs(SHAPE[1:], 4), "uint16")
    stack = nd.Imputation.of(stack_of(image), OTHER)
    lazy = nd.Imputation.of(stack_of(da.from_array(image, chunks=50)), da.from_array(OTHER, 64))
    one, two = run(stack, HOLE), run(lazy, HOLE)
    assert np.array_equal(one.data, np.asarray(two.data))
    assert np.array_equal(np.asarray(two.missing), HOLE | OTHER)


def test_both_fills_are_as_unsure_as_each_is_known_to_be() -> None:
    stack = stack_of(in_dtype(blobs(SHAPE[1:], 4), "uint16"))
    stated = {"model": "generator", "rehearse": False}
    first = run(stack, OTHER, **stated)
    second = np.asarray(run(first, HOLE).uncertainty)  # by the prior, which states none
    assert np.isnan(second[HOLE]).all()
    old = OTHER & ~HOLE
    assert first.uncertainty is not None
    assert np.array_equal(second[old], np.asarray(first.uncertainty)[old])
    assert not second[~(HOLE | OTHER)].any()
    later = np.asarray(run(run(stack, OTHER), HOLE, **stated).uncertainty)
    assert np.isnan(later[old]).all()
    assert (later[HOLE] > 0).all()


def test_what_had_to_be_said_of_an_earlier_fill_is_said_again() -> None:
    image, channels = in_dtype(blobs(SHAPE[1:], 4), "uint8"), stack_of(blobs()).channels
    stack = nd.Stack(image[:3], "CYX", channels[:3])
    first = run(stack, HOLE[:3])
    assert first.provenance.notes
    later = run(first, OTHER)
    assert set(first.provenance.notes) <= set(later.provenance.notes)
    assert not later.unchanged
    # Where all of it is filled anew, there is nothing more to say of it.
    whole = np.ones((4, *SHAPE[1:]), bool)
    whole[:3] = HOLE[:3]
    drawn = nd.Imputation.of(first.stack, whole, provenance=SAID)
    assert PLAUSIBLE in run(drawn, OTHER).provenance.notes
    assert PLAUSIBLE not in run(drawn, whole).provenance.notes
    nothing = run(first, HOLE & False)
    assert nothing.unchanged
    assert not run(nothing, OTHER).unchanged


@pytest.mark.parametrize("channel_of_estimates", [False, True])
def test_nothing_is_filled_from_nothing(channel_of_estimates: bool) -> None:
    image = in_dtype(blobs(SHAPE[1:], 4), "uint8")
    if channel_of_estimates:
        stack, marks = nd.Imputation.of(stack_of(image), ~HOLE), nd.Mask(HOLE, "CYX")
    else:
        stack, marks = stack_of(image), nd.Mask(np.ones(SHAPE, bool), "CYX").inside(0, 60, 0, 60)
    with pytest.raises(DualglandError, match="no observed pixel"):
        run(stack, marks)


def test_a_frame_without_an_observed_pixel_is_left_within_bounds_too() -> None:
    image = in_dtype(blobs(SHAPE[1:], 4), "uint8")
    marks = nd.Mask(np.stack([HOLE, np.ones(SHAPE, bool)]), "ZCYX").inside(0, 100, 0, 100)
    result = run(stack_of(np.stack([image, image]), "ZCYX"), marks)
    assert not result.missing[1].any()
    assert result.missing[0].any()
    assert any("z=1 has no observed pixel" in note for note in result.provenance.notes)


def test_bounds_beside_the_field_are_refused() -> None:
    stack = stack_of(in_dtype(blobs(SHAPE[1:], 4), "uint8"))
    with pytest.raises(DualglandError, match="outside the image"):
        run(stack, nd.Mask(HOLE, "CYX").inside(200, 300, 0, 10))
