"""A file that is given as a mask, or as labels, is believed to be it by what is in it alone."""

from __future__ import annotations

import os
import struct
from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
import tifffile
from localization.cell_scenes import field
from scipy import ndimage

import napari_dualgland as nd
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io import masks, patches, write
from napari_dualgland.io.masks import read_labels, read_mask
from napari_dualgland.jobs.inputs import Loaded
from napari_dualgland.stack import ROLES, Channel, Stack

RNG = np.random.default_rng(0)
SCENE, LABELS = field(1, 2)
SCENE = np.clip(SCENE / SCENE.max() * 255, 0, 255).astype(np.uint8)
HOLE = np.zeros(LABELS.shape, np.uint8)
HOLE[5:20, 5:40] = 255
PAINTED = HOLE // 255
PAINTED[30:50, 10:30] = 2
PAINTED[45:60, 20:60] = 3
SCRATCHES = np.zeros(LABELS.shape, np.uint8)
SCRATCHES[:, ::7] = RNG.integers(1, 5, SCRATCHES[:, ::7].shape[1])
SPOTS = ndimage.label(RNG.random(LABELS.shape) < 0.03)[0].astype(np.uint16)
LEVELS = ndimage.gaussian_filter(RNG.random(LABELS.shape), 3)
LEVELS = (LEVELS - LEVELS.min()) / np.ptp(LEVELS)
GREY = {"photometric": "minisblack"}


def refusal(reader, path):
    with pytest.raises(DualglandError) as error:
        reader(path)
    assert error.value.place == str(path)
    assert "\n" not in str(error.value)
    return error.value


def save(path, array):
    if path.suffix == ".npy":
        np.save(path, array)
    elif path.suffix == ".png":
        path.write_bytes(imagecodecs.png_encode(array))
    else:
        tifffile.imwrite(path, array, **GREY)
    return path


MASKS = {
    "bool": HOLE > 0,
    "255": HOLE,
    "65535": (HOLE > 0) * np.uint16(65535),
    "minus": -(HOLE > 0).astype(np.int16),
    "floats": (HOLE > 0).astype(np.float32),
    "painted": PAINTED,
    "whole floats": PAINTED.astype(np.float64),
    "scratches": SCRATCHES,
    "spots": SPOTS,
    "cells": LABELS.astype(np.uint16),
    "channels": np.stack([HOLE, 0 * HOLE, HOLE, HOLE]),
    "nothing": 0 * HOLE,
    "all": np.ones_like(HOLE),
}
PICTURES = {
    "a field": SCENE,
    "a channel": SCENE[0],
    "16 bits": SCENE[0].astype(np.uint16) * 200,
    "noise": RNG.integers(0, 60000, (64, 64)).astype(np.uint16),
    "four values of noise": RNG.integers(0, 4, (64, 64)).astype(np.uint8),
    "smooth": (LEVELS * 250).astype(np.uint8),
    "smooth and dark": (LEVELS * 9).astype(np.uint8),
    "whole floats": np.rint(LEVELS * 250).astype(np.float32),
    "probabilities": LEVELS.astype(np.float32),
    "signed": (LEVELS * 250 - 100).astype(np.int16),
    "a stack": np.stack(
        [np.zeros((64, 64), np.uint8), *RNG.integers(0, 99, (3, 64, 64), np.uint8)]
    ),
}


@pytest.fixture(params=[False, True], ids=["at once", "part by part"])
def by_parts(request, monkeypatch):
    """Read masks as those of a mosaic are, which are larger than the memory."""
    if request.param:
        monkeypatch.setattr(masks, "LAZY_BYTES", 0)
        monkeypatch.setattr(patches, "_SIDE", 48)
    return request.param


@pytest.mark.parametrize("name", MASKS)
def test_a_large_mask_is_not_held(name, by_parts, tmp_path):
    mask = read_mask(save(tmp_path / "m.tif", MASKS[name]))
    assert hasattr(mask.data, "dask") == by_parts
    np.testing.assert_array_equal(np.asarray(mask) != 0, MASKS[name] != 0)


def test_white_stored_as_0_is_told_in_parts_too(by_parts, tmp_path):
    path = tmp_path / "m.tif"
    tifffile.imwrite(path, 255 - HOLE, photometric="miniswhite")
    np.testing.assert_array_equal(np.asarray(read_mask(path)) != 0, HOLE != 0)


@pytest.mark.parametrize("ending", [".tif", ".npy"])
@pytest.mark.parametrize("name", MASKS)
def test_what_can_be_a_mask_is_one(name, ending, tmp_path):
    mask = read_mask(save(tmp_path / f"m{ending}", MASKS[name]))
    np.testing.assert_array_equal(np.asarray(mask) != 0, MASKS[name] != 0)
    several = len(np.unique(MASKS[name])) > 2
    assert len(mask.notes) == several


