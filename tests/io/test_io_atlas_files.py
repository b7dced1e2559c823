"""Names, pages, tables and images of the atlas: known forms are read, hostile ones refused."""

from __future__ import annotations

import gzip
import io
import struct
import tracemalloc
import zipfile
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from atlas_server import GENES, TABLE, channel, entry, jpeg, page, table, tiff
from pydantic import ValidationError

from napari_dualgland.errors import DualglandError
from napari_dualgland.io.atlas.addresses import Addresses, addresses_from, origin
from napari_dualgland.io.atlas.file_checks import Damaged, WrongContent, check_jpeg, check_tiff
from napari_dualgland.io.atlas.gene_xml import read_fields
from napari_dualgland.io.atlas.manifest import inside
from napari_dualgland.io.atlas.query import Field, Query, parse_image_path, spelling
from napari_dualgland.io.atlas.table import find_genes, read_table

# Names of images.


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/38541/634_G11_1_blue_red_green.jpg", (38541, "634_G11_1")),
        ("/67042/1237_F6_1_red_green.jpg", (67042, "1237_F6_1")),
        ("/67042/1754_F6_13_cr57f3ed192abcf_red_green.jpg", (67042, "1754_F6_13_cr57f3ed192abcf")),
        ("/51244/1234_A1_1_selected.jpg", (51244, "1234_A1_1")),
        ("/51244/1234_A1_1_green.jpg", (51244, "1234_A1_1")),
        ("/images/4/1_P24_1_blue_red_green_yellow.jpg", (4, "1_P24_1")),
    ],
)
def test_known_names(path, named):
    assert parse_image_path(path) == named


@pytest.mark.parametrize(
    "path",
    [
        "/51244/../../etc/1234_A1_1_blue.jpg",
        "/51244/1234_A1_1_blue.jpg/../../x",
        "/51244/%2e%2e%2f1234_A1_1_blue.jpg",
        "/51244/..\\1234_A1_1_blue.jpg",
        "/51244/1234_A1_1_blue.jpg\n",
        "/51244/1234_A1_1_blue.jpg\0.exe",
        "/51244/1234_A1_1_blue.exe",
        "/51244/1234_A1_1_purple.jpg",
        "/51244/١٢٣_A1_1_blue.jpg",
        "/51244/1234_Q1_1_blue.jpg",
        "/1/100007_A_1_8.jpg",
        "//1234_A1_1_blue.jpg",
        "",
    ],
)
def test_unknown_names(path):
    assert parse_image_path(path) is None


ABOUT = {
    "gene": "TP53",
    "ensg": "ENSG00000141510",
    "antibody": "HPA051244",
    "number": 51244,
    "id": "1234_A1_1",
    "cell_line": "U2OS",
}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("antibody", "../HPA051244"),
        ("antibody", "HPA051244\n"),
        ("antibody", "HPA051244/.."),
        ("id", ".."),
        ("id", "1234_A1_1/../../x"),
        ("ensg", "ENSG0000014151"),
        ("gene", "=1+1"),
        ("gene", ""),
        ("cell_line", "=HYPERLINK(1)"),
        ("cell_line", "-2+3"),
        ("cell_line", "U2OS\x1b[2J"),
        ("cell_line", "x" * 999),
    ],
)
def test_a_field_takes_no_hostile_name(key, value):
    Field(**ABOUT)
    with pytest.raises(ValidationError):
        Field(**{**ABOUT, key: value})


def test_8_and_16_bits_do_not_meet_in_one_folder():
    field = Field(**ABOUT)
    assert field.file("red", ".jpg") == "HPA051244/1234_A1_1_red.jpg"
    assert field.file("red", ".tif.gz") == "HPA051244_16bit/1234_A1_1_red.tif.gz"
    assert field.address("http://i", "red", ".jpg") == "http://i/51244/1234_A1_1_red.jpg"


@pytest.mark.parametrize(
    ("asked", "admitted"),
    [
        ({"antibody": "HPA051244"}, True),
        ({"antibody": "51244"}, True),
        ({"antibody": "051244"}, True),
        ({"antibody": "CAB051244"}, False),
        ({"antibody": "5124"}, False),
        ({"cell_line": "U-2 OS"}, True),
        ({"cell_line": "u-2os"}, True),
        ({"cell_line": "U-251MG"}, False),
        ({"location": "Golgi Apparatus"}, True),
        ({"location": "Golgi"}, False),
        ({"gene": "tp53"}, True),
        ({"gene": "TP-53"}, False),
        ({"gene": "TP53", "location": "Nucleoli"}, False),
    ],
)
def test_a_query_admits_by_all_its_conditions(asked, admitted):
    field = Field(**ABOUT, locations=("golgi apparatus", "cytosol"))
    assert Query(**asked).admits(field) is admitted


