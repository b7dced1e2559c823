"""What a TIFF claims is compared with what is there before anything is decoded, opened or made."""

from __future__ import annotations

import gzip
import os

import numpy as np
import pytest
import tifffile
from made_tiffs import NAMES, PIXELS, chain, lying, ome_xml, write_pages

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io import read
from napari_dualgland.io.tiff import is_tiff, opened, read_pyramid, read_tiff
from napari_dualgland.io.tiff.pages import MAX_PAGES

GREY = {"photometric": "minisblack", "metadata": None}


def refusal(path, lazy=None):
    """Return the kind and the part of the refusal, which has to blame the file."""
    with pytest.raises(DualglandError) as error:
        np.asarray(read_tiff(path, lazy).data)
    assert error.value.place == str(path)
    return error.value.kind, error.value.part


@pytest.mark.parametrize("lazy", [None, True, False])
@pytest.mark.parametrize(
    ("claim", "kind"),
    [
        (lying(10**6, 10**6), Kind.TOO_LARGE),
        (lying(2**32 - 1, 2**32 - 1), Kind.TOO_LARGE),
        (lying(1000, 1000, t277=65535), Kind.TOO_LARGE),
        (lying(10**6, 10**6, t259=1), Kind.DAMAGED),  # the bytes would have to be there
        (lying(10**6, 10**6, t278=1), Kind.DAMAGED),  # and so would the places of the strips
        (lying(300, 200), Kind.DAMAGED),
        (lying(300, 0), Kind.EMPTY),
        (lying(10, 10, t258=0), Kind.UNSUPPORTED),
        (lying(10, 10, t259=9999), Kind.UNSUPPORTED),
    ],
    ids=["1e12", "1e19", "samples", "bare", "strips", "short", "empty", "no-bits", "codec"],
)
def test_sizes_are_looked_at_first(tmp_path, claim, kind, lazy):
    (tmp_path / "a.tif").write_bytes(claim)
    assert refusal(tmp_path / "a.tif", lazy)[0] is kind


def test_a_strip_too_large_is_refused_for_every_resolution(tmp_path):
    (tmp_path / "a.tif").write_bytes(lying(10**6, 10**6))
    with pytest.raises(DualglandError) as error:
        read_pyramid(tmp_path / "a.tif")
    assert error.value.kind is Kind.TOO_LARGE


@pytest.mark.parametrize(("pages", "back_to"), [(1, 1), (3, 1), (300, 150)])
def test_pages_in_a_circle(tmp_path, pages, back_to):
    (tmp_path / "a.tif").write_bytes(chain(pages, last=8 + 102 * (back_to - 1)))
    assert refusal(tmp_path / "a.tif") == (Kind.DAMAGED, f"page {pages + 1}")


def test_more_pages_than_an_image_has(tmp_path):
    (tmp_path / "a.tif").write_bytes(chain(MAX_PAGES + 1))
    assert refusal(tmp_path / "a.tif")[0] is Kind.TOO_LARGE


@pytest.mark.parametrize("onward", [9, 10**6], ids=["into-nothing", "behind-the-end"])
def test_a_chain_that_leads_nowhere(tmp_path, onward):
    (tmp_path / "a.tif").write_bytes(chain(3, last=onward))
    assert refusal(tmp_path / "a.tif")[0] is Kind.DAMAGED


def test_a_preallocated_file_that_was_never_finished(tmp_path):
    path = write_pages(tmp_path / "a.tif", PIXELS)
    with tifffile.TiffFile(path) as tif:
        second = tif.pages[1].offset
    whole = path.stat().st_size
    os.truncate(path, second)
    os.truncate(path, whole)
    assert refusal(path) == (Kind.DAMAGED, "page 2")


@pytest.mark.parametrize(
    "claim",
    [
        {"SizeC": "1000000000"},
        {"planes": '<TiffData PlaneCount="1000000000"/>'},
        {"planes": '<TiffData IFD="0" PlaneCount="200000"/>' * 10},
        {"planes": "<TiffData/>" * 140_000},
    ],
    ids=["sizes", "planes", "sum", "repeated"],
)
def test_claims_of_ome_xml(tmp_path, claim):
    assert refusal(write_pages(tmp_path / "a.ome.tif", PIXELS, ome_xml(**claim)))[0] in (
        Kind.TOO_LARGE,
        Kind.DAMAGED,
    )