@pytest.mark.parametrize("reader", [read_mask, read_labels])
@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_neither_mask_nor_labels(name, reader, by_parts, tmp_path):
    error = refusal(reader, save(tmp_path / "m.tif", PICTURES[name]))
    assert error.kind is Kind.WRONG_CONTENT
    low, high = PICTURES[name].min(), PICTURES[name].max()
    assert f"{low:g}" in error.found
    assert f"{high:g}" in error.found


@pytest.mark.parametrize("reader", [read_mask, read_labels])
@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_what_is_not_finite_marks_nothing(reader, odd, tmp_path):
    path = save(tmp_path / "m.npy", np.where(HOLE > 0, odd, 0))
    assert refusal(reader, path).kind is Kind.NOT_FINITE


@pytest.mark.parametrize("reader", [read_mask, read_labels])
@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (np.zeros(5), Kind.WRONG_CONTENT),
        (np.zeros((3, 4), complex), Kind.WRONG_CONTENT),
        (np.array([["yes", "no"]]), Kind.WRONG_CONTENT),
        (np.zeros((3, 4), "u1,u2"), Kind.WRONG_CONTENT),
        (np.zeros((0, 4)), Kind.EMPTY),
    ],
    ids=["line", "complex", "words", "records", "empty"],
)
def test_arrays_of_other_things(reader, array, kind, tmp_path):
    assert refusal(reader, save(tmp_path / "m.npy", array)).kind is kind


# --- labels ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.uint64, np.float32])
@pytest.mark.parametrize("ending", [".tif", ".npy"])
def test_labels_keep_their_numbers(dtype, ending, tmp_path):
    labels = read_labels(save(tmp_path / f"l{ending}", (LABELS * 3).astype(dtype)))
    assert labels.data.dtype.kind in "ui"
    assert not labels.notes
    np.testing.assert_array_equal(labels, LABELS * 3)


def test_the_smallest_of_label_images_are_not_judged(tmp_path):
    labels = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000
    np.testing.assert_array_equal(read_labels(save(tmp_path / "l.tif", labels)), labels)


@pytest.mark.parametrize("side", [2, 4, 9])
def test_small_cells_that_touch_are_cells(side, tmp_path):
    tiles = np.arange(20 * 25).reshape(20, 25)
    labels = np.kron(tiles, np.ones((side, side), int))
    np.testing.assert_array_equal(read_labels(save(tmp_path / "l.npy", labels)), labels)


@pytest.mark.parametrize("name", ["bool", "255", "65535", "floats"])
@pytest.mark.parametrize("planes", [1, 3])
def test_a_mask_of_cells_is_split_into_pieces(name, planes, tmp_path):
    mask = MASKS[name].copy()
    mask[60:70, 60:70] = mask.max()
    mask = np.stack([mask, np.roll(mask, 3, axis=0), mask])[:planes]
    labels = read_labels(save(tmp_path / "l.npy", mask))
    assert len(labels.notes) == 1
    assert f"{2 * planes} connected pieces" in labels.notes[0]
    np.testing.assert_array_equal(np.asarray(labels) > 0, mask != 0)
    assert np.unique(labels).tolist() == list(range(2 * planes + 1))


def test_one_cell_keeps_its_number(tmp_path):
    one = np.where(HOLE > 0, 7, 0)
    labels = read_labels(save(tmp_path / "l.npy", one))
    assert not labels.notes
    np.testing.assert_array_equal(labels, one)


@pytest.mark.parametrize(
    "labels",
    [
        np.where(HOLE > 0, 2**24 + 2, LABELS).astype(np.float32),
        np.where(HOLE > 0, 4096, LABELS).astype(np.float16),
        np.where(HOLE > 0, 1e300, LABELS),
        np.where(HOLE > 0, -1, LABELS),
        np.where(HOLE > 0, np.uint64(2**63), LABELS.astype(np.uint64)),
        np.where(HOLE > 0, 2**31, LABELS),
        LABELS + 0.5,
    ],
    ids=["float32", "float16", "1e300", "negative", "uint64", "too large", "fractions"],
)
def test_numbers_that_no_cell_can_have(labels, tmp_path):
    assert refusal(read_labels, save(tmp_path / "l.npy", labels)).kind is Kind.WRONG_CONTENT


@pytest.mark.parametrize("background", [0, 1])
def test_classes_of_pixels_are_no_cells(background, tmp_path):
    """Of ilastik: 1 is the background and 2 the cells; or 0, and a rim of its own."""
    inside = ndimage.binary_dilation(RNG.random(LABELS.shape) < 0.005, iterations=2)
    rim = ndimage.binary_dilation(inside) & ~inside
    classes = inside + background + 2 * rim * (1 - background)
    path = save(tmp_path / "l.npy", classes.astype(np.uint8))
    assert refusal(read_labels, path).kind is Kind.WRONG_CONTENT
    if background:
        assert refusal(read_mask, path).kind is Kind.WRONG_CONTENT