def test_spelling():
    assert spelling("U-2 OS") == spelling("u2os") != spelling("U-251 MG")


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "a/b/../../../x", "link/x"])
def test_no_path_leaves_the_folder(tmp_path, name):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    assert inside(folder, "a/x") == folder / "a" / "x"
    with pytest.raises(DualglandError, match="leads out of"):
        inside(folder, name)


# Addresses.


def test_the_release_is_pinned_in_the_address():
    assert Addresses().gene_page("ENSG00000141510") == (
        "https://v24.proteinatlas.org/ENSG00000141510.xml"
    )
    assert Addresses(release="23.1").base == "https://v23.proteinatlas.org"


def test_a_licence_that_is_not_known_is_not_claimed():
    assert Addresses().licence == "CC BY-SA 4.0"
    assert (
        Addresses(release="15").licence == "as stated at https://v15.proteinatlas.org/about/licence"
    )
    assert "CC BY-SA 4.0" in Addresses().attribution("TP53", "ENSG00000141510")


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://v24.proteinatlas.org/x", True),
        ("https://images.proteinatlas.org/1/x", True),
        ("https://www.proteinatlas.org/x", True),
        ("https://WWW.proteinatlas.org:443/x", True),
        ("http://images.proteinatlas.org/1/x", False),
        ("https://images.proteinatlas.org:8443/1/x", False),
        ("https://images.proteinatlas.org.example.org/x", False),
        ("https://images.proteinatlas.org@example.org/x", False),
        ("https://user@images.proteinatlas.org/x", False),
        ("ftp://images.proteinatlas.org/x", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_only_the_atlas_is_allowed(url, allowed):
    assert Addresses().allows(url) is allowed


def test_environment_and_option_lead_elsewhere(monkeypatch):
    monkeypatch.setenv("DUALGLAND_ATLAS_SITE", "http://mirror:81/v{release}/")
    monkeypatch.setenv("DUALGLAND_ATLAS_RELEASE", "22")
    assert addresses_from().base == "http://mirror:81/v22"
    assert addresses_from("23").base == "http://mirror:81/v23"
    assert addresses_from().allows("https://www.proteinatlas.org/")
    monkeypatch.setenv("DUALGLAND_ATLAS_IMAGES", "http://mirror:81/images")
    assert not addresses_from().allows("https://www.proteinatlas.org/")


@pytest.mark.parametrize("release", ["", "latest", "24/..", "24.example.org", "-1"])
def test_a_release_is_a_number(release):
    with pytest.raises(DualglandError, match="--release"):
        addresses_from(release)


def test_a_mirror_is_an_address(monkeypatch):
    monkeypatch.setenv("DUALGLAND_ATLAS_IMAGES", "/srv/mirror")
    with pytest.raises(DualglandError, match="DUALGLAND_ATLAS_IMAGES /srv/mirror"):
        addresses_from()
    assert origin("http://[") is None


# Pages.


def written(tmp_path, content, name="ENSG00000141510.xml"):
    (tmp_path / name).write_bytes(content)
    return tmp_path / name


def fields(tmp_path, content, release="24", name="ENSG00000141510.xml", **options):
    return list(read_fields(written(tmp_path, content, name), release, **options))


def test_a_page_of_the_documented_form(tmp_path):
    (names, rows), *_ = GENES.items()
    first, second = fields(tmp_path, page(entry(*names, rows)))
    assert first == Field(**{**ABOUT, "cell_line": "U-251MG", "locations": ("nucleoplasm",)})
    assert (second.id, second.locations) == ("1235_A1_2", ("nucleoli", "cytosol"))


def test_all_genes_in_one_packed_file(tmp_path):
    content = gzip.compress(page(*(entry(*names, rows) for names, rows in GENES.items())))
    assert len(fields(tmp_path, content, name="proteinatlas.xml.gz")) == 4


ROWS = GENES["TP53", "ENSG00000141510"]


def one(version="24", rows=ROWS, name="TP53"):
    return entry(name, "ENSG00000141510", rows, version)


@pytest.mark.parametrize(("said", "release"), [("24", "24.1"), ("24.0", "24"), ("24.1", "24.1")])
def test_a_page_of_the_release(tmp_path, said, release):
    assert fields(tmp_path, page(one(said)), release)


@pytest.mark.parametrize(("said", "release"), [("25.0", "24"), ("24.0", "24.1"), ("2", "24")])
def test_a_page_of_another_release_is_refused(tmp_path, said, release):
    with pytest.raises(WrongContent, match="is of release"):
        fields(tmp_path, page(one(said)), release)


def test_a_page_that_says_no_release_is_believed(tmp_path):
    assert fields(tmp_path, page(one().replace('version="24" ', "")))


def test_hostile_names_are_left_out_and_the_others_stay(tmp_path, caplog):
    hostile = [
        ("../../x", "U2OS", [], ["51244/9_A1_1_blue.jpg"]),
        ("HPA051244", "U2OS", [], ["51244/../../../etc/9_A1_1_blue.jpg"]),
        ("HPA051244", "=cmd()", [], ["51244/9_A1_1_blue.jpg"]),
        ("HPA051244", "U2OS", ["@SUM(1)"], ["51244/9_A1_1_blue.jpg"]),
        ("HPA051244", "U2OS", [], ["http://["]),
    ]
    found = fields(tmp_path, page(one(rows=hostile + ROWS)))
    assert [f.id for f in found] == ["1234_A1_1", "1235_A1_2"]
    assert len([r for r in caplog.records if "left out" in r.message]) == len(hostile)


LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "ha"}">' for i in range(9))


