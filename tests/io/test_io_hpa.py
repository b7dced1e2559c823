"""Sets of the atlas: found by a member, a prefix or a folder; three of four; odd pictures."""

from __future__ import annotations

import gzip
import io
import logging
import os

import imagecodecs
import numpy as np
import pytest
import tifffile

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io import read
from napari_dualgland.io.hpa import SUFFIXES, parse_name
from napari_dualgland.stack import ROLES, PixelSize

FIELD = np.random.default_rng(0).integers(0, 255, (4, 40, 48), np.uint8)


def write_member(path, pixels):
    name = path.name.lower()
    if name.endswith(".png"):
        path.write_bytes(imagecodecs.png_encode(pixels))
    elif name.endswith((".jpg", ".jpeg")):
        path.write_bytes(imagecodecs.jpeg_encode(pixels, level=95))
    elif name.endswith(".gz"):
        with io.BytesIO() as plain, gzip.open(path, "wb") as packed:
            tifffile.imwrite(plain, pixels)
            packed.write(plain.getvalue())
    else:
        tifffile.imwrite(path, pixels)


def write_set(folder, stem="id", ending=".png", roles=ROLES, field=FIELD):
    for role in roles:
        pixels = field[ROLES.index(role)]
        write_member(folder / f"{stem}_{SUFFIXES[role]}{ending}", pixels)
    return folder / f"{stem}_{SUFFIXES[roles[0]]}{ending}"


@pytest.mark.parametrize("ending", [".png", ".PNG", ".tif", ".tiff", ".tif.gz", ".TIF"])
def test_a_set_is_read_bit_for_bit_in_role_order(tmp_path, ending):
    write_set(tmp_path, ending=ending)
    for path in (tmp_path / f"id_green{ending}", tmp_path / "id", tmp_path):
        stack = read(path)
        np.testing.assert_array_equal(stack.data, FIELD)
        assert stack.axes == "CYX"
        assert list(stack.roles) == list(ROLES)
        assert stack.name == "id"
        assert stack.pixel_size is None
        assert len(stack.files) == 4


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_16_bits_stay_16_bits(tmp_path, dtype):
    field = FIELD.astype(dtype) * (257 if dtype == np.uint16 else 1)
    write_set(tmp_path, field=field)
    assert read(tmp_path).dtype == dtype
    np.testing.assert_array_equal(read(tmp_path).data, field)


def test_jpegs_of_the_long_names_are_read(tmp_path):
    smooth = np.broadcast_to(np.linspace(0, 200, 48).astype(np.uint8), (4, 40, 48))
    write_set(tmp_path, "12_A3_2", ".jpg", field=smooth)
    stack = read(tmp_path / "12_A3_2_blue.jpg")
    assert stack.name == "12_A3_2"
    assert np.abs(stack.data.astype(int) - smooth).max() <= 3


@pytest.mark.parametrize(
    "name", ["id_blue_red_green.jpg", "id_blue_red_green_yellow.png", "red_green.png", "_red.png"]
)
def test_composites_are_no_channel(name):
    assert parse_name(name) is None


@pytest.mark.parametrize("name", ["id_red.gif", "id-red.png", "idred.png", "id_red.ome.tif"])
def test_other_names_are_no_members(name):
    assert parse_name(name) is None


def test_a_composite_beside_a_set_is_left_aside(tmp_path):
    write_set(tmp_path)
    write_member(tmp_path / "id_blue_red_green.png", np.zeros((9, 9, 3), np.uint8))
    assert len(read(tmp_path).channels) == 4


def test_three_of_four_says_which_is_lacking(tmp_path, caplog):
    write_set(tmp_path, roles=("microtubules", "protein", "nucleus"))
    with caplog.at_level(logging.WARNING):
        stack = read(tmp_path)
    assert stack.absent_roles == ("er",)
    assert stack.notes == ("no file for er (_yellow)",)
    assert "no file for er (_yellow)" in caplog.text


def test_several_sets_in_a_folder_are_listed(tmp_path):
    write_set(tmp_path, "a")
    write_set(tmp_path, "b")
    with pytest.raises(DualglandError, match=r"holds 2 HPA sets \(a, b\)"):
        read(tmp_path)
    assert read(tmp_path / "b").name == "b"