def test_a_gzip_that_swells(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_dualgland.io.tiff.opening.GZIP_LIMIT", 2**20)
    with gzip.open(tmp_path / "a.tif.gz", "wb") as file:
        file.write(bytes(2**24))
    assert refusal(tmp_path / "a.tif.gz")[0] is Kind.TOO_LARGE
    (tmp_path / "b.tif.gz").write_bytes(gzip.compress(lying(10**6, 10**6)))
    assert refusal(tmp_path / "b.tif.gz")[0] is Kind.TOO_LARGE


@pytest.mark.parametrize("damage", [slice(0, 2), slice(60, 70), slice(-8, -4)], ids=str)
def test_a_damaged_gzip(tmp_path, damage):
    packed = bytearray(gzip.compress(PIXELS.tobytes()))
    packed[damage] = bytes(byte ^ 255 for byte in packed[damage])
    (tmp_path / "a.tif.gz").write_bytes(packed)
    assert refusal(tmp_path / "a.tif.gz")[0] is Kind.DAMAGED


@pytest.mark.parametrize("name", ["a.tif", "a.tif.gz", "id_red.tif", "pipe"])
def test_pipes_are_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(DualglandError) as error:
        (is_tiff if name == "pipe" else read_tiff)(tmp_path / name)
    assert error.value.kind is Kind.NOT_A_FILE


def test_a_device_is_no_tiff(tmp_path):
    (tmp_path / "a.tif").symlink_to("/dev/zero")
    assert refusal(tmp_path / "a.tif")[0] is Kind.NOT_A_FILE


@pytest.mark.parametrize("lazy", [True, False])
@pytest.mark.parametrize(
    "layout",
    [
        {"compression": "zlib"},
        {"compression": "lzw", "rowsperstrip": 8},
        {"compression": "zstd", "tile": (16, 16)},
        {"compression": "jpeg", "dtype": "uint8"},
    ],
    ids=lambda layout: layout["compression"],
)
def test_damage_names_the_page(tmp_path, layout, lazy):
    layout = dict(layout)
    pixels = PIXELS.astype(layout.pop("dtype", "uint16"))
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, **GREY, **layout)
    with tifffile.TiffFile(path) as tif:
        at = tif.pages[2].dataoffsets[-1]
    content = bytearray(path.read_bytes())
    content[at : at + 40] = b"\xff" * 40
    path.write_bytes(content)
    assert refusal(path, lazy) == (Kind.DAMAGED, "page 3")


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("harm", ["cut", "gone", "pipe"])
def test_harm_after_a_file_was_opened(tmp_path, compression, harm):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PIXELS, compression=compression, **GREY)
    lazy = read_tiff(path, lazy=True).data
    if harm == "cut":
        os.truncate(path, path.stat().st_size // 2)
    else:
        path.unlink()
        if harm == "pipe":
            os.mkfifo(path)
    with pytest.raises(DualglandError) as error:
        lazy.compute()
    kinds = {"cut": Kind.DAMAGED, "gone": Kind.NOT_THERE, "pipe": Kind.NOT_A_FILE}
    assert error.value.kind is kinds[harm]
    assert error.value.place == str(path)


def test_our_own_exceptions_are_no_damage(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PIXELS, **GREY)
    with pytest.raises(ZeroDivisionError), opened(tmp_path / "a.tif"):
        _ = 1 / 0
    with pytest.raises(DualglandError, match="cannot tell"):
        read(tmp_path / "a.tif")


def test_strips_that_hold_nothing_are_said(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        PIXELS,
        compression="zlib",
        photometric="minisblack",
        metadata={"axes": "CYX", "Channel": {"Name": NAMES}},
    )
    with tifffile.TiffFile(path, mode="r+") as tif:
        tif.pages[1].tags["StripByteCounts"].overwrite(0)
    stack = read(path)
    assert not stack.data[1].any()
    assert any("1 of 4 strips" in note for note in stack.notes)