@pytest.mark.parametrize(
    "entities", [LAUGHS, '<!ENTITY l8 SYSTEM "file:///etc/passwd">', '<!ENTITY % l8 "x">']
)
def test_entities_are_refused(tmp_path, entities):
    content = page(one(name="&l8;"), before=f"<!DOCTYPE proteinAtlas [{entities}]>")
    with pytest.raises(WrongContent, match="harmful"):
        fields(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (b"<!DOCTYPE html><html></html>", WrongContent, "web page"),
        (b"\n<HTML><p>", WrongContent, "web page"),
        (b"<rss></rss>", WrongContent, "'rss'"),
        (page(one())[:-40], Damaged, "truncated"),
        (b"", Damaged, "truncated"),
        (b"\x00\xff", Damaged, "damaged"),
    ],
)
def test_pages_that_are_none(tmp_path, content, error, says):
    with pytest.raises(error, match=says):
        fields(tmp_path, content)


def test_a_packed_file_that_is_cut_or_none(tmp_path):
    whole = gzip.compress(page(one()))
    for bad in (whole[:-9], whole[:40], b"no gzip"):
        with pytest.raises(Damaged):
            fields(tmp_path, bad, name="proteinatlas.xml.gz")


def test_many_genes_may_be_large_but_no_single_one(tmp_path):
    filler = f"<!--{' ' * 10_000}-->"
    many = page(*([one() + filler] * 50))
    options = {"name": "a.xml.gz", "entry_limit": 100_000}
    assert len(fields(tmp_path, gzip.compress(many, mtime=0), **options)) == 100
    with pytest.raises(WrongContent, match="one gene takes over"):
        fields(tmp_path, gzip.compress(page(filler * 50 + one())), **options)


def test_memory_does_not_grow_with_the_number_of_genes(tmp_path):
    """A tree of all genes would hold 6 MB of text here, and tens of GB of the real file."""
    large = one().replace("</entry>", f"<summary>{'x' * 20_000}</summary></entry>")
    path = written(tmp_path, gzip.compress(page(*[large] * 300)), "proteinatlas.xml.gz")
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_fields(path, "24")) == 600
        assert tracemalloc.get_traced_memory()[1] < 2e6
    finally:
        tracemalloc.stop()


# The table.


def rows(tmp_path, content, **options):
    return read_table(written(tmp_path, content, "subcellular_location.tsv.zip"), **options)


def test_genes_are_found_by_symbol_and_location(tmp_path):
    known = rows(tmp_path, table(TABLE))

    def found(**asked):
        return [row.gene for row in find_genes(known, Query(**asked), "24")]

    assert found(gene="tp53") == ["TP53"]
    assert found(location="nucleoli") == ["TP53", "NCL"]
    assert found(location="Cytosol", gene="TP53") == ["TP53"]
    assert found(location="Cell junctions", gene="TP53") == []
    with pytest.raises(DualglandError, match="did you mean Nucleoli"):
        found(location="Nucleolus")
    with pytest.raises(DualglandError, match=r"--gene TP5.*did you mean TP53"):
        found(gene="TP5")