def test_two_formats_of_one_field_are_not_mixed(tmp_path):
    write_set(tmp_path, ending=".png")
    write_set(tmp_path, ending=".tif", field=FIELD // 2)
    with pytest.raises(DualglandError, match=r"id_red\.png, id_red\.tif"):
        read(tmp_path / "id")
    np.testing.assert_array_equal(read(tmp_path / "id_red.tif").data, FIELD // 2)


def test_members_of_two_sizes_are_refused(tmp_path):
    write_set(tmp_path)
    write_member(tmp_path / "id_blue.png", np.zeros((20, 48), np.uint8))
    with pytest.raises(DualglandError, match="size is 20 × 48, but 40 × 48") as error:
        read(tmp_path)
    assert error.value.kind == Kind.MISMATCH
    assert error.value.part == "size"


def test_the_member_that_is_unlike_the_others_is_blamed(tmp_path):
    """It need not be the second one: here it is the first."""
    write_set(tmp_path, ending=".tif")
    stack = np.stack([FIELD[0]] * 2)
    tifffile.imwrite(tmp_path / "id_red.tif", stack, imagej=True, metadata={"axes": "ZYX"})
    with pytest.raises(DualglandError) as error:
        read(tmp_path)
    assert (error.value.kind, error.value.part) == (Kind.MISMATCH, "axes")
    assert error.value.place == str(tmp_path / "id_red.tif")


GREY = {"photometric": "minisblack", "metadata": None}
SEVERAL = {
    "ImageJ": (FIELD[:2], {"imagej": True, "metadata": {"axes": "CYX"}}),
    "OME": (FIELD[:2], {"ome": True, "photometric": "minisblack", "metadata": {"axes": "CYX"}}),
    "pages": (FIELD[:2], GREY),
    "three pages": (FIELD[:3], GREY),
    "pages alike": (FIELD[[0, 0, 0, 0]], GREY),
    "samples": (np.moveaxis(FIELD[:2], 0, -1), GREY | {"planarconfig": "contig"}),
    "five samples": (np.moveaxis(FIELD[[0] * 5], 0, -1), GREY | {"planarconfig": "contig"}),
}


@pytest.mark.parametrize(("pixels", "how"), SEVERAL.values(), ids=SEVERAL)
def test_a_member_of_several_channels_is_refused(tmp_path, pixels, how):
    path = write_set(tmp_path, ending=".tif")
    tifffile.imwrite(path, pixels, **how)
    for given in (path, tmp_path, tmp_path / "id_blue.tif"):
        with pytest.raises(DualglandError) as error:
            read(given)
        assert (error.value.kind, error.value.place) == (Kind.WRONG_CONTENT, str(path))


def test_grey_with_alpha_is_one_channel(tmp_path):
    path = write_set(tmp_path, ending=".tif")
    pixels = np.stack([FIELD[0], np.full_like(FIELD[0], 255)], axis=-1)
    tifffile.imwrite(path, pixels, planarconfig="contig", extrasamples=["unassalpha"], **GREY)
    np.testing.assert_array_equal(read(tmp_path).data, FIELD)


def test_a_page_appended_to_a_member_is_said(tmp_path):
    path = write_set(tmp_path, ending=".tif")
    tifffile.imwrite(path, FIELD[0, :9, :9], append=True, metadata=None)
    stack = read(tmp_path)
    np.testing.assert_array_equal(stack.data, FIELD)
    assert any("2 images" in note or "left aside" in note for note in stack.notes)


LITTER = ["._id_red.tif", "._id_green.png", "._other_red.tif", ".id_blue.png", ".DS_Store"]
LITTER += ["Thumbs.db", "desktop.ini"]


@pytest.mark.parametrize("ending", [".tif", ".png"])
def test_what_systems_leave_beside_a_set_is_no_member(tmp_path, ending):
    member = write_set(tmp_path, ending=ending)
    for name in LITTER:
        (tmp_path / name).write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    for given in (tmp_path, tmp_path / "id", member):
        np.testing.assert_array_equal(read(given).data, FIELD)


@pytest.mark.parametrize("ending", [".tif", ".png", ".jpg", ".tif.gz"])
def test_a_pipe_among_the_members_is_not_waited_for(tmp_path, ending):
    path = write_set(tmp_path, ending=ending)
    path.unlink()
    os.mkfifo(path)
    for given in (path, tmp_path):
        with pytest.raises(DualglandError) as error:
            read(given)
        assert (error.value.kind, error.value.place) == (Kind.NOT_A_FILE, str(path))


def test_members_of_two_dtypes_are_refused(tmp_path):
    write_set(tmp_path)
    write_member(tmp_path / "id_blue.png", np.zeros((40, 48), np.uint16))
    with pytest.raises(DualglandError, match="dtype is uint16, but uint8"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("color", "lit"), [("red", [0]), ("green", [1]), ("blue", [2]), ("yellow", [0, 1])]
)
def test_the_lit_component_of_an_rgb_picture_is_the_channel(tmp_path, color, lit):
    rgb = np.zeros((40, 48, 3), np.uint8)
    rgb[..., lit] = FIELD[0][..., None]
    write_member(tmp_path / f"id_{color}.png", rgb)
    np.testing.assert_array_equal(read(tmp_path).data, FIELD[:1])


@pytest.mark.parametrize("color", ["red", "green", "blue", "yellow"])
def test_jpeg_noise_in_the_dark_components_does_no_harm(tmp_path, color):
    y, x = np.mgrid[:128, :128]
    cell = (200 * np.exp(-((y - 64) ** 2 + (x - 50) ** 2) / 500)).astype(np.uint8)
    cell[::7] //= 2
    rgb = np.zeros((128, 128, 3), np.uint8)
    rgb[..., {"red": [0], "green": [1], "blue": [2], "yellow": [0, 1]}[color]] = cell[..., None]
    path = tmp_path / f"id_{color}.jpg"
    path.write_bytes(imagecodecs.jpeg_encode(rgb, level=75, subsampling="420"))
    assert read(path).shape == (1, 128, 128)


def test_grey_stored_as_rgb_is_grey(tmp_path):
    write_member(tmp_path / "id_red.png", np.repeat(FIELD[0][..., None], 3, axis=2))
    np.testing.assert_array_equal(read(tmp_path).data, FIELD[:1])


def test_a_photograph_is_refused(tmp_path):
    write_member(tmp_path / "car_red.png", np.ascontiguousarray(np.moveaxis(FIELD[:3], 0, -1)))
    with pytest.raises(DualglandError, match="colour picture") as error:
        read(tmp_path / "car_red.png")
    assert error.value.kind == Kind.WRONG_CONTENT


def test_the_pixel_size_of_the_files_is_taken(tmp_path):
    for color in ("red", "green"):
        tifffile.imwrite(
            tmp_path / f"id_{color}.tif",
            FIELD[0],
            resolution=(1e4 / 0.08, 1e4 / 0.08),
            resolutionunit="CENTIMETER",
        )
    assert read(tmp_path).pixel_size == PixelSize(pytest.approx(0.08), pytest.approx(0.08))


def test_print_resolution_is_no_pixel_size(tmp_path):
    tifffile.imwrite(tmp_path / "id_red.tif", FIELD[0], resolution=(72, 72), resolutionunit="INCH")
    assert read(tmp_path).pixel_size is None


def test_a_gzip_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_dualgland.io.tiff.opening.GZIP_LIMIT", 10_000)
    with gzip.open(tmp_path / "id_red.tif.gz", "wb") as file:
        file.write(bytes(1_000_000))
    with pytest.raises(DualglandError, match="unpacks to more than"):
        read(tmp_path / "id_red.tif.gz")


@pytest.mark.parametrize("ending", [".png", ".jpg", ".tif", ".tif.gz"])
def test_cut_off_members_are_refused(tmp_path, ending):
    path = write_set(tmp_path, ending=ending, roles=("microtubules",))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DualglandError, match="truncated"):
        read(path)


def test_nothing_there(tmp_path):
    with pytest.raises(DualglandError, match="no such file, folder or HPA set"):
        read(tmp_path / "nothing")
    with pytest.raises(DualglandError, match="no such file"):
        read(tmp_path / "no_folder" / "id_red.png")
    with pytest.raises(DualglandError, match="holds no HPA set"):
        read(tmp_path)
