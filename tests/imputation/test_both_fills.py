"""Both fills from one run; the exposure of a channel that was never recorded; honest progress."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import CHANNELS, blobs, box, in_dtype, stack_of

import napari_dualgland as nd
from napari_dualgland.errors import DualglandError
from napari_dualgland.jobs import ImputeJob, Loaded
from napari_dualgland.results import PLAUSIBLE

PLAIN = {"device": "cpu", "tile": 64, "rehearse": False}


@pytest.fixture(scope="module")
def scene():
    image = in_dtype(blobs(), "uint8")
    return stack_of(image), box(image.shape)


@pytest.mark.parametrize("samples", [0, 1])
def test_a_flipped_result_is_what_the_other_run_gives(scene, samples):
    both = nd.impute(*scene, both=True, samples=samples, **PLAIN)
    estimate, picture = (
        nd.impute(*scene, plausible=p, samples=samples, **PLAIN) for p in (False, True)
    )
    flipped = both.flipped()
    np.testing.assert_array_equal(both.data, estimate.data)
    np.testing.assert_array_equal(flipped.data, picture.data)
    np.testing.assert_allclose(flipped.uncertainty, picture.uncertainty, rtol=1e-6)
    assert (both.plausible, flipped.plausible) == (False, True)
    assert PLAUSIBLE in flipped.provenance.notes
    assert PLAUSIBLE not in flipped.flipped().provenance.notes
    np.testing.assert_array_equal(flipped.flipped().data, both.data)
    for ours, theirs in zip(both.samples, estimate.samples, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    started_with_picture = nd.impute(*scene, both=True, plausible=True, **PLAIN)
    np.testing.assert_array_equal(started_with_picture.flipped().data, estimate.data)


def test_a_model_that_draws_nothing_makes_one_fill(scene):
    only = nd.impute(*scene, both=True, model="prior", **PLAIN)
    assert only.other is None
    with pytest.raises(DualglandError, match="one fill only"):
        only.flipped()


@pytest.mark.parametrize(("dtype", "factor", "top"), [("uint8", 1, 255), ("uint16", 20, 4095)])
@pytest.mark.parametrize("kept", [(0, 2, 3), (2,)])
def test_levels_of_an_absent_channel_spread_over_the_bits_in_use(dtype, factor, top, kept):
    """As many levels as the network tells apart in half precision, from the lowest to the top."""
    image = (in_dtype(blobs((128, 128)), "uint8")[list(kept)].astype(float) * factor).astype(dtype)
    stack = nd.Stack(image, "CYX", tuple(CHANNELS[i] for i in kept))
    result = nd.impute(stack, np.zeros(image.shape, bool), **PLAIN)
    for role, at in result.roles.items():
        if role in stack.roles:
            continue
        plane = np.asarray(result.data)[at]
        assert len(np.unique(plane)) >= 150
        assert plane.min() < 0.05 * top
        assert 0.95 * top < plane.max() < 1.3 * top
        assert (plane == plane.max()).mean() < 0.02, "cut off"


@pytest.mark.parametrize("options", [{}, {"rehearse": False}, {"model": "prior"}])
def test_every_stage_counts_and_nothing_falls_back(scene, options):
    stack, missing = scene
    seen = []
    job = ImputeJob(
        input={"kind": "file", "path": "nowhere.tif"},
        params={"device": "cpu", "tile": 64, **options},
    )
    for step in job.steps(Loaded(stack, nd.Mask(missing))):
        seen.append(step)
    shares = [step.share for step in seen]
    assert all(share is not None for share in shares)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    first_tile = next(step.share for step in seen if step.patch is not None)
    if not options:
        assert first_tile > 0.5  # of so small a field learning is most
