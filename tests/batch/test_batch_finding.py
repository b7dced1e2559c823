"""Whatever a person names becomes a list of stacks, each once, and nothing else."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from batch_scenes import COLOURS, broken_file, field_file, field_set

from napari_dualgland.batch import StackOptions, find_stacks, find_steps
from napari_dualgland.batch.manifest import MANIFEST
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.jobs import Detect, FileInput, ImputeJob, LabelsFile, MaskFile
from napari_dualgland.progress import Cancelled, finish


def paths(stacks):
    return [stack.path for stack in stacks]


def test_a_folder_is_searched_with_all_that_is_in_it(fields):
    found = find_stacks([fields])
    assert paths(found) == [
        fields / "broken.tif",
        fields / "field 1.ome.tif",
        fields / "day 2" / "12_A1_3",
        fields / "day 2" / "field 1.ome.tif",
        fields / "day 2" / "deep" / "ähre.ome.tif",
    ]
    colours = [f"12_A1_3_{colour}.png" for colour in COLOURS.values()]
    assert [file.name for file in found[2].files] == colours
    assert all(stack.error is None for stack in found)


def test_a_set_counts_once_however_it_is_named(tmp_path, monkeypatch):
    files = field_set(tmp_path / "12_A1_3")
    monkeypatch.chdir(tmp_path)
    named = [*files, tmp_path / "12_A1_3", tmp_path, "12_A1_3_red.png", str(tmp_path / "*.png")]
    (found,) = find_stacks(named)
    assert found.files == tuple(files)
    assert found.path == tmp_path / "12_A1_3"


def test_of_a_set_in_two_formats_the_member_that_is_named_says_which(tmp_path):
    for file in field_set(tmp_path / "12_A1_3"):
        shutil.copy(file, file.with_suffix(".jpg"))
    (found,) = find_stacks([tmp_path / "12_A1_3_blue.jpg"])
    assert {file.suffix for file in found.files} == {".jpg"}
    assert found.path.suffix == ".jpg"


def test_patterns(fields):
    wild = find_stacks([fields / "*.tif"])
    assert [path.name for path in paths(wild)] == ["broken.tif", "field 1.ome.tif"]
    assert len(find_stacks([fields / "**" / "*.ome.tif"])) == 3
    (none,) = find_stacks([fields / "nothing*.tif"])
    assert none.error["kind"] == Kind.NOT_THERE


def test_a_name_with_brackets_is_a_name(tmp_path):
    file = field_file(tmp_path / "field [1].ome.tif")
    assert paths(find_stacks([file])) == [file]
    assert paths(find_stacks([tmp_path / "*.tif"])) == [file]


def test_results_are_no_input(fields):
    (fields / "out" / "field 1").mkdir(parents=True)
    field_file(fields / "out" / "field 1" / "field 1_imputed.ome.tif")
    assert len(find_stacks([fields])) == 6
    assert len(find_stacks([fields], output=fields / "out")) == 5
    (fields / "out" / MANIFEST).write_text("")
    assert len(find_stacks([fields])) == 5
    # Whoever names that folder means it.
    assert len(find_stacks([fields / "out"])) == 1


def test_results_do_not_go_among_the_inputs(fields, monkeypatch):
    monkeypatch.chdir(fields)
    for given, output in ((fields, fields), (".", fields), (fields, fields / "out" / "..")):
        with pytest.raises(DualglandError, match="among the inputs; name another folder") as error:
            find_stacks([given], output=output)
        assert error.value.kind == Kind.CONFLICT
    # A shell's asterisk names a folder of results, too: one that is empty, or written before.
    out = fields / "out"
    out.mkdir()
    for _ in range(2):
        assert sum(s.error is None for s in find_stacks([fields, out], output=out)) == 5
        field_file(out / "field 1" / "field 1_imputed.ome.tif")
        (out / MANIFEST).write_text("")


def test_what_cannot_be_had_stays_with_its_error(tmp_path):
    (tmp_path / "empty").mkdir()
    gone, empty, tilde = find_stacks([tmp_path / "no.tif", tmp_path / "empty", "~nobody-at-all/a"])
    assert [gone.error["kind"], empty.error["kind"]] == [Kind.NOT_THERE, Kind.NOT_THERE]
    assert str(tmp_path / "no.tif") in gone.error["place"]
    assert tilde.error["kind"] == Kind.NOT_THERE


def locked(monkeypatch, *folders):
    """Make folders unreadable, for root too."""
    scan = os.scandir

    def refusing(path="."):
        if path in map(str, folders):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)


def test_a_folder_that_cannot_be_read_costs_no_other(fields, monkeypatch):
    whole = paths(find_stacks([fields]))
    for name in ("a", "day 2/deep/locked"):
        (fields / name).mkdir()
    locked(monkeypatch, fields / "a", fields / "day 2" / "deep" / "locked")
    found = find_stacks([fields])
    assert paths(stack for stack in found if stack.error is None) == whole
    refused = [stack for stack in found if stack.error is not None]
    assert paths(refused) == [fields / "a", fields / "day 2" / "deep" / "locked"]
    for stack in refused:
        assert stack.error["kind"] == Kind.UNREADABLE
        assert stack.error["place"] == str(stack.path)
    (alone,) = find_stacks([fields / "a"])
    assert (alone.path, alone.error["kind"]) == (fields / "a", Kind.UNREADABLE)


@pytest.mark.parametrize(("separator", "start"), [(",", ""), (";", "\ufeff"), ("\t", "")])
def test_a_table_says_what_holds_for_each(tmp_path, separator, start):
    field_file(tmp_path / "a.ome.tif")
    field_file(tmp_path / "007.ome.tif")
    broken_file(tmp_path / "m.tif")
    rows = [
        ["Input", "channels", "missing", "pixel_size", "cells"],
        ["a.ome.tif", '"microtubules=0,protein=1,nucleus=2"', "m.tif", "0.08", ""],
        ["007.ome.tif", "", "nan", "", str(tmp_path / "c.tif")],
        ["007.ome.tif", "", "auto", "0.2e9", ""],
        ["", "", "", "", ""],
        ["b.tif", "protein", "", "", ""],
    ]
    table = tmp_path / "jobs.csv"
    text = "\n".join(separator.join(row) for row in rows)
    table.write_text(f"{start}{text}\n", encoding="utf-8")
    first, second, third, last = find_stacks([table], StackOptions(pixel_size=0.3))
    assert first.options.channels == {"microtubules": "0", "protein": "1", "nucleus": "2"}
    assert first.options.missing == MaskFile(path=tmp_path / "m.tif")
    assert first.options.pixel_size == 0.08
    assert second.path == tmp_path / "007.ome.tif"
    assert second.options.missing == Detect.nan_only()
    assert second.options.cells == LabelsFile(path=tmp_path / "c.tif")
    assert second.options.pixel_size == 0.3
    assert third.error["kind"] in (Kind.BAD_VALUE, Kind.IMPLAUSIBLE)
    assert last.error is not None
    assert last.path == tmp_path / "b.tif"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("", Kind.EMPTY),
        ("input\n", Kind.EMPTY),
        ("file,channels\na.tif,\n", Kind.WRONG_CONTENT),
        ("input,colour\na.tif,red\n", Kind.WRONG_CONTENT),
        ("input,input\na.tif,b.tif\n", Kind.WRONG_CONTENT),
        ("\x00\x01", Kind.WRONG_CONTENT),
        ('input\n"a.tif\n', Kind.DAMAGED),
        ("input\nä.tif\n".encode("latin-1"), Kind.UNSUPPORTED),
        ("input\na.tif\n".encode("utf-16"), Kind.UNSUPPORTED),
        ("input\njobs.csv\n", Kind.UNSUPPORTED),
        ("input\n*.csv\n", Kind.UNSUPPORTED),
    ],
)
def test_what_is_no_table_says_so(tmp_path, content, kind):
    table = tmp_path / "jobs.csv"
    table.write_bytes(content if isinstance(content, bytes) else content.encode())
    (found,) = find_stacks([table])
    assert found.error["kind"] == kind
    assert str(table) in found.error["place"]


@pytest.mark.parametrize(
    ("row", "part"),
    [
        ("a.ome.tif,nucleus=0,er=1", "cells"),  # the comma was meant as part of one
        ("a.ome.tif,nothing", "--channels"),
        ("a.ome.tif,,,wide", "pixel_size"),
        ("a.ome.tif,,,nan", "--pixel-size"),
        (",nucleus=0", "input"),
        (f"{'a' * 300}.tif", ""),
        ("a\0.tif", "'a\\x00.tif'"),
        ("~nobody-at-all/a.tif", "~nobody-at-all/a.tif"),
    ],
)
def test_a_wrong_row_costs_no_other_and_says_where_it_is(tmp_path, row, part):
    field_file(tmp_path / "a.ome.tif")
    names = "input,channels" if part == "cells" else "input,channels,missing,pixel_size"
    (tmp_path / "jobs.csv").write_text(f"{names},\na.ome.tif,,\n\n{row}\n")
    sound, wrong = find_stacks([tmp_path / "jobs.csv"])
    assert sound.error is None
    if part:
        assert wrong.error["place"] == str(tmp_path / "jobs.csv")
        assert wrong.error["part"] == f"row 2, {part}"
    else:
        assert wrong.error["kind"] == Kind.BAD_VALUE


@pytest.mark.parametrize("ending", [".tif", ".csv", ".json", "/a", "_red.png"])
def test_a_name_too_long_costs_no_other(tmp_path, ending):
    field_file(tmp_path / "a.ome.tif")
    long, sound = find_stacks([tmp_path / f"{'a' * 300}{ending}", tmp_path / "a.ome.tif"])
    assert "name too long" in long.error["found"]
    assert sound.error is None


def test_jobs_in_json(tmp_path):
    file = field_file(tmp_path / "a.ome.tif")
    job = ImputeJob(input=FileInput(path="a.ome.tif"), missing=Detect.nan_only())
    path = tmp_path / "job.json"
    path.write_text(json.dumps(job.model_dump(mode="json")))
    path.with_name("odd.json").write_text("[]")
    found, odd = find_stacks([path, path.with_name("odd.json")])
    assert found.path == file
    assert found.jobs[0].missing == Detect.nan_only()
    assert odd.error["kind"] == Kind.WRONG_CONTENT


def test_the_search_can_be_stopped(fields):
    with pytest.raises(Cancelled):
        finish(find_steps([fields], should_stop=lambda: True))
