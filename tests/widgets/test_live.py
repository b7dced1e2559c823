"""A live array is the source with the finished tiles over it, however napari slices it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_dualgland.widgets.layers.live import LiveArray
from napari_dualgland.widgets.layers.pixels import cast

SHAPE = (3, 11, 13)


def _keys():
    def one(n):
        whole = st.integers(-n, n - 1)
        bound = st.none() | st.integers(-n - 2, n + 2)
        step = st.none() | st.integers(-3, 3).filter(bool)
        return whole | st.builds(slice, bound, bound, step)

    return st.tuples(*(one(n) for n in SHAPE))


def _boxes():
    def one(n):
        return st.tuples(st.integers(0, n - 1), st.integers(1, n)).map(
            lambda b: (b[0], min(b[1], n - b[0]))
        )

    return st.lists(st.tuples(*(one(n) for n in SHAPE)), max_size=4)


@given(_boxes(), _keys(), st.booleans())
def test_slices_like_numpy(boxes, key, recorded):
    source = np.arange(np.prod(SHAPE)).reshape(SHAPE) if recorded else None
    expected = np.arange(np.prod(SHAPE)).reshape(SHAPE) if recorded else np.zeros(SHAPE, int)
    live = LiveArray(source, SHAPE, int)
    for i, box in enumerate(boxes):
        start = tuple(first for first, _ in box)
        pixels = np.full([n for _, n in box], -1 - i)
        live.put(start, pixels)
        expected[tuple(slice(first, first + n) for first, n in box)] = pixels
    np.testing.assert_array_equal(live[key], expected[key])
    np.testing.assert_array_equal(live[..., key[-1]], expected[..., key[-1]])
    np.testing.assert_array_equal(np.asarray(live), expected)
    if recorded:
        np.testing.assert_array_equal(source, np.arange(np.prod(SHAPE)).reshape(SHAPE))


@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 20), st.integers(1, 20))
def test_a_coarser_level_shows_every_other_pixel(y, x, height, width):
    full = np.zeros((40, 40), int)
    box = np.arange(1, height * width + 1).reshape(height, width)
    full[y : y + height, x : x + width] = box
    level = LiveArray(None, (20, 20), int)
    level.put_scaled((40, 40), (y, x), box)
    np.testing.assert_array_equal(np.asarray(level), full[::2, ::2])


def test_casting_rounds_and_clips():
    values = np.array([-3.0, 0.4, 0.6, 254.7, 300.0])
    np.testing.assert_array_equal(cast(values, "uint8"), [0, 0, 1, 255, 255])
    assert cast(np.array([70000], "uint32"), "uint16")[0] == 65535
    assert cast(values, "float32").dtype == np.float32
