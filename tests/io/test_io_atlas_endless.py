"""A server that never comes to an end, or sends what a library chokes on: it ends, and is told."""

from __future__ import annotations

import contextlib
import gzip
import io
import time
import zipfile

import numpy as np
import pytest
import tifffile
from atlas_server import FakeTime, Handler, entry, fetcher_for, page, running, table, tiff

from napari_dualgland import memory
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.atlas import Query, download
from napari_dualgland.io.atlas import gene_xml as gene_xml_module
from napari_dualgland.io.atlas import table as table_module
from napari_dualgland.io.atlas.connection import FetchError
from napari_dualgland.io.atlas.file_checks import Damaged, WrongContent, check_tiff
from napari_dualgland.io.atlas.gene_xml import check_gene_page
from napari_dualgland.io.atlas.manifest import Manifest
from napari_dualgland.io.atlas.table import read_table

PATH = "/images/51244/1234_A1_1_red.jpg"
LONGEST = 0.4


@pytest.fixture(scope="module")
def server():
    with running() as atlas:
        yield atlas


@pytest.fixture
def atlas(server):
    server.renew()
    return server


def fetch(atlas, folder, path=PATH, **policy):
    known = {"attempts": 1, "longest": LONGEST, **policy}
    fetcher = fetcher_for(atlas, folder / "cache", FakeTime(), **known)
    fetcher.fetch(atlas.url + path, folder / "red.jpg", 2**10, lambda _path: None)


def endless(start: bytes, more: bytes, pause: float = 0.0):
    """Send something, and then something else for as long as anybody listens."""

    def act(handler: Handler, _content: bytes) -> None:
        handler.close_connection = True
        end = time.monotonic() + 30
        with contextlib.suppress(OSError):
            handler.connection.sendall(start)
            while time.monotonic() < end:
                handler.connection.sendall(more)
                time.sleep(pause)

    return act


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
WAYS = {
    "interim answers": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "headers of interim answers": endless(b"HTTP/1.1 100 Continue\r\n", b"A: b\r\n"),
    "a status line": endless(b"HTTP/1.1 200 ", b"O", 0.01),
    "a header": endless(OK + b"A: ", b"b", 0.01),
    "headers": endless(OK, b"A: b\r\n", 0.01),
    "a length of a chunk": endless(CHUNKED, b"0", 0.01),
    "chunks": endless(CHUNKED, b"1\r\na\r\n", 0.01),
    "trailers": endless(CHUNKED + b"1\r\na\r\n0\r\n", b"A: b\r\n"),
    "a trickle": endless(OK + b"Content-Length: 1000\r\n\r\n", b"a", 0.01),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_wait_has_an_end(atlas, tmp_path, way):
    atlas.acts[PATH] = [WAYS[way]]
    with pytest.raises(DualglandError) as error:
        fetch(atlas, tmp_path)
    assert (error.value.kind, error.value.place) == (Kind.NETWORK, atlas.url + PATH)
    assert not (tmp_path / "red.jpg").exists()


def test_a_file_may_take_the_longer_the_larger_it_may_be(atlas, tmp_path):
    policy = fetcher_for(atlas, tmp_path).policy
    assert policy.time_for(2**20) < 2 * policy.longest < policy.time_for(2**32)


BAD_HEADERS = {
    "a length of 5000 digits": OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "no length": OK + b"Content-Length: x\r\n\r\n",
    "two lengths": OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\na",
    "200 headers": OK + b"A: b\r\n" * 200 + b"\r\n",
    "a long header": OK + b"A: " + b"b" * 70000 + b"\r\n\r\n",
    "no HTTP": b"hello\r\n\r\n",
    "a part of 5000 digits": b"HTTP/1.1 206 OK\r\nContent-Range: bytes "
    + b"9" * 5000
    + b"-\r\n\r\n",
    "a wait of 5000 digits": b"HTTP/1.1 503 OK\r\nRetry-After: " + b"9" * 5000 + b"\r\n\r\n",
    "a wait that is a word": b"HTTP/1.1 503 OK\r\nRetry-After: soon\r\n\r\n",
    "a chunk of -1": CHUNKED + b"-1\r\n\r\n",
    "a chunk of x": CHUNKED + b"x\r\n\r\n",
    "a status of 999": b"HTTP/1.1 999 OK\r\n\r\n",
}


@pytest.mark.parametrize("what", BAD_HEADERS)
def test_odd_headers_are_told(atlas, tmp_path, what):
    def act(handler, _content):
        handler.close_connection = True
        with contextlib.suppress(OSError):
            handler.connection.sendall(BAD_HEADERS[what])

    atlas.acts[PATH] = [act]
    with contextlib.suppress(DualglandError):  # "no length" is a file of no bytes
        fetch(atlas, tmp_path)
        assert (tmp_path / "red.jpg").stat().st_size == 0


@pytest.mark.parametrize(
    "to",
    [
        "http://[",
        "http://a:99999999/",
        "//[::1",
        "http:///x",
        "http://" + "a" * 70 + ".org/",
        "\x80",
    ],
)
def test_a_redirect_to_what_is_no_address(atlas, tmp_path, to):
    atlas.acts[PATH] = [lambda handler, _: handler.say(302, b"", Location=to)]
    with pytest.raises(DualglandError):
        fetch(atlas, tmp_path)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "REQUESTS_CA_BUNDLE"])
