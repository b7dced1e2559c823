"""A download as a whole: found, fetched, opened as a set, gone on with, and accounted for."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json

import numpy as np
import pytest
from atlas_server import (
    COLORS,
    FakeTime,
    cut,
    entry,
    fetcher_for,
    page,
    status,
    table,
    tiff,
    web_page,
)

from napari_dualgland import read
from napari_dualgland.errors import DualglandError
from napari_dualgland.io.atlas import Query, download
from napari_dualgland.io.atlas.connection import AtlasUnavailable
from napari_dualgland.stack import ROLES

TP53 = "ENSG00000141510"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def fetch(atlas, out, tmp_path):
    """Download with what is asked for."""

    def run(deep=False, dry_run=False, fake=None, **asked):
        fetcher = fetcher_for(atlas, tmp_path / "cache", fake)
        return download(Query(**asked), out, fetcher, deep=deep, dry_run=dry_run)

    return run


def images(atlas):
    return [path for path in atlas.paths if path.startswith("/images/")]


def files(out):
    return sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())


def manifest(out):
    return json.loads((out / "manifest.json").read_text(encoding="utf-8"))["images"]


def test_a_gene_comes_as_sets_that_open(atlas, fetch, out):
    result = fetch(gene="TP53")
    assert (result.fetched, result.kept, result.failed) == (8, 0, [])
    assert [p.relative_to(out).as_posix() for p in result.prefixes] == [
        "HPA051244/1234_A1_1",
        "HPA051244/1235_A1_2",
    ]
    for prefix in result.prefixes:
        stack = read(prefix)
        assert list(stack.roles) == list(ROLES)
        assert stack.shape == (4, 48, 48)
        assert stack.dtype == np.uint8
    assert len(files(out)) == 8 + 2
    for path in images(atlas):
        name = path.replace("/images/51244", "HPA051244")
        assert (out / name).read_bytes() == atlas.pages[path]


def test_every_image_is_accounted_for(atlas, fetch, out):
    fetch(gene="TP53")
    rows = manifest(out)
    assert {row["file"] for row in rows} == {f for f in files(out) if "manifest" not in f}
    for row in rows:
        content = (out / row["file"]).read_bytes()
        assert row["sha256"] == hashlib.sha256(content).hexdigest()
        assert row["bytes"] == len(content)
        assert row["url"].startswith(f"{atlas.url}/images/51244/")
        assert (row["gene"], row["ensg"], row["antibody"]) == ("TP53", TP53, "HPA051244")
        assert row["release"] == "24"
        assert row["licence"] == "CC BY-SA 4.0"
        assert row["licence_url"].endswith("/about/licence")
        assert "Human Protein Atlas" in row["attribution"]
        assert row["retrieved"].endswith("Z")
    assert {row["role"] for row in rows} == {*ROLES}
    assert {row["cell_line"] for row in rows} == {"U-251MG", "U2OS"}
    with (out / "manifest.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["sha256"] for line in lines] == [row["sha256"] for row in rows]
    assert {line["locations"] for line in lines} == {"nucleoplasm", "nucleoli;cytosol"}


def test_the_same_again_asks_for_nothing(atlas, fetch, out):
    fetch(gene="TP53")
    atlas.asked.clear()
    before = {f: (out / f).stat().st_mtime_ns for f in files(out) if "manifest" not in f}
    result = fetch(gene="TP53")
    assert (result.fetched, result.kept) == (0, 8)
    assert atlas.asked == []
    assert before == {f: (out / f).stat().st_mtime_ns for f in files(out) if "manifest" not in f}


def test_what_was_changed_or_lost_is_fetched_again_and_nothing_else(atlas, fetch, out):
    fetch(gene="TP53", limit=1)
    changed, lost, forgotten = (out / f"HPA051244/1234_A1_1_{c}.jpg" for c in COLORS[:3])
    changed.write_bytes(changed.read_bytes()[:-1] + b"?")
    lost.unlink()
    rows = [r for r in manifest(out) if not r["file"].endswith(forgotten.name)]
    (out / "manifest.json").write_text(json.dumps({"images": rows}))
    atlas.asked.clear()
    result = fetch(gene="TP53", limit=1)
    assert (result.fetched, result.kept) == (3, 1)
    assert [p.rsplit("_", 1)[1] for p in images(atlas)] == ["red.jpg", "green.jpg", "blue.jpg"]
    assert changed.read_bytes() == atlas.pages["/images/51244/1234_A1_1_red.jpg"]


def test_what_came_from_another_place_is_fetched_from_here(fetch, out):
    fetch(gene="TP53", limit=1)
    rows = [{**row, "url": f"{row['url']}?mirror"} for row in manifest(out)]
    (out / "manifest.json").write_text(json.dumps({"images": rows}))
    assert fetch(gene="TP53", limit=1).fetched == 4


def test_another_query_adds_to_the_same_folder(fetch, out):
    fetch(gene="TP53", limit=1)
    fetch(gene="NCL", limit=1)
    assert {row["gene"] for row in manifest(out)} == {"TP53", "NCL"}


def test_the_limit_counts_fields(fetch):
    assert len(fetch(gene="TP53", limit=1).fields) == 1


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({"ensg": TP53}, ["1234_A1_1", "1235_A1_2"]),
        ({"location": "Nucleoli"}, ["1235_A1_2", "77_C12_3_cr57f3ed192abcf", "78_C12_5"]),
        ({"location": "nucleoli", "cell_line": "U-2 OS"},
         ["1235_A1_2", "77_C12_3_cr57f3ed192abcf"]),
        ({"gene": "TP53", "cell_line": "U-251 MG"}, ["1234_A1_1"]),
        ({"antibody": "HPA023981"}, ["77_C12_3_cr57f3ed192abcf", "78_C12_5"]),
        ({"antibody": "51244"}, ["1234_A1_1", "1235_A1_2"]),
        ({"cell_line": "U-2OS"}, ["1235_A1_2", "77_C12_3_cr57f3ed192abcf"]),
        ({"antibody": "HPA023981", "cell_line": "A431"}, ["78_C12_5"]),
        ({"gene": "NCL", "antibody": "HPA023981", "cell_line": "A-431", "location": "Nucleoli"},
         ["78_C12_5"]),
    ],
)  # fmt: skip
def test_conditions_are_joined(fetch, asked, ids):
    assert [f.id for f in fetch(**asked, dry_run=True).fields] == ids


def test_only_antibody_and_cell_line_need_the_file_of_all_genes(atlas, fetch):
    fetch(gene="TP53", antibody="HPA051244", dry_run=True)
    assert "/v24/download/proteinatlas.xml.gz" not in atlas.paths
    fetch(antibody="HPA051244", dry_run=True)
    fetch(antibody="HPA023981", dry_run=True)
    assert atlas.paths.count("/v24/download/proteinatlas.xml.gz") == 1


def test_a_dry_run_asks_for_no_image_and_writes_nothing(atlas, fetch, out):
    result = fetch(gene="TP53", limit=1, dry_run=True)
    assert result.urls == [f"{atlas.url}/images/51244/1234_A1_1_{c}.jpg" for c in COLORS]
    assert images(atlas) == []
    assert not out.exists()


def test_16_bits_where_there_are_any_and_8_where_there_are_none(atlas, fetch, out):
    result = fetch(gene="TP53", deep=True)
    deep, flat = result.prefixes
    assert deep == out / "HPA051244_16bit" / "1234_A1_1"
    assert flat == out / "HPA051244" / "1235_A1_2"
    assert read(deep).dtype == np.uint16
    assert read(flat).dtype == np.uint8
    assert any("1235_A1_2: 8 bits" in note for note in result.notes)
    # The atlas says 400 where it has none; one answer is enough to know.
    assert len([p for p in images(atlas) if "1235_A1_2" in p and "tif" in p]) == 1


def test_8_and_16_bits_of_a_field_lie_side_by_side(fetch):
    prefixes = [fetch(gene="TP53", limit=1, deep=deep).prefixes[0] for deep in (False, True)]
    assert [read(prefix).dtype for prefix in prefixes] == [np.uint8, np.uint16]


def test_a_channel_that_the_atlas_lacks_is_said(atlas, fetch):
    del atlas.pages["/images/51244/1234_A1_1_yellow.jpg"]
    result = fetch(gene="TP53", limit=1)
    assert result.notes == ["HPA051244 1234_A1_1: no er"]
    assert list(read(result.prefixes[0]).roles) == ["microtubules", "protein", "nucleus"]


def test_a_field_that_fails_costs_that_field_alone(atlas, fetch, out):
    atlas.acts["/images/51244/1234_A1_1_green.jpg"] = [web_page]
    result = fetch(gene="TP53")
    assert len(result.failed) == 1
    assert "1234_A1_1_green.jpg" in result.failed[0]
    assert result.prefixes == [out / "HPA051244" / "1235_A1_2"]
    atlas.asked.clear()
    again = fetch(gene="TP53")
    assert (again.fetched, again.kept, again.failed) == (3, 5, [])


def test_a_field_without_any_image_is_a_failure(atlas, fetch):
    for color in COLORS:
        del atlas.pages[f"/images/51244/1234_A1_1_{color}.jpg"]
    assert "no image" in fetch(gene="TP53", limit=1).failed[0]


def test_a_service_that_wants_to_be_left_alone_is_and_what_came_is_kept(atlas, fetch, out):
    atlas.acts["/images/51244/1234_A1_1_blue.jpg"] = [status(429, Retry_After="9000")]
    with pytest.raises(AtlasUnavailable, match="9000 s"):
        fetch(gene="TP53")
    assert len(images(atlas)) == 3
    assert len(manifest(out)) == 2
    assert len(files(out)) == 2 + 2
    atlas.asked.clear()
    assert fetch(gene="TP53").kept == 2


def test_killed_between_file_and_manifest_costs_a_file(atlas, fetch, out, monkeypatch):
    from napari_dualgland.io.atlas.manifest import Manifest

    def killed(*_words):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Manifest, "add", killed)
        with pytest.raises(KeyboardInterrupt):
            fetch(gene="TP53")
    result = fetch(gene="TP53")
    assert (result.fetched, result.kept) == (8, 0)


def test_truncated_images_are_resumed_on_the_way(atlas, fetch):
    atlas.acts["/images/51244/1234_A1_1_red.jpg"] = [cut(0.3), cut(0.6)]
    fake = FakeTime()
    assert fetch(gene="TP53", limit=1, fake=fake).fetched == 4
    assert 1.0 in fake.slept


def test_hostile_names_do_not_leave_the_folder(atlas, fetch, out, tmp_path):
    bad = [
        ("HPA051244", "U2OS", ["nucleoli"], ["51244/../../../../evil_A1_1_blue.jpg"]),
        ("../../HPA051244", "U2OS", ["nucleoli"], ["51244/9_A1_1_blue.jpg"]),
    ]
    good = ("HPA051244", "U2OS", ["nucleoli"], ["51244/1234_A1_1_blue_red_green.jpg"])
    atlas.pages[f"/v24/{TP53}.xml"] = page(entry("TP53", TP53, [*bad, good]))
    result = fetch(ensg=TP53)
    assert [f.id for f in result.fields] == ["1234_A1_1"]
    assert "left out 2" in result.notes[0]
    outside = [p for p in tmp_path.rglob("*_blue.jpg") if not p.is_relative_to(out)]
    assert outside == []


def test_names_of_a_new_form_are_not_taken_for_nothing_there(atlas, fetch):
    row = ("HPA051244", "U2OS", [], ["v2/51244/A1/blue.webp"])
    atlas.pages[f"/v24/{TP53}.xml"] = page(entry("TP53", TP53, [row]))
    with pytest.raises(DualglandError, match=r"left out 1, .* changed.*blue\.webp"):
        fetch(ensg=TP53)


def test_images_are_asked_of_the_atlas_whatever_host_a_page_names(atlas, fetch):
    row = ("HPA051244", "U2OS", [], ["x"])
    text = entry("TP53", TP53, [row]).replace(
        "http://images.proteinatlas.org/x",
        "http://example.org/51244/1234_A1_1_blue_red_green.jpg",
    )
    atlas.pages[f"/v24/{TP53}.xml"] = page(text)
    result = fetch(ensg=TP53)
    assert result.fetched == 4
    assert all(url.startswith(atlas.url) for url in result.urls)


def test_a_link_in_the_target_folder_is_not_followed_out_of_it(fetch, out, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    out.mkdir()
    (out / "HPA051244").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DualglandError, match="leads out of"):
        fetch(gene="TP53")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_manifest_that_names_other_places_is_not_trusted(fetch, out, tmp_path):
    fetch(gene="TP53", limit=1)
    rows = manifest(out)
    (tmp_path / "secret").write_text("x")
    rows[0]["file"] = "../secret"
    (out / "manifest.json").write_text(json.dumps({"images": rows}))
    result = fetch(gene="TP53", limit=1)
    assert (result.fetched, result.kept) == (1, 3)
    assert (tmp_path / "secret").read_text() == "x"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"images": [{"file": "x"}]}', '{"images": 3}'])
def test_a_damaged_manifest_is_told_and_left(fetch, out, text):
    out.mkdir()
    (out / "manifest.json").write_text(text)
    with pytest.raises(DualglandError, match=r"manifest\.json.*move it away"):
        fetch(gene="TP53")
    assert (out / "manifest.json").read_text() == text


def test_two_downloads_to_one_folder(atlas, fetch, out, tmp_path):
    fetcher = fetcher_for(atlas, tmp_path / "cache")
    with fetcher.locked(out), pytest.raises(DualglandError, match="another download"):
        fetch(gene="TP53")


def test_a_table_that_has_moved_is_found(atlas, fetch):
    atlas.pages["/v24/download/subcellular_location.tsv.zip"] = atlas.pages.pop(
        "/v24/download/tsv/subcellular_location.tsv.zip"
    )
    assert fetch(gene="TP53", dry_run=True).fields
    del atlas.pages["/v24/download/subcellular_location.tsv.zip"]


def test_a_table_that_is_nowhere(atlas, fetch):
    del atlas.pages["/v24/download/tsv/subcellular_location.tsv.zip"]
    with pytest.raises(DualglandError, match="none of its known places"):
        fetch(gene="TP53")


def test_a_gene_of_the_table_without_a_page_is_passed_over(atlas, fetch):
    del atlas.pages[f"/v24/{TP53}.xml"]
    assert [f.gene for f in fetch(location="Nucleoli", dry_run=True).fields] == ["NCL", "NCL"]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, "give --gene"),
        ({"ensg": "ENSG00000000000"}, "no such gene"),
        ({"gene": "TP54"}, "did you mean TP53"),
        ({"location": "Nucleolus"}, "did you mean Nucleoli"),
        ({"antibody": "HPA000001"}, "no field of view of antibody HPA000001"),
        ({"gene": "TP53", "cell_line": "HeLa"}, "no field of view of gene TP53, cell line HeLa"),
    ],
)
def test_nothing_found_is_told(fetch, out, asked, says):
    with pytest.raises(DualglandError, match=says):
        fetch(**asked)
    assert not out.exists()


def test_a_page_of_another_release_is_not_taken(atlas, fetch):
    atlas.pages[f"/v24/{TP53}.xml"] = page(entry("TP53", TP53, [], version="25.1"))
    with pytest.raises(DualglandError, match=r"of release '25\.1', not 24"):
        fetch(ensg=TP53)


def test_a_damaged_file_of_all_genes_is_fetched_anew_the_next_time(atlas, fetch):
    path = "/v24/download/proteinatlas.xml.gz"
    whole = atlas.pages[path]
    atlas.pages[path] = gzip.compress(gzip.decompress(whole)[:-50])
    with pytest.raises(DualglandError, match="truncated"):
        fetch(antibody="HPA000001")
    atlas.pages[path] = whole
    assert fetch(antibody="HPA023981", dry_run=True).fields
    assert atlas.paths.count(path) == 2


def test_a_truncated_page_is_asked_for_again(atlas, fetch):
    atlas.acts[f"/v24/{TP53}.xml"] = [cut(0.4)]
    assert len(fetch(ensg=TP53, dry_run=True).fields) == 2


def test_a_target_that_is_a_file(fetch, out):
    out.write_text("mine")
    with pytest.raises(DualglandError, match="is a file"):
        fetch(gene="TP53")
    assert out.read_text() == "mine"


def test_an_antibody_of_two_genes_is_fetched_once(atlas, fetch):
    row = ("HPA051244", "U2OS", [], ["51244/1234_A1_1_blue_red_green.jpg"])
    two = page(entry("TP53", TP53, [row]), entry("NCL", "ENSG00000115053", [row]))
    atlas.pages["/v24/download/proteinatlas.xml.gz"] = gzip.compress(two)
    assert fetch(antibody="HPA051244").fetched == 4


def test_names_that_are_odd_do_not_hide_the_rest_of_the_table(atlas, fetch):
    atlas.pages["/v24/download/tsv/subcellular_location.tsv.zip"] = table(
        "Gene\tGene name\tMain location\n../x\tTP53\tNucleoli\nENSG00000141510\tTP53\tNucleoli\n"
    )
    assert fetch(gene="TP53", dry_run=True).fields


def test_a_16_bit_set_that_is_cut_is_not_mixed_with_8_bits(atlas, fetch):
    atlas.pages["/images/51244/1234_A1_1_blue.tif.gz"] = tiff()[:200]
    result = fetch(gene="TP53", limit=1, deep=True)
    assert "damaged" in result.failed[0]
    assert result.prefixes == []
