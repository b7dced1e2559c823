"""Regions are those of SciPy, and what is found does not hang on where blocks begin."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_dualgland.missing import find_missing
from napari_dualgland.missing.levels import connected
from napari_dualgland.missing.regions import Regions, runs, runs_down
from napari_dualgland.stack import Channel, Stack

CORNERS = {True: np.ones((3, 3), bool), False: None}


def masks():
    """Yield masks from empty to full, full-width runs and single rows and columns among them."""
    rng = np.random.default_rng(0)
    for share in (0, 0.05, 0.3, 0.5, 0.8, 1):
        for shape in ((1, 1), (1, 23), (19, 1), (17, 31), (40, 12)):
            yield rng.random(shape) < share
    wide = rng.random((30, 20)) < 0.3
    wide[5:9] = wide[20] = True
    yield wide


@pytest.mark.parametrize("corners", [True, False])
def test_regions_are_numbered_measured_and_painted_as_those_of_scipy(corners):
    for mask in masks():
        labels, count = ndimage.label(mask, CORNERS[corners])
        regions = Regions.of(mask, corners)
        every = np.arange(mask.size)
        assert regions.count == count
        np.testing.assert_array_equal(regions.at(every).reshape(mask.shape) + 1, labels)
        np.testing.assert_array_equal(
            regions.beside(every).reshape(mask.shape) + 1, ndimage.grey_dilation(labels, (3, 3))
        )
        np.testing.assert_array_equal(regions.area(), np.bincount(labels.flat)[1:])
        odd = np.arange(count) % 2 == 1
        np.testing.assert_array_equal(regions.mask(odd), (labels > 0) & (labels % 2 == 0))
        pixels, label = regions.pixels(odd)
        np.testing.assert_array_equal(np.sort(pixels), np.flatnonzero(regions.mask(odd)))
        np.testing.assert_array_equal(labels.flat[pixels] - 1, label)
        for region, (rows, columns) in enumerate(ndimage.find_objects(labels)):
            box = (rows.start, rows.stop - 1, columns.start, columns.stop - 1)
            assert regions.box(region) == box


def test_runs_down_the_columns_are_those_along_the_rows_of_the_picture_turned():
    for mask in masks():
        row, start, stop = runs(np.ascontiguousarray(mask.T))
        offset = row * len(mask)
        for down, along in zip(
            runs_down(mask), (row, start - offset, stop - offset - 1), strict=True
        ):
            np.testing.assert_array_equal(down, along)


@pytest.mark.parametrize("min_size", [2, 6, 40])
def test_small_regions_are_left_out_wherever_bands_begin(min_size, monkeypatch):
    monkeypatch.setattr("napari_dualgland.missing.heights.BAND", 1)
    mask = np.random.default_rng(3).random((150, 60)) < 0.35
    mask[10:140, 30] = True  # longer than a band, and thin
    labels, _ = ndimage.label(mask, CORNERS[True])
    expected = mask & (np.bincount(labels.flat) >= min_size)[labels]
    np.testing.assert_array_equal(connected(mask, min_size), expected)


def field(dtype):
    """Return two channels of blurred cells on a background of 0 with holes that cross anything."""
    rng = np.random.default_rng(7)
    side = 300
    cells = ndimage.gaussian_filter(rng.normal(size=(2, side, side)), (0, 12, 12)) * 2400
    image = np.clip(rng.normal(cells, np.sqrt(np.abs(cells) + 4)), 0, 250)
    y, x = np.mgrid[:side, :side]
    hole = (y > 20) & (y < 90) & (x > 100) & (x < 290) | (abs(y - 2 * x + 40) < 4)
    hole[130:132] = hole[:, 201] = True
    hole[200:280, 20:120] |= rng.random((80, 100)) < 0.3
    image[:, hole] = 0
    image[1, 220:260, 150:260] = 255
    return (image * (1 if dtype == "uint8" else 257 / 65536)).astype(dtype)


SIZES = {
    "rims.BLOCK": 48,
    "levels.BLOCK": 48,
    "levels.COLUMNS": 13,
    "dropout.BLOCK": 40,
    "edges.LINES": 17,
    "heights.BAND": 1,
    "regions.CHUNK": 100,
    "regions.PAINTED": 70,
    "rectangles.CHUNK": 9,
    "steps.CHUNK": 5,
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_what_is_found_does_not_hang_on_where_blocks_begin(size, dtype, monkeypatch):
    image = field(dtype)
    stack = Stack(image, "CYX", (Channel("a"), Channel("b")))
    expected = find_missing(stack)
    assert 0.05 < expected.mean() < 0.5
    monkeypatch.setattr(f"napari_dualgland.missing.{size}", SIZES[size])
    np.testing.assert_array_equal(find_missing(stack), expected)