def test_two_cells_may_fill_the_field(tmp_path):
    halves = np.ones(LABELS.shape, np.uint8)
    halves[:, 50:] = 2
    np.testing.assert_array_equal(read_labels(save(tmp_path / "l.npy", halves)), halves)


# --- several images, and files of ours ------------------------------------------------------


@pytest.fixture(scope="module")
def stack():
    channels = tuple(Channel(role, role) for role in ROLES)
    return Stack(SCENE, "CYX", channels, name="field")


def test_of_an_earlier_output_its_mask_is_taken(stack, tmp_path):
    marked = np.stack([HOLE, 0 * HOLE, 0 * HOLE, HOLE]) > 0
    unsure = np.where(marked, LEVELS, 0).astype(np.float32)
    done = nd.Imputation.of(stack, marked, unsure, (SCENE, SCENE))
    path = write(done, tmp_path / "r.ome.tif")
    mask = read_mask(path)
    np.testing.assert_array_equal(mask.fitted(stack), marked)
    assert len(mask.notes) == 1
    assert Loaded(stack, mask).stack.notes == mask.notes
    assert refusal(read_labels, path).kind is Kind.WRONG_CONTENT


def test_a_field_that_is_called_missing_is_no_mask(stack, tmp_path):
    marked = np.stack([HOLE, 0 * HOLE, 0 * HOLE, HOLE]) > 0
    done = nd.Imputation.of(replace(stack, name="missing"), marked)
    mask = read_mask(write(done, tmp_path / "r.ome.tif"))
    np.testing.assert_array_equal(mask.fitted(stack), marked)
    path = write(replace(stack, name="missing"), tmp_path / "s.ome.tif")
    assert refusal(read_mask, path).kind is Kind.WRONG_CONTENT


def test_of_an_output_without_a_mask_nothing_is_taken(stack, tmp_path):
    path = write(stack, tmp_path / "r.ome.tif")
    assert refusal(read_mask, path).kind is Kind.WRONG_CONTENT
    assert refusal(read_labels, path).kind is Kind.WRONG_CONTENT


@pytest.mark.parametrize("kind", ["cells", "localization maps"])
def test_cells_and_maps_are_no_mask(kind, tmp_path):
    labels = LABELS.astype(np.uint16)
    path = write(Stack(labels, "YX", (Channel("c"),), kind=kind), tmp_path / "c.ome.tif")
    assert refusal(read_mask, path).kind is Kind.WRONG_CONTENT
    if kind == "cells":
        np.testing.assert_array_equal(read_labels(path), labels)
    else:
        assert refusal(read_labels, path).kind is Kind.WRONG_CONTENT


@pytest.mark.parametrize("reader", [read_mask, read_labels])
def test_of_several_images_the_one_that_can_be_it(reader, tmp_path):
    path = tmp_path / "m.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as tif:
        tif.write(SCENE, metadata={"axes": "CYX"}, **GREY)
        tif.write(LABELS.astype(np.uint16), metadata={"axes": "YX"}, **GREY)
    found = reader(path)
    np.testing.assert_array_equal(found, LABELS)
    assert any("image 2 of 2" in note for note in found.notes)


@pytest.mark.parametrize("reader", [read_mask, read_labels])
@pytest.mark.parametrize("appended", [SCENE[0], PAINTED])
def test_several_images_of_which_none_or_two_can_be_it(reader, appended, tmp_path):
    first = SCENE[1] if appended is not PAINTED else PAINTED
    tifffile.imwrite(tmp_path / "m.tif", first, **GREY)
    tifffile.imwrite(tmp_path / "m.tif", appended, append=True, **GREY)
    wanted = Kind.AMBIGUOUS if appended is PAINTED else Kind.WRONG_CONTENT
    assert refusal(reader, tmp_path / "m.tif").kind is wanted


# --- axes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("m.ome.tif", {"metadata": {"axes": "ZYX"}}),
        ("m.tif", {"metadata": {"axes": "ZYX"}}),
        ("m.tif", {"metadata": {"axes": "ZYX"}, "imagej": True}),
    ],
    ids=["ome", "tifffile", "imagej"],
)
def test_axes_that_a_file_states_are_heeded(name, options, tmp_path):
    marks = np.stack([HOLE, 0 * HOLE, 0 * HOLE, 0 * HOLE])
    tifffile.imwrite(tmp_path / name, marks, **GREY, **options)
    zstack = Stack(np.stack([SCENE] * 4), "ZCYX", tuple(Channel(role, role) for role in ROLES))
    fitted = read_mask(tmp_path / name).fitted(zstack)
    np.testing.assert_array_equal(fitted[0], np.stack([HOLE > 0] * 4))
    assert not fitted[1:].any()
    if "imagej" not in options:
        five = Stack(np.stack([SCENE] * 5), "ZCYX", zstack.channels)
        with pytest.raises(DualglandError) as error:
            read_mask(tmp_path / name).fitted(five)
        assert (error.value.kind, error.value.part) == (Kind.MISMATCH, "axis Z")