@pytest.mark.parametrize("value", ["::::", "http://a:x", "socks9://a", "/nowhere"])
def test_surroundings_that_are_odd(atlas, tmp_path, monkeypatch, variable, value):
    for name in ("NO_PROXY", "no_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    with contextlib.suppress(FetchError, DualglandError):  # over http, certificates do not matter
        fetch(atlas, tmp_path)


@pytest.mark.parametrize("site", ["http://" + "a" * 70 + ".example", "http://a..b", "http://%zz"])
def test_an_address_that_cannot_be_asked(tmp_path, site):
    from napari_dualgland.io.atlas import Addresses, Fetcher, RequestPolicy

    addresses = Addresses(site=site, images=site, may_lead_to=())
    fetcher = Fetcher(addresses, RequestPolicy(attempts=1), tmp_path)
    with pytest.raises(DualglandError) as error:
        fetcher.fetch(site + "/x", tmp_path / "x", 10, lambda _path: None)
    assert error.value.place == site + "/x"


def test_a_cache_that_cannot_be_written(atlas, tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(DualglandError) as error:
        fetch(atlas, tmp_path)
    assert error.value.kind == Kind.UNWRITABLE


def test_an_out_that_cannot_be_made(atlas, tmp_path):
    (tmp_path / "file").write_text("")
    fetcher = fetcher_for(atlas, tmp_path / "cache")
    with pytest.raises(DualglandError) as error:
        download(Query(gene="TP53"), tmp_path / "file" / "out", fetcher)
    assert error.value.kind == Kind.UNWRITABLE


# What comes whole and is more than it seems.


def written(tmp_path, content, name):
    path = tmp_path / name
    path.write_bytes(content)
    return path


def packed(**options):
    with io.BytesIO() as file:
        tifffile.imwrite(file, **options)
        return gzip.compress(file.getvalue(), 1)


def by_way_of_the_xml():
    """A large page that the OME-XML names, behind a small one."""
    xml = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" '
        'SizeX="20000" SizeY="20000" SizeC="1" SizeZ="1" SizeT="1"><Channel ID="Channel:0:0"/>'
        '<TiffData IFD="1" PlaneCount="1"/></Pixels></Image></OME>'
    )
    with io.BytesIO() as file:
        with tifffile.TiffWriter(file) as tif:
            tif.write(np.ones((8, 8), np.uint8), description=xml.encode(), metadata=None)
            tiles = (np.zeros((4000, 4000), np.uint8) for _ in range(25))
            options = {"shape": (20000, 20000), "dtype": np.uint8, "tile": (4000, 4000)}
            tif.write(tiles, **options, compression="zlib", metadata=None, photometric="minisblack")
        return gzip.compress(file.getvalue(), 1)


SWOLLEN = {
    "samples": lambda: packed(
        data=np.zeros((2000, 2000, 40), np.uint16), compression="zlib", photometric="minisblack"
    ),
    "pages": lambda: packed(data=np.zeros((100, 8, 8), np.uint8), photometric="minisblack"),
    "a page of the XML": by_way_of_the_xml,
    "planes": lambda: packed(
        data=np.zeros((40, 2000, 2000), np.uint16), compression="zlib", photometric="minisblack"
    ),
}


@pytest.mark.parametrize("what", SWOLLEN)
def test_a_tiff_is_counted_before_it_is_decoded(tmp_path, monkeypatch, what):
    def never(*_args, **_options):
        raise AssertionError("decoded")

    monkeypatch.setattr("napari_dualgland.io.atlas.file_checks.read_tiff", never)
    with pytest.raises(WrongContent):
        check_tiff(written(tmp_path, SWOLLEN[what](), "f_red.tif.gz"))


def test_short_memory_costs_a_field_and_not_the_download(atlas, tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1000)
    with pytest.raises(WrongContent) as error:
        check_tiff(written(tmp_path, tiff(), "f_red.tif.gz"))
    assert error.value.kind == Kind.TOO_LARGE


def test_a_gene_of_a_million_elements(tmp_path, monkeypatch):
    monkeypatch.setattr(gene_xml_module, "ELEMENT_LIMIT", 1000)
    swollen = page("<entry>" + "<a/>" * 1001 + "</entry>")
    with pytest.raises(WrongContent) as error:
        check_gene_page(written(tmp_path, swollen, "a.xml"), "24")
    assert error.value.kind == Kind.TOO_LARGE
    several = page(*["<entry>" + "<a/>" * 600 + "</entry>"] * 3)
    check_gene_page(written(tmp_path, several, "a.xml"), "24")


@pytest.mark.parametrize("around", ["<entry a='{}'/>", "<entry>{}</entry>", "<!--{}-->"])
def test_a_tag_or_text_without_end(tmp_path, around):
    content = page(around.format("x" * 2**22))
    with pytest.raises(WrongContent) as error:
        check_gene_page(written(tmp_path, content, "a.xml"), "24")
    assert error.value.kind == Kind.TOO_LARGE


def test_all_genes_together_have_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(gene_xml_module, "FILE_LIMIT", 2**17)
    genes = [entry("TP53", "ENSG00000141510", []) + "<b>" + "x" * 2**12 + "</b>"] * 64
    with pytest.raises(WrongContent) as error:
        check_gene_page(written(tmp_path, gzip.compress(page(*genes)), "a.xml.gz"), "24")
    assert error.value.kind == Kind.TOO_LARGE


@pytest.mark.parametrize("encoding", ["UTF-7", "nonsense", "UTF-16"])
def test_a_page_in_an_encoding_that_nobody_knows(tmp_path, encoding):
    said = f'<?xml version="1.0" encoding="{encoding}"?><proteinAtlas/>'.encode()
    with pytest.raises(Damaged):
        check_gene_page(written(tmp_path, said, "a.xml"), "24")


def test_a_table_of_too_many_genes(tmp_path, monkeypatch):
    monkeypatch.setattr(table_module, "ROW_LIMIT", 10)
    rows = "".join(f"ENSG{i:011}\tG{i}\tNucleoli\n" for i in range(11))
    content = table(f"Gene\tGene name\tMain location\n{rows}")
    with pytest.raises(WrongContent) as error:
        read_table(written(tmp_path, content, "a.zip"))
    assert error.value.kind == Kind.TOO_LARGE


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_table_that_is_packed_in_another_way(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.writestr("a.tsv", "Gene\n")
    with pytest.raises(WrongContent):
        read_table(tmp_path / "a.zip")


def test_a_zip_with_any_byte_changed_is_read_or_told(tmp_path):
    whole = table("Gene\tGene name\tMain location\nENSG00000141510\tTP53\tNucleoli\n")
    for at in range(len(whole)):
        for value in (0, 255, whole[at] ^ 1):
            changed = whole[:at] + bytes([value]) + whole[at + 1 :]
            with contextlib.suppress(WrongContent, Damaged):
                read_table(written(tmp_path, changed, "a.zip"))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"images": 5}', "\xff", '{"images": [1]}'])
def test_a_manifest_that_is_none(tmp_path, text):
    (tmp_path / "manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(DualglandError) as error:
        Manifest(tmp_path)
    assert (error.value.kind, error.value.place) == (Kind.DAMAGED, str(tmp_path / "manifest.json"))


def test_a_manifest_that_is_a_folder(tmp_path):
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(DualglandError) as error:
        Manifest(tmp_path)
    assert error.value.kind == Kind.NOT_A_FILE
