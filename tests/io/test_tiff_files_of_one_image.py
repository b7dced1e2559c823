"""An OME-TIFF of several files: read from any of them, and the one that lacks is blamed."""

from __future__ import annotations

import gzip
import os

import numpy as np
import pytest
from made_tiffs import (
    PIXELS,
    UUIDS,
    chain,
    lying,
    ome_xml,
    plane_in,
    write_pages,
    write_pair,
)
from ome_types import from_tiff

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io import read, write
from napari_dualgland.io.tiff import read_tiff

BINARY_ONLY = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="{UUIDS[0]}">'
    f'<BinaryOnly MetadataFile="x.companion.ome" UUID="{UUIDS[3]}"/></OME>'
)


def refusal(path):
    with pytest.raises(DualglandError) as error:
        np.asarray(read_tiff(path).data)
    return error.value.kind, error.value.place


@pytest.mark.parametrize("lazy", [True, False])
def test_any_file_of_a_set_gives_the_whole(tmp_path, lazy):
    for path, other in ((a, b) for a, b in [write_pair(tmp_path), write_pair(tmp_path)[::-1]]):
        stack = read_tiff(path, lazy)
        np.testing.assert_array_equal(np.asarray(stack.data), PIXELS)
        assert stack.files == (str(path), str(other))
        assert stack.pixel_size.x == 0.1
        with pytest.raises(DualglandError):
            write(read(path), other)


@pytest.mark.parametrize("keep", [-100, 0.5, 100, 4, 0])
def test_the_cut_companion_is_blamed(tmp_path, keep):
    path, other = write_pair(tmp_path)
    size = other.stat().st_size
    os.truncate(other, size + keep if keep < 0 else int(size * keep) if keep == 0.5 else keep)
    kind = Kind.EMPTY if keep == 0 else Kind.DAMAGED
    assert refusal(path) == (kind, str(other))


def test_the_absent_companion_is_blamed(tmp_path):
    path, other = write_pair(tmp_path)
    other.unlink()
    assert refusal(path) == (Kind.LACKING, str(other))
    other.mkdir()
    assert refusal(path) == (Kind.NOT_A_FILE, str(other))
    other.rmdir()
    os.mkfifo(other)
    assert refusal(path) == (Kind.NOT_A_FILE, str(other))


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"no TIFF at all, but a text", Kind.DAMAGED),
        (chain(3, last=8), Kind.DAMAGED),
        (chain(2), Kind.MISMATCH),
        (lying(10**6, 10**6), Kind.DAMAGED),  # one page of two
    ],
    ids=["text", "circle", "size", "page"],
)
def test_a_companion_that_is_something_else_is_blamed(tmp_path, content, kind):
    path, other = write_pair(tmp_path)
    other.write_bytes(content)
    assert refusal(path) == (kind, str(other))


def test_a_companion_of_another_dtype_is_blamed(tmp_path):
    path, other = write_pair(tmp_path)
    write_pages(other, PIXELS[2:].astype(np.float32))
    assert refusal(path) == (Kind.MISMATCH, str(other))