SAMPLES = {"photometric": "rgb", "planarconfig": "separate"}


@pytest.mark.parametrize(
    "options", [SAMPLES, {**GREY, "metadata": None}, GREY], ids=["samples", "bare", "grey"]
)
def test_axes_that_a_file_does_not_state_are_not_guessed(options, tmp_path):
    marks = np.stack([HOLE, 0 * HOLE, 0 * HOLE, 0 * HOLE])
    tifffile.imwrite(tmp_path / "m.tif", marks, **options)
    np.save(tmp_path / "m.npy", marks)
    channels = tuple(Channel(role, role) for role in ROLES)
    zstack = Stack(np.stack([SCENE] * 4), "ZCYX", channels)
    five = Stack(np.stack([SCENE] * 5), "ZCYX", channels)
    for name in ("m.tif", "m.npy"):
        with pytest.raises(DualglandError) as error:
            read_mask(tmp_path / name).fitted(zstack)
        assert error.value.kind is Kind.AMBIGUOUS
        assert read_mask(tmp_path / name).fitted(five)[:, 0].any(axis=(1, 2)).all()


# --- files that are none --------------------------------------------------------------------


def npy(header: str, major: int = 1) -> bytes:
    text = header.encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([major, 0]) + struct.pack("<H", len(text)) + text


def claiming(shape: str, dtype: str = "|u1") -> bytes:
    return npy(f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}")


DAMAGED = {
    "zip": b"PK\x03\x04" + bytes(100),
    "token": npy("{'descr': '|u1', 'fortran_order': False, 'shape': (3, 4"),
    "no dict": npy("[1, 2]"),
    "words": npy("{'descr': '|u1', 'fortran_order': 'no', 'shape': 'large'}"),
    "dtype": npy("{'descr': 'nothing', 'fortran_order': False, 'shape': (3, 4), }"),
    "negative": claiming("(-3, -4)"),
    "one negative": claiming("(-3, 4)"),
    "huge": claiming("(99999999999999999999, 4)"),
    "terabyte": claiming("(1000000, 1000000)"),
    "cut": claiming("(300, 400)") + bytes(1000),
    "version": npy("{}", major=9),
    "short": b"\x93NUMPY\x01",
    "objects": claiming("(3, 4)", "|O") + bytes(96),
}


@pytest.mark.parametrize("reader", [read_mask, read_labels])
@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_numpy_files(name, reader, tmp_path):
    (tmp_path / "m.npy").write_bytes(DAMAGED[name])
    kinds = {"huge": Kind.TOO_LARGE, "terabyte": Kind.TOO_LARGE, "objects": Kind.WRONG_CONTENT}
    assert refusal(reader, tmp_path / "m.npy").kind is kinds.get(name, Kind.DAMAGED)


@pytest.mark.parametrize("reader", [read_mask, read_labels])
@pytest.mark.parametrize("ending", [".tif", ".png", ".npy", ".jpg"])
def test_only_files_are_opened(reader, ending, tmp_path):
    absent, folder, pipe, empty = (tmp_path / f"{i}{ending}" for i in range(4))
    folder.mkdir()
    os.mkfifo(pipe)
    empty.touch()
    assert refusal(reader, absent).kind is Kind.NOT_THERE
    assert refusal(reader, folder).kind is Kind.NOT_A_FILE
    assert refusal(reader, pipe).kind is Kind.NOT_A_FILE
    assert refusal(reader, empty).kind is Kind.EMPTY


def test_other_files_and_other_homes(tmp_path):
    (tmp_path / "m.txt").write_text("hello")
    assert refusal(read_mask, tmp_path / "m.txt").kind is Kind.UNSUPPORTED
    with pytest.raises(DualglandError) as error:
        read_mask("~nobody-of-that-name/m.tif")
    assert error.value.kind is Kind.NOT_THERE


def test_a_tiff_that_claims_a_terabyte(tmp_path):
    path = tmp_path / "m.tif"
    tags = [(256, 4, 10**6), (257, 4, 10**6), (258, 3, 8), (259, 3, 8), (262, 3, 1), (273, 4, 200)]
    tags += [(277, 3, 1), (278, 4, 10**6), (279, 4, 50)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    path.write_bytes(b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(300))
    assert refusal(read_mask, path).kind is Kind.TOO_LARGE
