"""What the numbers of a TIFF mean: black on white and palettes, in images, masks and labels."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import tifffile

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.masks import read_labels, read_mask
from napari_dualgland.io.tiff import read_pyramid, read_tiff

RNG = np.random.default_rng(0)
WHITE = {"photometric": "miniswhite"}
MASK = np.zeros((40, 50), bool)
MASK[5:15, 10:30] = True
LABELS = np.zeros((40, 50), np.uint8)
LABELS[5:15, 5:15], LABELS[20:30, 5:25], LABELS[20:35, 30:45] = 1, 2, 5


def grey_table(bits=8):
    return np.broadcast_to(
        (np.arange(2**bits) * (65535 // (2**bits - 1))).astype("u2"), (3, 2**bits)
    )


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "u4", "i2"])
@pytest.mark.parametrize("ome", [False, True])
def test_white_is_zero_is_turned_in_images(lazy, dtype, ome, tmp_path):
    path = tmp_path / ("a.ome.tif" if ome else "a.tif")
    info = np.iinfo(dtype)
    stored = RNG.integers(info.min, info.max, (3, 40, 50), np.dtype(dtype).newbyteorder("="))
    tifffile.imwrite(path, stored.astype(dtype), metadata={"axes": "CYX"}, ome=ome, **WHITE)
    stack = read_tiff(path, lazy=lazy)
    assert stack.data.dtype == stored.dtype
    assert len(stack.notes) == 1
    shown = info.max - (stored.astype(np.int64) - info.min)
    np.testing.assert_array_equal(np.asarray(stack.data), shown)
    np.testing.assert_array_equal(np.asarray(read_pyramid(path)[0]), shown)


def test_twelve_bits_are_turned_within_their_bits(tmp_path):
    stored = RNG.integers(0, 4096, (40, 50)).astype(np.uint16)
    rows = np.unpackbits(stored.astype(">u2").view(np.uint8).reshape(40, 50, 2), axis=-1)[..., 4:]
    tags = [(256, 50), (257, 40), (258, 12), (259, 1), (262, 0), (273, 200), (277, 1), (278, 40)]
    tags.append((279, 40 * 75))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries
    (tmp_path / "a.tif").write_bytes(head.ljust(200, b"\0") + np.packbits(rows).tobytes())
    np.testing.assert_array_equal(read_tiff(tmp_path / "a.tif").data, 4095 - stored)


@pytest.mark.parametrize("lazy", [False, True])
def test_what_imagej_stores_are_intensities(lazy, tmp_path):
    stored = RNG.integers(0, 255, (40, 50), np.uint8)
    for photometric, more in (("miniswhite", {}), ("palette", {"colormap": grey_table()[:, ::-1]})):
        path = tmp_path / f"{photometric}.tif"
        description = "ImageJ=1.54f\nmin=0.0\nmax=255.0\n"
        tifffile.imwrite(
            path, stored, photometric=photometric, description=description, metadata=None, **more
        )
        stack = read_tiff(path, lazy=lazy)
        assert not stack.notes
        np.testing.assert_array_equal(np.asarray(stack.data), stored)


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    "lit", [(0, 1, 2), (0,), (1,), (0, 1)], ids=["grey", "red", "green", "yellow"]
)
@pytest.mark.parametrize("step", [257, 256, 1])
def test_a_palette_of_one_colour_gives_its_brightness(lazy, lit, step, tmp_path):
    shades = np.roll(np.arange(256), 50)
    table = np.zeros((3, 256), np.uint16)
    table[list(lit)] = shades * step
    stored = RNG.integers(0, 255, (40, 50), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="palette", colormap=table)
    stack = read_tiff(tmp_path / "a.tif", lazy=lazy)
    assert len(stack.notes) == 1
    assert stack.data.dtype == np.uint8
    np.testing.assert_array_equal(np.asarray(stack.data), shades[stored])


def test_a_palette_of_colours_is_no_intensity(tmp_path):
    table = RNG.integers(0, 65535, (3, 256)).astype(np.uint16)
    stored = RNG.integers(0, 255, (40, 50), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="palette", colormap=table)
    with pytest.raises(DualglandError) as error:
        read_tiff(tmp_path / "a.tif")
    assert error.value.kind is Kind.UNSUPPORTED
    assert error.value.place == str(tmp_path / "a.tif")


@pytest.mark.parametrize("reader", [read_mask, read_labels])
def test_the_numbers_of_a_palette_are_labels(reader, tmp_path):
    table = RNG.integers(0, 65535, (3, 256)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", LABELS, photometric="palette", colormap=table)
    np.testing.assert_array_equal(reader(tmp_path / "a.tif"), LABELS)


@pytest.mark.parametrize("reader", [read_mask, read_labels])
@pytest.mark.parametrize("full", [np.uint8(255), np.uint16(65535)], ids=["8", "16"])
@pytest.mark.parametrize("imagej", [False, True])
def test_a_mask_is_marked_in_white_unless_imagej_shows_it_so(reader, full, imagej, tmp_path):
    marked = np.where(MASK, full, np.zeros_like(full))
    more = {"description": "ImageJ=1.54f\n", "metadata": None} if imagej else {}
    stored = marked if imagej else ~marked
    tifffile.imwrite(tmp_path / "a.tif", stored, **WHITE, **more)
    np.testing.assert_array_equal(np.asarray(reader(tmp_path / "a.tif")) > 0, MASK)


@pytest.mark.parametrize("reader", [read_mask, read_labels])
def test_single_bits_are_marked_in_white(reader, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", ~MASK, **WHITE, software="scanner", metadata=None)
    np.testing.assert_array_equal(np.asarray(reader(tmp_path / "a.tif")) > 0, MASK)


@pytest.mark.parametrize("reader", [read_mask, read_labels])
@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
def test_booleans_of_tifffile_are_what_they_were(reader, name, tmp_path):
    """It stores all booleans as WhiteIsZero; where that may have been meant, it is asked for."""
    tifffile.imwrite(tmp_path / name, MASK)
    np.testing.assert_array_equal(np.asarray(reader(tmp_path / name)) > 0, MASK)
    tifffile.imwrite(tmp_path / name, ~MASK)
    with pytest.raises(DualglandError) as error:
        reader(tmp_path / name)
    assert error.value.kind is Kind.AMBIGUOUS


@pytest.mark.parametrize("turned", [False, True])
def test_labels_on_white_have_a_background(turned, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", ~LABELS if turned else LABELS, **WHITE)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif"), LABELS)


@pytest.mark.parametrize("reader", [read_mask, read_labels])
def test_tiffs_in_colours(reader, tmp_path):
    grey = np.stack([LABELS] * 3, axis=-1)
    tifffile.imwrite(tmp_path / "grey.tif", grey, photometric="rgb")
    np.testing.assert_array_equal(reader(tmp_path / "grey.tif"), LABELS)
    colours = grey * np.array([1, 2, 3], np.uint8)
    tifffile.imwrite(tmp_path / "rgb.tif", colours, photometric="rgb")
    with pytest.raises(DualglandError) as error:
        reader(tmp_path / "rgb.tif")
    assert error.value.kind is Kind.WRONG_CONTENT


@pytest.mark.parametrize("reader", [read_mask, read_labels])
def test_a_lossy_tiff_is_neither(reader, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", LABELS, photometric="minisblack", compression="jpeg")
    with pytest.raises(DualglandError) as error:
        reader(tmp_path / "a.tif")
    assert error.value.kind is Kind.WRONG_CONTENT