def test_damaged_pixels_of_a_companion_are_its_own(tmp_path):
    path, other = write_pair(tmp_path)
    content = bytearray(other.read_bytes())
    whole = PIXELS[2].tobytes()
    at = content.find(whole)
    assert at > 0
    os.truncate(other, at + len(whole) // 2)
    assert refusal(path)[1] == str(other)


def test_one_xml_in_every_file_of_a_set(tmp_path):
    """Its UUID is that of the first file, whose planes are not in the second."""
    first, second = write_pair(tmp_path)
    planes = "".join(plane_in("ab"[c // 2] + ".ome.tif", UUIDS[c // 2], c, c % 2) for c in range(4))
    write_pages(second, PIXELS[2:], ome_xml(planes, UUIDS[0]))
    for path in (first, second):
        np.testing.assert_array_equal(read(path).data, PIXELS)


def test_a_packed_file_cannot_have_companions(tmp_path):
    path, other = write_pair(tmp_path)
    (tmp_path / "a.ome.tif.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert refusal(tmp_path / "a.ome.tif.gz") == (Kind.LACKING, str(other))


@pytest.mark.parametrize("uuid", [None, UUIDS[0], UUIDS[1]], ids=["none", "own", "other"])
def test_a_single_file_may_be_renamed(tmp_path, uuid):
    planes = "".join(plane_in("old.ome.tif", UUIDS[0], i, i) for i in range(4))
    path = write_pages(tmp_path / "new.ome.tif", PIXELS, ome_xml(planes, uuid))
    stack = read(path)
    np.testing.assert_array_equal(stack.data, PIXELS)
    assert len(stack.roles) == 4


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("name", ["a.ome.tif", "b.ome.tif"])
def test_a_companion_ome_is_read_through(tmp_path, name, encoding):
    pair = write_pair(tmp_path)
    planes = "".join(plane_in(pair[c // 2].name, UUIDS[c // 2], c, c % 2) for c in range(4))
    (tmp_path / "x.companion.ome").write_bytes(ome_xml(planes, UUIDS[3]).encode(encoding))
    for i, path in enumerate(pair):
        write_pages(path, PIXELS[2 * i : 2 * i + 2], BINARY_ONLY.replace(UUIDS[0], UUIDS[i]))
    stack = read(tmp_path / name)
    np.testing.assert_array_equal(stack.data, PIXELS)
    assert len(stack.roles) == 4
    assert str(tmp_path / "x.companion.ome") in stack.files


def test_where_a_first_tiff_describes_the_others(tmp_path):
    first, second = write_pair(tmp_path)
    write_pages(second, PIXELS[2:], BINARY_ONLY.replace("x.companion.ome", first.name))
    np.testing.assert_array_equal(read(second).data, PIXELS)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (None, Kind.LACKING),
        (b"", Kind.EMPTY),
        (b"something", Kind.DAMAGED),
        (ome_xml().encode()[:300], Kind.DAMAGED),
        (ome_xml().replace("Name=", "Name").encode(), Kind.DAMAGED),
        (BINARY_ONLY.encode(), Kind.DAMAGED),
    ],
    ids=["absent", "empty", "text", "cut", "odd", "circle"],
)
def test_the_companion_ome_is_blamed(tmp_path, content, kind):
    path = write_pages(tmp_path / "a.ome.tif", PIXELS, BINARY_ONLY)
    if content is not None:
        (tmp_path / "x.companion.ome").write_bytes(content)
    assert refusal(path) == (kind, str(tmp_path / "x.companion.ome"))


def test_pixels_that_do_not_say_what_describes_them(tmp_path):
    xml = BINARY_ONLY.replace('MetadataFile="x.companion.ome"', "")
    path = write_pages(tmp_path / "a.ome.tif", PIXELS, xml)
    assert refusal(path) == (Kind.LACKING, str(path))


def test_of_several_positions_that_of_the_file_is_read(tmp_path):
    """Each file of such a set describes all positions; the first is in another file."""
    images = ""
    for i, name in enumerate(("first.ome.tif", "second.ome.tif")):
        planes = "".join(plane_in(name, UUIDS[i], c, c) for c in range(4))
        whole = ome_xml(planes, PhysicalSizeX=f"0.{i + 1}", PhysicalSizeY=f"0.{i + 1}")
        image = whole[whole.index("<Image") : whole.index("</OME>")]
        images += image.replace(":0", f":{i}").replace("field", f"field {i}")
    frame = whole[: whole.index("<Image")] + images + "</OME>"
    for i, name in enumerate(("first.ome.tif", "second.ome.tif")):
        xml = frame.replace("<OME ", f'<OME UUID="{UUIDS[i]}" ')
        write_pages(tmp_path / name, PIXELS + i, xml)
    for i, name in enumerate(("first.ome.tif", "second.ome.tif")):
        stack = read(tmp_path / name)
        np.testing.assert_array_equal(stack.data, PIXELS + i)
        assert stack.pixel_size.x == pytest.approx(0.1 * (i + 1))
        assert "holds 2 images" in stack.notes[0]
        out = write(stack, tmp_path / f"out{i}.ome.tif")
        assert from_tiff(out).images[0].name == f"field {i}"
