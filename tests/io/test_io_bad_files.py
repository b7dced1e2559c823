"""Bad input costs one clear line that names the file."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_dualgland.errors import DualglandError
from napari_dualgland.io import read

PIXELS = np.random.default_rng(0).integers(0, 65535, (4, 200, 220), np.uint16)
GREY = {"photometric": "minisblack"}
NAMED = {"axes": "CYX", "Channel": {"Name": ["tubulin", "antibody", "DAPI", "ER"]}}


def refused(path, match, channels=None):
    with pytest.raises(DualglandError, match=match) as error:
        read(path, channels)
    message = str(error.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def test_an_empty_file(tmp_path):
    (tmp_path / "a.tif").touch()
    refused(tmp_path / "a.tif", "empty")


def test_a_text_called_tif(tmp_path):
    (tmp_path / "a.tif").write_text("channels: 4\n" * 100)
    refused(tmp_path / "a.tif", "no TIFF")


@pytest.mark.parametrize("content", [b"", b"no image" * 9, b"II*\0nonsense"])
def test_what_is_no_image_has_a_way_out(tmp_path, content):
    (tmp_path / "a.tif").write_bytes(content)
    refused(tmp_path / "a.tif", "fetch or export it again")


@pytest.mark.parametrize("axis", "ZT")
def test_channels_that_were_saved_along_another_axis(tmp_path, axis):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, PIXELS, metadata={"axes": f"{axis}YX"}, **GREY)
    refused(path, f"if its 4 planes along {axis} are its channels, save it as CYX")
    refused(path, "expected position 0 or a name of its 1 channel", {"er": 3})


def test_an_unknown_kind(tmp_path):
    (tmp_path / "a.czi").write_bytes(bytes(100))
    refused(tmp_path / "a.czi", "cannot read files of this kind")


@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "zstd"])
@pytest.mark.parametrize("tile", [None, (64, 64)])
@pytest.mark.parametrize(("ome", "planar"), [(True, False), (False, False), (False, True)])
@pytest.mark.parametrize("keep", [0.3, 0.97])
def test_a_truncated_tiff(tmp_path, compression, tile, ome, planar, keep):
    path = tmp_path / ("a.ome.tif" if ome else "a.tif")
    tifffile.imwrite(
        path,
        PIXELS,
        compression=compression,
        tile=tile,
        metadata=NAMED,
        photometric="minisblack",
        planarconfig="separate" if planar else None,
    )
    assert read(path).absent_roles == ()
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    refused(path, "truncated|damaged")


def test_a_truncated_imagej_hyperstack(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PIXELS, imagej=True, metadata={"axes": "CYX"})
    path.write_bytes(path.read_bytes()[: PIXELS.nbytes * 9 // 10])
    refused(path, "truncated", {"nucleus": 0})


def test_pages_cut_off_at_a_page_boundary(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tif:
        for page in PIXELS:
            tif.write(page, metadata=None, contiguous=False)
    with tifffile.TiffFile(path) as tif:
        third = tif.pages[2].offset
    path.write_bytes(path.read_bytes()[:third])
    refused(path, "truncated", {"nucleus": 0})


def test_damaged_compressed_data(tmp_path):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, PIXELS, compression="zlib", metadata=NAMED)
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages[2].dataoffsets[0]
    content = bytearray(path.read_bytes())
    content[offset : offset + 500] = bytes(500)
    path.write_bytes(content)
    refused(path, "damaged")


def test_rgb(tmp_path):
    rgb = np.zeros((50, 60, 3), np.uint8)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, rgb, photometric="rgb")
    refused(path, r"3 channels \(red, green, blue\).*--channels microtubules=0,protein=1,nucleus=2")
    stack = read(path, {"protein": "green"})
    assert stack.axes == "YXC"
    assert stack.roles == {"protein": 1}


@pytest.mark.parametrize("count", [1, 2, 4, 5])
def test_unnamed_channels(tmp_path, count):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((count, 50, 60), "u1"), metadata={"axes": "CYX"}, **GREY)
    message = refused(path, "cannot tell which channel is which")
    wanted = ",".join(
        f"{r}={i}" for i, r in enumerate(("microtubules", "protein", "nucleus", "er")[:count])
    )
    assert f"--channels {wanted}, with" in message


def test_a_channel_that_is_not_there(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PIXELS[:2], metadata={"axes": "CYX"})
    refused(path, "no channel 3 for er", {"er": 3})


@pytest.mark.parametrize("shape", [(0, 10), (10, 0), (4, 0, 10)])
@pytest.mark.filterwarnings("ignore:.*writing zero-size")
def test_no_pixels(tmp_path, shape):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros(shape, np.uint8), photometric="minisblack")
    refused(path, "empty|no image|no TIFF", {"nucleus": 0})


@pytest.mark.parametrize("dtype", [bool, np.complex64])
def test_no_image_dtype(tmp_path, dtype):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.ones((4, 16, 16), dtype), photometric="minisblack", metadata=NAMED)
    refused(path, "dtype")


def test_axes_without_a_name(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((2, 3, 4, 16, 16), np.uint8), photometric="minisblack")
    refused(path, "not some of T, Z, C, Y, X")


def test_a_member_that_is_a_folder(tmp_path):
    (tmp_path / "id_red.png").mkdir()
    refused(tmp_path / "id_red.png", "holds no HPA set")


def test_a_header_that_announces_more_planes_than_there_are(tmp_path):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, PIXELS, metadata=NAMED)
    xml = tifffile.tiffcomment(path).replace('SizeZ="1"', 'SizeZ="3"')
    tifffile.tiffcomment(path, xml.encode())
    refused(path, "truncated, 8 of 12 planes are not there")


def test_an_xml_bomb_in_the_header_is_not_expanded(tmp_path):
    path = tmp_path / "a.tif"
    entities = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "x">{entities}]><OME>&a9;</OME>'
    tifffile.imwrite(path, PIXELS, description=bomb.encode(), metadata=None, **GREY)
    refused(path, "cannot tell which channel")
