"""Sound pixels with odd words about them are read; what is left out is said."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from made_tiffs import NAMES, PIXELS, ome_xml, write_pages

from napari_dualgland.errors import DualglandError
from napari_dualgland.io import read
from napari_dualgland.io.channels import assign_roles
from napari_dualgland.io.tiff import read_tiff
from napari_dualgland.io.tiff.ome_text import ome_text

ACCENTED = ome_xml(PhysicalSizeXUnit="µm", PhysicalSizeYUnit="µm").replace("ER", "ER é")


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("UTF-8", "utf-8"),
        ("UTF-8", "utf-8-sig"),
        ("UTF-8", "latin-1"),
        ("ISO-8859-1", "latin-1"),
        ("ISO-8859-1", "utf-8"),
        ("windows-1252", "cp1252"),
        ("ISO-8859-15", "iso8859-15"),
        ("macintosh", "mac_roman"),
        ("UTF-16", "utf-16"),
        ("UTF-16", "utf-16-le"),
        ("utf-16", "utf-16-be"),
        ("UTF-16", "utf-8"),
        ("klingon", "latin-1"),
        ("zlib", "utf-8"),
        (None, "latin-1"),
        (None, "utf-16-le"),
    ],
)
def test_sizes_and_names_survive_every_encoding(tmp_path, declared, encoding):
    xml = ACCENTED.replace("UTF-8", declared or "")
    if declared is None:
        xml = xml.partition("?>")[2]
    stack = read(write_pages(tmp_path / "a.ome.tif", PIXELS, xml.encode(encoding)))
    assert [c.name for c in stack.channels] == [*NAMES[:3], "ER é"]
    assert stack.pixel_size.x == 0.1
    assert stack.notes == ()
    assert "<?xml" not in stack.header.ome_xml


@pytest.mark.parametrize("end", [b"", b"\0", b"\0\0\0\0"], ids=len)
def test_a_text_of_four_bytes_a_letter(end):
    raw = ACCENTED.replace("UTF-8", "UTF-32").encode("utf-32")
    assert "ER é" in ome_text(raw.rstrip(b"\0") + end)


@pytest.mark.parametrize("letter", ["&micro;", "&#181;", "&#xB5;", "\u03bc"])
def test_names_of_letters(tmp_path, letter):
    xml = ACCENTED.replace("µ", letter)
    assert read(write_pages(tmp_path / "a.ome.tif", PIXELS, xml)).pixel_size.x == 0.1


ODD_XML = {
    "control character": lambda xml: xml.replace("DAPI", "DA\1PI"),
    "bare ampersand": lambda xml: xml.replace("DAPI", "D & API"),
    "entity": lambda xml: xml.replace("<OME", '<!DOCTYPE OME [<!ENTITY m "x">]><OME', 1),
    "cut": lambda xml: xml[:-100] + "OME>",
    "SizeC in letters": lambda xml: xml.replace('SizeC="4"', 'SizeC="four"'),
    "no SizeC": lambda xml: xml.replace('SizeC="4"', ""),
    "no order": lambda xml: xml.replace("DimensionOrder", "Order"),
    "order of other letters": lambda xml: xml.replace("XYCZT", "ABCDE"),
    "samples in letters": lambda xml: xml.replace("/><Ch", ' SamplesPerPixel="x"/><Ch', 1),
    "IFD in letters": lambda xml: xml.replace("<TiffData", '<TiffData IFD="x"'),
    "a file without a name": lambda xml: xml.replace(
        "<TiffData/>", "<TiffData><UUID>u</UUID></TiffData>"
    ),
    "a million steps": lambda xml: xml.replace(
        "</OME>",
        '<StructuredAnnotations><XMLAnnotation ID="A:0"><Value><Modulo><ModuloAlongZ Start="0" '
        'End="1e9"/></Modulo></Value></XMLAnnotation></StructuredAnnotations></OME>',
    ),
}


@pytest.mark.parametrize("change", ODD_XML.values(), ids=ODD_XML)
def test_odd_ome_xml_costs_a_note_and_not_the_image(tmp_path, change):
    stack = read_tiff(write_pages(tmp_path / "a.ome.tif", PIXELS, change(ome_xml())))
    np.testing.assert_array_equal(stack.data, PIXELS)
    assert any("left out" in note for note in stack.notes)


@pytest.mark.parametrize(
    ("said", "value"),
    [("PhysicalSizeX", "wide"), ("PhysicalSizeX", "nan"), ("TimeIncrement", "often")],
)
def test_an_odd_number_costs_itself_alone(tmp_path, said, value):
    path = write_pages(tmp_path / "a.ome.tif", PIXELS, ome_xml(**{said: value}))
    stack = read(path)
    assert len(stack.roles) == 4
    assert stack.time_step is None


def test_planes_that_nobody_places_are_taken_in_order(tmp_path):
    xml = ome_xml(planes="", SizeZ="4", SizeC="1")
    stack = read_tiff(write_pages(tmp_path / "a.ome.tif", PIXELS, xml))
    assert stack.sizes == {"Z": 4, "Y": 24, "X": 32}
    np.testing.assert_array_equal(stack.data, PIXELS)
    assert any("in order" in note for note in stack.notes)


@pytest.mark.parametrize(
    "description",
    [
        "ImageJ=1.53\nimages=four\nchannels=4\n",
        "ImageJ=1.53\nimages=4\nchannels=1000000000\nslices=-1\n",
        "ImageJ=1.53\nimages=4\nchannels=4\nmode=composite\nfinterval=x\nspacing=y\nunit=7\n",
        '{"shape": "many", "axes": "CYX"}',
        '{"shape": [4, 24, 32], "axes": 7}',
        '{"shape": [4, 24, 32], "Channel": 3}',
        '{"shape": [4, 24, 32], "Channel": {"Name": 3}}',
    ],
)
def test_odd_words_of_others_are_no_damage(tmp_path, description):
    stack = read_tiff(write_pages(tmp_path / "a.tif", PIXELS, description))
    np.testing.assert_array_equal(stack.data, PIXELS)


@pytest.mark.parametrize("kind", ["shaped", "ome", "imagej", "pages"])
@pytest.mark.parametrize("size", [(24, 32), (7, 9)], ids=["same", "other"])
def test_appended_pages_are_kept_or_said(tmp_path, kind, size):
    path = tmp_path / ("a.ome.tif" if kind == "ome" else "a.tif")
    named = {"axes": "CYX", "Channel": {"Name": NAMES}}
    if kind == "imagej":
        tifffile.imwrite(path, PIXELS, imagej=True, metadata={"axes": "CYX", "Labels": NAMES})
    elif kind == "pages":
        write_pages(path, PIXELS)
    else:
        tifffile.imwrite(path, PIXELS, photometric="minisblack", metadata=named)
    with tifffile.TiffWriter(path, append="force") as tif:
        tif.write(np.ones(size, np.uint16), metadata=None, contiguous=False)
    stack = read_tiff(path)
    np.testing.assert_array_equal(stack.data[:4], PIXELS)
    said = " ".join(stack.notes)
    assert len(stack.data) == 5 or "left aside" in said or "holds 2 images" in said


def imagej(path, labels, **more):
    said = {"axes": "CYX", "Labels": labels} | more
    tifffile.imwrite(path, np.broadcast_to(PIXELS[:, :5], (4, 5, 32)), imagej=True, metadata=said)
    return read_tiff(path)


@pytest.mark.parametrize(
    "label",
    ["{}\nOperator=DAPI team", "{}\r\nstain: ER", "  {}  \ntubulin", "c:1/4 z:1/1 - {}\nx=DAPI"],
)
def test_only_the_first_line_of_a_label_is_a_name(tmp_path, label):
    stack = imagej(tmp_path / "a.tif", [label.format(name) for name in NAMES])
    assert [c.name for c in stack.channels] == NAMES
    assert len(assign_roles(stack).roles) == 4


@pytest.mark.parametrize(
    "label", ["Operator=DAPI team", "\nDAPI", "c:1/4 - DAPI plate.lif", "c:3/4 t:1/1", ""]
)
def test_what_is_no_name_gives_no_role(tmp_path, label):
    stack = imagej(tmp_path / "a.tif", [label, "b", "c", "d"] if "=" in label else [label] * 4)
    assert stack.channels[0].name == "channel 0"
    with pytest.raises(DualglandError):
        assign_roles(stack)


@pytest.mark.parametrize("order", ["czt", "zct"])
def test_labels_follow_the_order_of_the_slices(tmp_path, order):
    pixels = np.zeros((3, 4, 8, 9), np.uint8)
    labels = NAMES * 3 if order == "czt" else [name for name in NAMES for _ in range(3)]
    said = {"axes": "ZCYX", "Labels": labels, "order": order}
    tifffile.imwrite(tmp_path / "a.tif", pixels, imagej=True, metadata=said)
    assert [c.name for c in read_tiff(tmp_path / "a.tif").channels] == NAMES


@pytest.mark.parametrize(
    ("spacing", "zunit", "z"),
    [(0.5, None, 0.5), (300.0, "nm", 0.3), (0.5, "\\u00B5m", 0.5), (0.5, "pixel", None)],
)
def test_depth_may_have_a_unit_of_its_own(tmp_path, spacing, zunit, z):
    said = {"axes": "ZYX", "unit": "um", "spacing": spacing} | ({"zunit": zunit} if zunit else {})
    tifffile.imwrite(tmp_path / "a.tif", PIXELS, imagej=True, resolution=(10, 10), metadata=said)
    size = read_tiff(tmp_path / "a.tif").pixel_size
    assert size.x == pytest.approx(0.1)
    assert size.z == (None if z is None else pytest.approx(z))