def test_lines_that_are_odd_are_left_out(tmp_path):
    odd = TABLE + "../../x\tEVIL\tx\tNucleoli\t\t\nENSG00000000004\t=cmd\tx\tNucleoli\t\t\nshort\n"
    assert [row.gene for row in rows(tmp_path, table(odd))] == ["TP53", "NCL", "TSPAN6"]


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    bomb = table(TABLE + "\n" * 10_000_000)
    assert len(bomb) < 100_000
    with pytest.raises(WrongContent, match="unpacks to more than"):
        rows(tmp_path, bomb, limit=1_000_000)


def two_tables():
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("a.tsv", TABLE)
            archive.writestr("b.tsv", TABLE)
        return file.getvalue()


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (table("Gene\tName\n"), WrongContent),
        (two_tables(), WrongContent),
        (b"<html></html>", WrongContent),
        (TABLE.encode(), WrongContent),
        (table(TABLE)[:-30], Damaged),
        (b"", Damaged),
    ],
)
def test_tables_that_are_none(tmp_path, content, error):
    with pytest.raises(error):
        rows(tmp_path, content)


# Images.


def tiff_of(pixels, **options):
    with io.BytesIO() as file:
        tifffile.imwrite(file, pixels, **options)
        return gzip.compress(file.getvalue(), mtime=0)


def claims(width, height):
    """A JPEG whose header says that it is larger than it is."""
    content = jpeg()
    at = content.index(b"\xff\xc0") + 5
    return content[:at] + struct.pack(">HH", height, width) + content[at + 4 :]


COMPOSITE = np.random.default_rng(0).integers(0, 255, (48, 48, 3), np.uint8)


def test_good_images_pass(tmp_path):
    check_jpeg(written(tmp_path, jpeg(), "a.jpg"))
    yellow = np.dstack([channel(0), channel(0), 0 * channel(0)])
    check_jpeg(written(tmp_path, imagecodecs.jpeg_encode(yellow), "b.jpg"))
    check_tiff(written(tmp_path, tiff(), "a.tif.gz"))
    check_tiff(written(tmp_path, tiff(dtype="uint8"), "b.tif.gz"))


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", Damaged),
        (b"\xff\xd8", Damaged),
        (jpeg()[:200], Damaged),
        (jpeg()[:-100], Damaged),
        (b"\xff\xd8\xff" + bytes(500), Damaged),
        (b"<!doctype html>", WrongContent),
        (imagecodecs.png_encode(channel(0)), WrongContent),
        (tiff(), WrongContent),
        (imagecodecs.jpeg_encode(COMPOSITE), WrongContent),
        (claims(65_000, 65_000), WrongContent),
        (claims(9_000, 9_000), WrongContent),
    ],
)
def test_jpegs_that_are_none(tmp_path, content, error):
    with pytest.raises(error):
        check_jpeg(written(tmp_path, bytes(content), "a.jpg"))


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", Damaged),
        (tiff()[:300], Damaged),
        (gzip.compress(gzip.decompress(tiff())[:-200], mtime=0), Damaged),
        (gzip.compress(b"II*\0", mtime=0), Damaged),
        (gzip.compress(b"no TIFF", mtime=0), WrongContent),
        (gzip.compress(b"", mtime=0), WrongContent),
        (b"II*\0" + bytes(100), WrongContent),
        (b"<html>", WrongContent),
        (jpeg(), WrongContent),
        (tiff_of(COMPOSITE, photometric="rgb"), WrongContent),
    ],
)
def test_tiffs_that_are_none(tmp_path, content, error):
    with pytest.raises(error):
        check_tiff(written(tmp_path, content, "a.tif.gz"))


def test_a_gzip_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_dualgland.io.atlas.file_checks.MAX_UNPACKED", 2**21)
    bomb = gzip.compress(b"II*\0" + bytes(2**24))
    assert len(bomb) < 2**16
    with pytest.raises(WrongContent, match="unpacks to more than"):
        check_tiff(written(tmp_path, bomb, "a.tif.gz"))


def test_a_tiff_bomb_is_not_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_dualgland.io.atlas.file_checks.MAX_PIXELS", 10_000)
    bomb = tiff_of(np.zeros((1000, 1000), np.uint8), compression="zlib")
    assert len(zlib.decompress(bomb, wbits=31)) < 50_000
    with pytest.raises(WrongContent, match="1000 × 1000"):
        check_tiff(written(tmp_path, bomb, "a.tif.gz"))
