"""Masks of frames are packed, cut window by window, and take no more memory than that."""

from __future__ import annotations

import tracemalloc

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imputation.scenes import CHANNELS, PLAIN, blobs, box, in_dtype, stack_of

import napari_dualgland as nd
from napari_dualgland.imputation import frames
from napari_dualgland.imputation.boxes_by_place import BoxesByPlace
from napari_dualgland.imputation.calibration.holdout import _Holes
from napari_dualgland.imputation.channel_sets import sets_of
from napari_dualgland.imputation.filling import UNMEASURED
from napari_dualgland.imputation.masks import HiddenMask, WantedMask
from napari_dualgland.imputation.run import NOT_OBSERVED
from napari_dualgland.imputation.tiling import boxes
from napari_dualgland.imputation.tiling.boxes import Box, bands, tiles_with_holes
from napari_dualgland.imputation.tiling.coarse import DEEP, CoarseFill, has_deep_hole, shrunk
from napari_dualgland.packed import PackedMask


def packed(mask: np.ndarray) -> PackedMask:
    made = PackedMask(mask.shape)
    for band in bands(mask.shape):
        made.put(band.y0, mask[(slice(None), *band.slices)])
    return made


@given(st.data(), st.integers(1, 40), st.integers(1, 40), st.integers(0, 99))
@settings(max_examples=60)
def test_a_part_is_cut_as_from_an_array(
    data: st.DataObject, height: int, width: int, seed: int
) -> None:
    mask = np.random.default_rng(seed).random((5, height, width)) < 0.3
    y = sorted(data.draw(st.lists(st.integers(0, height), min_size=2, max_size=2)))
    x = sorted(data.draw(st.lists(st.integers(0, width), min_size=2, max_size=2)))
    part = Box(y[0], y[1], x[0], x[1]).slices
    made, index = packed(mask), [3, 0, 4]
    assert np.array_equal(made[(slice(None), *part)], mask[(slice(None), *part)])
    assert np.array_equal(made[(index, *part)], mask[index][(slice(None), *part)])
    assert made.any() == mask.any()
    odd = np.random.default_rng(seed + 1).random((3, height, width)) < 0.1
    hidden = HiddenMask(made, index, packed(odd))
    expected = mask[index] | odd
    assert np.array_equal(hidden[(slice(None), *part)], expected[(slice(None), *part)])
    done = Box(0, height // 2, 0, width)
    wanted = WantedMask(hidden, BoxesByPlace([(done, None)]))
    expected &= mask[index].any(0)
    expected[(slice(None), *done.slices)] = False
    assert np.array_equal(wanted[(slice(None), *part)], expected[(slice(None), *part)])
    assert list(tiles_with_holes(wanted, 16)) == list(tiles_with_holes(expected, 16))


CORNERS = st.tuples(*[st.integers(0, 900)] * 4).map(
    lambda v: Box(min(v[:2]), max(v[:2]) + 1, min(v[2:]), max(v[2:]) + 1)
)


@given(st.lists(CORNERS, max_size=12, unique=True), CORNERS)
@settings(max_examples=60)
def test_boxes_are_found_by_what_they_touch(boxes: list[Box], asked: Box) -> None:
    held = BoxesByPlace((box, number) for number, box in enumerate(boxes))
    found = sorted(held.touching(asked))
    pairs = ((box, box.meets(asked), number) for number, box in enumerate(boxes))
    assert found == sorted(p for p in pairs if p[1] is not None)
    assert [box for box, _ in held] == sorted(boxes)


@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 99))
@settings(max_examples=30)
def test_a_coarse_frame_is_read_in_parts_as_in_whole(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = rng.random((4, height, width)).astype(np.float32)
    mask = rng.random((4, height, width)) < 0.3
    mask[:, height // 3 : height // 3 + 20, width // 4 : width // 4 + 20] = True
    small, gone = shrunk(image, mask)

    def read(box: Box) -> np.ndarray:
        return image[(slice(None), *box.slices)]

    coarse = CoarseFill(read, packed(mask))
    whole = Box(0, small.shape[1], 0, small.shape[2])
    assert np.array_equal(coarse.missing[(slice(None), *whole.slices)], gone)
    filled = np.full_like(small, 7)
    coarse.keep(whole, filled, 2 * filled)
    y, x = (sorted(rng.integers(0, n + 1, 2)) for n in small.shape[1:])
    part = Box(y[0], y[1] + (y[0] == y[1]), x[0], x[1] + (x[0] == x[1]))
    part = part.meets(whole) or whole
    mean, sigma = coarse.filled(part)
    at = (slice(None), *part.slices)
    # NumPy adds up a single column in another order.
    assert np.allclose(mean, np.where(gone, 7, small)[at], rtol=1e-6, atol=0)
    assert np.array_equal(sigma, np.where(gone, 14, 0)[at])


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 99))
@settings(max_examples=30)
def test_a_frame_is_told_the_same_in_bands_of_any_height(
    height: int, width: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random((4, height, width)) < 0.02
    side = int(rng.integers(1, 2 * DEEP))
    y, x = int(rng.integers(height)), int(rng.integers(width))
    mask[1, y : y + side, x : x + side] = True
    mask[3] = bool(seed % 2)
    told = []
    for rows in (64, 512):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(boxes, "BAND", rows)
            holes = _Holes(packed(mask))
            windows = [holes.around_one(1, np.random.default_rng(s)) for s in range(5)]
            told.append((has_deep_hole(packed(mask)), holes.any, holes.gone.tolist(), windows))
    assert told[0] == told[1]
    deep, any_missing, gone, windows = told[0]
    assert (any_missing, gone) == (mask.any(), mask.all((1, 2)).tolist())
    sets = np.ravel(sets_of(mask & ~mask.all((1, 2))[:, None, None]))
    areas = np.bincount(sets, minlength=16)
    worth = np.cumsum((sets > 0) / np.sqrt(areas[sets]))
    for s, window in enumerate(windows):
        expected = None
        if count := np.count_nonzero(sets):
            pick = (np.random.default_rng(s).integers(count) + 0.5) / count
            expected = divmod(int(np.searchsorted(worth, pick * worth[-1])), width)
        assert (window and (window[0].start, window[1].start)) == expected
    half = DEEP // 2
    corners = [
        mask[c, y : y + DEEP, x : x + DEEP].all()
        for c in np.flatnonzero(~mask.all((1, 2)))
        for y in range(0, height - DEEP + 1, half)
        for x in range(0, width - DEEP + 1, half)
    ]
    assert deep == any(corners)


def lazy_stack(side: int) -> tuple[nd.Stack, np.ndarray]:
    def load(block_info: dict) -> np.ndarray:  # type: ignore[type-arg]
        place = block_info[None]["array-location"]
        ramps = [np.arange(low, high, dtype=np.uint16) % 251 for low, high in place]
        return (ramps[0][:, None, None] + 3) * (ramps[1][:, None] + ramps[2])

    chunks = ((1,) * 4, (512,) * (side // 512), (512,) * (side // 512))
    data = da.map_blocks(load, chunks=chunks, dtype=np.uint16, name=f"ramps-{side}")
    mask = np.zeros((side, side), bool)
    mask[200:230, 200:230] = True
    return nd.Stack(data, "CYX", CHANNELS), mask


def test_memory_does_not_grow_with_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "KEPT", 8 * 2**20)  # both images are larger
    peaks = []
    for side in (512, 2048, 4096):  # the first loads what is loaded once
        stack, mask = lazy_stack(side)
        tracemalloc.start()
        result = nd.impute(stack, mask, **PLAIN)
        part = np.asarray(result.data[:, :512, :512]), np.asarray(result.missing[:, :512, :512])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert part[1].sum() == 4 * 30**2
    # Booleans of the larger frame are 64 MiB, each time they are held.
    assert peaks[2] - peaks[1] < 24 * 2**20


@pytest.mark.parametrize("fill", [0, 7, np.nan])
@pytest.mark.parametrize("model", ["prior", "generator"])
def test_a_channel_of_which_nothing_was_observed_is_told_like_one_that_is_not_there(
    fill: float, model: str
) -> None:
    image = in_dtype(blobs(), "float32")
    image[1] = fill
    missing = np.zeros(image.shape, bool)
    missing[1] = True
    notes = nd.impute(stack_of(image), missing, **PLAIN | {"model": model}).provenance.notes
    assert any(NOT_OBSERVED in note and note.startswith("protein: ") for note in notes)
    assert any("it stays empty" in note for note in notes) == (model == "prior")
    missing[1, 0, 0] = False
    notes = nd.impute(stack_of(image), missing, **PLAIN | {"model": model}).provenance.notes
    assert not any(NOT_OBSERVED in note for note in notes)


def test_pixels_that_no_camera_counts_are_told() -> None:
    image = in_dtype(blobs(), "float32")
    image[2, 3, 3] = np.inf
    missing = box(image.shape)
    assert UNMEASURED in nd.impute(stack_of(image), missing, **PLAIN).provenance.notes
    missing[2, 3, 3] = True
    assert UNMEASURED not in nd.impute(stack_of(image), missing, **PLAIN).provenance.notes
