"""Finding what is missing: counted by channel, plane by plane, and stopped when asked."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest

from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.jobs import Detect, FileInput, ImputeJob, Loaded
from napari_dualgland.missing import MissingParams, find_missing
from napari_dualgland.progress import Cancelled
from napari_dualgland.stack import ROLES, Channel, Stack

ANY_FILE = FileInput(path="not read.tif")


def finish(steps):
    events = []
    while True:
        try:
            events.append(next(steps))
        except StopIteration as end:
            return events, end.value


@pytest.fixture(scope="module")
def pixels():
    """Three planes of four channels, each with a hole."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:96, :96] / 96
    waves = np.stack([np.sin(9 * y + k) * np.cos(7 * x - k) for k in range(12)])
    noisy = 120 + 60 * waves + rng.normal(0, 4, waves.shape)
    noisy = noisy.clip(20, 240).astype("uint8").reshape(4, 3, 96, 96)
    noisy[..., 24:54, 30:72] = 0
    return noisy


def stack_of(pixels, roles=ROLES):
    return Stack(pixels, "CZYX"[: pixels.ndim - 2] + "YX", tuple(Channel(r, r) for r in roles))


def found_in(stack, **fields):
    return finish(ImputeJob(input=ANY_FILE, **fields).find_steps(Loaded(stack), lambda: False))


@pytest.mark.parametrize("lazy", [False, True])
def test_found_plane_by_plane_is_found_at_once(pixels, lazy):
    events, found = found_in(stack_of(da.from_array(pixels) if lazy else pixels))
    at_once = find_missing(stack_of(pixels))
    np.testing.assert_array_equal(np.asarray(found.missing), at_once)
    assert isinstance(found.missing, da.Array) is lazy
    assert [event.done for event in events if event.total] == [0, 1, 2]
    for i, role in enumerate(ROLES):
        assert found.shares[role] == pytest.approx(at_once[i].mean())
        assert found.shares[role] > 0.1


def test_only_the_chosen_channels(pixels):
    _, found = found_in(stack_of(pixels[:, 0]), roles=("er",))
    assert found.shares["er"] > 0.1
    assert found.shares["protein"] == 0
    assert not found.missing[:3].any()


def test_an_absent_channel_is_wholly_missing(pixels):
    _, found = found_in(stack_of(pixels[1:2, 0], ("protein",)))
    assert found.shares["er"] == 1


def test_looking_can_be_cancelled_between_planes(pixels):
    asked = []

    def should_stop():
        asked.append(1)
        return len(asked) == 2

    with pytest.raises(Cancelled):
        finish(ImputeJob(input=ANY_FILE).find_steps(Loaded(stack_of(pixels)), should_stop))
    assert len(asked) == 2


def test_what_was_found_is_told_before_the_first_tile_is_filled(pixels):
    params = ImputeParams(model="prior", device="cpu", tile=64, rehearse=False)
    job = ImputeJob(input=ANY_FILE, params=params, roles=("nucleus", "er"))
    events, result = finish(job.steps(Loaded(stack_of(pixels)), lambda: False))
    first = next(i for i, event in enumerate(events) if event.found)
    assert not any(event.patch for event in events[: first + 1])
    told = events[first].found
    assert {(f.channel, f.z) for f in told} == {(r, z) for r in ("nucleus", "er") for z in range(3)}
    assert sum(bool(event.found) for event in events) == 1
    assert {f.sentence() for f in told} <= set(result.provenance.notes)


def test_what_is_in_doubt_is_noted_where_nothing_is_filled(pixels, monkeypatch):
    # Ask for more than any rim has: then all that is found by regions is in doubt.
    monkeypatch.setattr("napari_dualgland.missing.doubt.SHARP_SIDES", 1.1)
    params = ImputeParams(model="prior", device="cpu", tile=64, rehearse=False)
    regions = Detect(params=MissingParams(straight=False, scattered=False))
    job = ImputeJob(input=ANY_FILE, missing=regions, params=params)
    events, result = finish(job.steps(Loaded(stack_of(pixels[:, 0])), lambda: False))
    assert result.unchanged
    assert result.provenance.job is None
    told = [finding.sentence() for event in events for finding in event.found]
    assert told
    assert result.provenance.notes[: len(told)] == tuple(told)


def test_finding_alone_tells_the_same(pixels):
    _, found = found_in(stack_of(pixels))
    assert {(f.channel, f.z) for f in found.findings} == {(r, z) for r in ROLES for z in range(3)}
