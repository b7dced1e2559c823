"""Fields that have been a JPEG, whatever they came through since: whole ones are left alone."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.io import imread
from test_missing import DAMAGE, bright, field

from napari_dualgland.missing import find_missing
from napari_dualgland.missing.jpeg import NO_GRID, block_grid, foreign_grain
from napari_dualgland.stack import Channel, Stack

OTHER = Path(__file__).parents[3] / "shared" / "data" / "hpa" / "other_atlas"
NAMES = sorted({path.name.rpartition("_")[0] for path in OTHER.glob("*_red.png")})
SUFFIXES = ("red", "green", "blue", "yellow")


def found_in(image):
    channels = tuple(Channel(f"c{i}") for i in range(len(image)))
    return find_missing(Stack(image, "CYX", channels))


def through_jpeg(pixels, quality, subsampling=-1):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(file))


def grey(image, quality):
    return np.stack([through_jpeg(plane, quality) for plane in image])


def colours(image, quality, subsampling):
    picture = np.ascontiguousarray(np.moveaxis(image[:3], 0, -1))
    return np.moveaxis(through_jpeg(picture, quality, subsampling), -1, 0)


def scene():
    """Return three channels whose cells lie in different places, one of them dim."""
    return np.stack([field(0), field(1, top=70.0), field(2)])


def halved(image):
    c, h, w = image.shape
    blocks = image[:, : h - h % 2, : w - w % 2].reshape(c, h // 2, 2, w // 2, 2)
    return np.rint(blocks.mean(axis=(2, 4))).astype(image.dtype)


CODECS = {
    **{f"grey-{q}": lambda image, q=q: grey(image, q) for q in (50, 75, 90, 95)},
    **{f"420-{q}": lambda image, q=q: colours(image, q, 2) for q in (50, 75, 90, 95)},
    **{f"444-{q}": lambda image, q=q: colours(image, q, 0) for q in (50, 75, 90, 95)},
}
SINCE = {
    "as-it-was": lambda image: image,
    "off-grid": lambda image: image[:, 3:-2, 5:-6],
    "halved": halved,
    "halved-off-grid": lambda image: halved(image[:, 3:-2, 5:-6]),
    "times-257": lambda image: image.astype(np.uint16) * 257,
    "times-16": lambda image: image.astype(np.uint16) * 16,
    "unit": lambda image: image.astype(np.float32) / 255,
    "gamma": lambda image: np.rint(255 * (image / 255) ** 0.85).astype(np.uint8),
    "contrast": lambda image: (image.astype(int) * 3 // 4).astype(np.uint8),
}


# Colours at full size and high quality share too little grain for a steeper table to show.
SEEN = [(c, s) for c in CODECS for s in SINCE if not (s == "gamma" and c in ("444-90", "444-95"))]


@pytest.mark.parametrize(("codec", "since"), SEEN)
def test_whole_cells_that_were_a_jpeg_are_left_alone(codec, since):
    image = np.ascontiguousarray(SINCE[since](CODECS[codec](scene())))
    # At 50, with little colour left, one clump of blocks in a picture this small is more.
    allowed = 3e-3 if codec == "420-50" else 1e-3
    assert (found_in(image).mean(axis=(1, 2)) < allowed).all()


@pytest.mark.parametrize("family", ["box", "lines", "scratches", "blobs"])
@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("codec", ["grey-50", "grey-75", "420-75", "444-90"])
def test_damage_set_after_the_jpeg_is_found(codec, value, family):
    image = CODECS[codec](scene())
    mask = DAMAGE[family](scene()[0])
    found = found_in(np.where(mask, np.uint8(value), image))
    amid = np.stack([mask & bright(plane) for plane in image])
    assert found[amid].mean() > 0.93
    assert found[:, ~mask].mean() < 0.02


@pytest.mark.parametrize("shift", [(0, 0), (3, 5), (4, 4), (7, 1)])
@pytest.mark.parametrize("quality", [50, 75])
def test_the_grid_is_found_where_it_lies(quality, shift):
    plane = through_jpeg(field(0), quality)[shift[0] :, shift[1] :]
    grid = block_grid(plane)
    assert grid.step > 0
    for axis in (0, 1):
        expected = np.arange(8, dtype=np.int64) == (-shift[axis]) % 8
        np.testing.assert_array_equal(grid.on_line(axis, np.arange(8)), expected)


@pytest.mark.parametrize("family", [None, *DAMAGE])
@pytest.mark.parametrize("value", [0, 37, 255])
@pytest.mark.parametrize("seed", range(3))
def test_what_was_no_jpeg_has_no_grid_and_no_grain_of_others(seed, value, family):
    image = np.stack([field(seed), field(seed + 3)])
    if family is not None:
        image[:, DAMAGE[family](image[0])] = value
    assert all(block_grid(plane) is NO_GRID for plane in image)
    usable = [(plane > plane.min()) & (plane < plane.max()) for plane in image]
    assert foreign_grain(image, usable, [1.5, 1.5]) == {}


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (9, 3), (40, 8), (33, 31)])
def test_small_images_have_no_grid(shape):
    assert block_grid(np.zeros(shape, np.uint8)) is NO_GRID
    noisy = np.random.default_rng(0).integers(0, 9, shape)
    assert block_grid(noisy) is NO_GRID


@pytest.mark.skipif(not NAMES, reason="the fields of the other atlas are not there")
@pytest.mark.parametrize("since", ["as-it-was", "off-grid", "halved-off-grid"])
@pytest.mark.parametrize("name", NAMES)
def test_whole_fields_of_another_atlas_are_left_alone(name, since):
    image = np.stack([imread(OTHER / f"{name}_{suffix}.png") for suffix in SUFFIXES])
    part = np.ascontiguousarray(SINCE[since](image[:, 512:1536, 512:1536]))
    assert (found_in(part).mean(axis=(1, 2)) < 1e-3).all()
