"""Lazy stacks: every frame is loaded when it is due, as often as is needed, and never kept."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from typing import Any

import dask.array as da
import numpy as np
import pytest
from imputation.scenes import CHANNELS, blobs, in_dtype, stack_of

import napari_dualgland as nd
from napari_dualgland.imputation.frames import StackFrames
from napari_dualgland.imputation.tiling.boxes import Box

COUNT, SIDE, DAMAGED = 60, 64, 7
HOLE = (DAMAGED, slice(None), slice(20, 40), slice(20, 40))


class Loading:
    """A long series of which every load is counted."""

    def __init__(self, dtype: str) -> None:
        self.frames = np.stack(
            [in_dtype((blobs((SIDE, SIDE), seed) + 0.1) / 1.1, dtype) for seed in range(COUNT)]
        )
        self.frames[HOLE] = np.nan if dtype == "float32" else 0
        self.missing = np.zeros(self.frames.shape, bool)
        self.missing[HOLE] = True
        self.loads: Counter[int] = Counter()
        self._in_memory: dict[bool, np.ndarray] = {}

    def stack(self) -> nd.Stack:
        def load(block_info: Any) -> np.ndarray:
            (frame, _), *_ = block_info[None]["array-location"]
            self.loads[frame] += 1
            return self.frames[frame][None]

        chunks = ((1,) * COUNT, (4,), (SIDE,), (SIDE,))
        dtype = self.frames.dtype
        meta = np.empty((0,) * 4, dtype)
        data = da.map_blocks(load, chunks=chunks, dtype=dtype, meta=meta, name=f"load-{dtype}")
        return stack_of(data, "TCYX")

    def in_memory(self, rehearse: bool) -> np.ndarray:
        """Return what comes out where all is in memory; computed once."""
        if rehearse not in self._in_memory:
            stack = stack_of(self.frames, "TCYX")
            options = {"model": "prior", "device": "cpu", "rehearse": rehearse}
            result = nd.impute(stack, self.missing, **options)
            self._in_memory[rehearse] = np.asarray(result.stack.data)
        return self._in_memory[rehearse]


@pytest.fixture(scope="module", params=["uint8", "float32"])
def loading(request: pytest.FixtureRequest) -> Loading:
    return Loading(request.param)


@pytest.mark.parametrize("rehearse", [False, True])
@pytest.mark.parametrize("mask", ["given", "found", "found lazily"])
def test_every_frame_is_loaded_once_and_the_damaged_one_again(
    loading: Loading, mask: str, rehearse: bool
) -> None:
    """Exposure is measured in 60 of 60 frames; only what is filled is needed once more."""
    stack = loading.stack()
    missing = {"given": loading.missing, "found": None, "found lazily": nd.find_missing(stack)}
    loading.loads.clear()
    result = nd.impute(stack, missing[mask], model="prior", device="cpu", rehearse=rehearse)
    assert loading.loads == Counter(range(COUNT)) + Counter([DAMAGED])
    loading.loads.clear()
    one = np.asarray(result.stack.data[DAMAGED])
    assert loading.loads == Counter([DAMAGED])
    assert np.array_equal(np.asarray(result.missing), loading.missing)
    assert loading.loads == Counter([DAMAGED])
    assert np.array_equal(one, loading.in_memory(rehearse)[DAMAGED])


def test_where_nothing_is_missing_nothing_is_loaded(loading: Loading) -> None:
    loading.loads.clear()
    nd.impute(loading.stack(), np.zeros(loading.frames.shape, bool), model="prior", device="cpu")
    assert not loading.loads


def test_a_single_frame_is_loaded_once(loading: Loading) -> None:
    loading.loads.clear()
    stack = loading.stack()
    one = nd.Stack(stack.data[DAMAGED], "CYX", CHANNELS)
    nd.impute(one, model="prior", device="cpu")
    assert loading.loads == Counter([DAMAGED])


def test_the_same_work_gives_the_same_keys(loading: Loading) -> None:
    one, two, other = (
        nd.impute(
            loading.stack(), nd.find_missing(loading.stack()), device="cpu", rehearse=False, **more
        )
        for more in ({}, {}, {"model": "prior"})
    )
    assert one.stack.data.name == two.stack.data.name != other.stack.data.name
    assert one.missing.name == two.missing.name == other.missing.name
    assert one.uncertainty is not None
    assert two.uncertainty is not None
    assert one.uncertainty.name == two.uncertainty.name
    assert nd.find_missing(loading.stack()).name == nd.find_missing(loading.stack()).name


def test_masks_are_unpacked_a_frame_at_a_time() -> None:
    """What is held while imputing grows with the packed masks, an eighth of the masks."""
    side = 400
    hole = np.zeros((side, side), bool)
    hole[100:120, 100:120] = True

    def peak(count: int) -> int:
        shape, chunks = (count, 4, side, side), (1, 4, side, side)
        data = da.full(shape, 3, chunks=chunks, dtype="uint8")
        first = da.arange(count, chunks=1)[:, None, None, None] == 0
        missing = da.broadcast_to(first & da.from_array(hole), shape, chunks=chunks)
        tracemalloc.start()
        nd.impute(stack_of(data, "TCYX"), missing, model="prior", device="cpu", samples=0)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(1)  # what is imported and compiled on first use
    few, many = 16, 64  # exposure is measured in 64 windows of either
    packed = 4 * side**2 // 8
    assert peak(many) - peak(few) < 2 * (many - few) * packed


def test_a_large_frame_is_loaded_chunk_by_chunk_each_once() -> None:
    whole = np.arange(4 * 90 * 70, dtype=np.uint16).reshape(1, 1, 4, 90, 70)
    loads: Counter[tuple[int, int]] = Counter()

    def load(block: np.ndarray, block_info: Any) -> np.ndarray:
        loads[block_info[0]["chunk-location"][3:]] += 1
        return block

    data = da.from_array(whole, chunks=(1, 1, 4, 40, 30)).map_blocks(load, dtype=np.uint16)
    loads.clear()
    frames = StackFrames(data, [3, 2, 1, 0])
    for box in (Box(5, 35, 2, 28), Box(30, 60, 20, 50), Box(35, 50, 3, 20)):
        expected = whole[0, 0][(slice(None), *box.slices)]
        assert np.array_equal(frames.channels(0, box), expected)
        assert np.array_equal(frames.roles(0, box), expected[::-1])
    assert loads == Counter([(0, 0), (0, 1), (1, 0), (1, 1)])
