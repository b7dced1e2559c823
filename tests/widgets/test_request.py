"""Finding what is missing: counted by channel, plane by plane, and stopped when asked."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image

from napari_dualgland.missing import find_missing
from napari_dualgland.progress import Cancelled
from napari_dualgland.stack import ROLES
from napari_dualgland.widgets.field.source import Source
from napari_dualgland.widgets.impute.request import ImputeRequest, lazily

from .conftest import paint


def finish(steps):
    events = []
    while True:
        try:
            events.append(next(steps))
        except StopIteration as end:
            return events, end.value


@pytest.fixture(scope="module")
def pixels():
    return np.stack([paint(seed=k) for k in range(3)], axis=1)


def source_of(pixels):
    return Source(
        {r: Image(p, contrast_limits=(0, 255)) for r, p in zip(ROLES, pixels, strict=True)}
    )


@pytest.mark.parametrize("lazy", [False, True])
def test_found_plane_by_plane_is_found_at_once(pixels, lazy):
    source = source_of(da.from_array(pixels) if lazy else pixels)
    events, found = finish(ImputeRequest(source).find_steps(lambda: False))
    at_once = find_missing(source_of(pixels).stack())
    np.testing.assert_array_equal(np.asarray(found.missing), at_once)
    assert isinstance(found.missing, da.Array) is lazy
    assert [event.done for event in events if event.total] == [0, 1, 2]
    for i, role in enumerate(ROLES):
        assert found.shares[role] == pytest.approx(at_once[i].mean())


def test_only_the_chosen_channels(pixels):
    request = ImputeRequest(source_of(pixels[:, 0]), roles=frozenset({"er"}))
    _, found = finish(request.find_steps(lambda: False))
    assert found.shares["er"] > 0.1
    assert found.shares["protein"] == 0
    assert not found.missing[:3].any()


def test_an_absent_channel_is_wholly_missing(pixels):
    source = Source({"protein": Image(pixels[1, 0])})
    _, found = finish(ImputeRequest(source).find_steps(lambda: False))
    assert found.shares["er"] == 1


def test_looking_can_be_cancelled_between_planes(pixels):
    asked = []

    def should_stop():
        asked.append(1)
        return len(asked) == 2

    with pytest.raises(Cancelled):
        finish(ImputeRequest(source_of(pixels)).find_steps(should_stop))
    assert len(asked) == 2


def test_one_plane_needs_no_detour(pixels):
    stack = source_of(pixels[:, 0]).stack()
    assert lazily(stack) is stack
    deep = source_of(pixels).stack()
    assert lazily(deep).data.chunks == ((4,), (1, 1, 1), (160,), (160,))
