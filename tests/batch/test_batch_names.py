"""No two stacks write to one place, none writes over a source, and a batch knows its own again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from batch_scenes import QUICK, field_file

from napari_dualgland.batch import StackOptions, find_stacks, make_batch
from napari_dualgland.batch.manifest import Manifest, Record
from napari_dualgland.batch.names import Names, stem_of
from napari_dualgland.batch.state import Status
from napari_dualgland.errors import DualglandError
from napari_dualgland.jobs import FileInput, LabelsFile, MaskFile
from napari_dualgland.localization.params import LocalizeParams


def given(folder, sources, former=None, files=()):
    names = Names(folder, former or {}, files)
    return [names.give(Path(source)) for source in sources]


def test_the_same_name_in_different_folders(tmp_path):
    sources = ["/a/x.tif", "/b/x.ome.tif", "/b/X.tif", "/c/b/x.tif", "/a/x"]
    names = given(tmp_path, sources)
    assert names == ["x", "x (b)", "X (2)", "x (3)", "x (a)"]
    assert len({name.casefold() for name in names}) == len(names)


def test_accents_spelt_in_two_ways_are_one_name(tmp_path):
    first, second = given(tmp_path, ["/a/\u00e4.tif", "/b/a\u0308.tif"])
    assert first != second
    assert second.endswith(" (b)")


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a.ome.tif", "a"),
        ("a.tif.gz", "a"),
        ("a.ome.zarr", "a"),
        (".tif", "tif"),
        ("a:b?.tif", "a_b_"),
        ("con.tif", "con_"),
        ("a..tif", "a"),
        ("ä" * 120 + ".tif", "ä" * 50),
        (os.fsdecode(b"\xff.tif"), "_"),
    ],
)
def test_names_that_every_file_system_holds(name, stem):
    assert stem_of(Path("/in") / name) == stem


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "x").mkdir()
    assert given(tmp_path, ["/a/x.tif"]) == ["x (a)"]


def test_names_of_an_earlier_batch_stay(tmp_path):
    for name in ("x", "x (b)"):
        (tmp_path / name).mkdir()
    former = {"x": Path("/a/x.tif"), "x (b)": Path("/b/x.tif")}
    assert given(tmp_path, ["/b/x.tif", "/a/x.tif", "/c/x.tif"], former) == ["x (b)", "x", "x (c)"]


def test_no_stack_gets_a_folder_with_a_source_in_it(tmp_path):
    source = field_file(tmp_path / "x" / "x_imputed.ome.tif")
    former = {"x": Path("/a/x.tif")}
    assert given(tmp_path, ["/a/x.tif"], former, [source]) == ["x (a)"]
    (tmp_path / "link").symlink_to(source)
    assert given(tmp_path, ["/a/x.tif"], former, [tmp_path / "link"]) == ["x (a)"]


def test_all_results_of_a_batch_differ_from_each_other_and_from_the_sources(fields):
    stacks = find_stacks([fields])
    do = {"impute": QUICK, "localize": LocalizeParams()}
    for output in (fields, fields / "day 2", fields.parent / "out"):
        batch = make_batch(stacks, output, do)
        results = [job.output for stack in batch.stacks for job in stack.jobs]
        assert len({str(path).casefold() for path in results}) == len(results) == 10
        assert not {*results} & {file for stack in stacks for file in stack.files}


def test_what_follows_an_imputation_looks_at_its_result(tmp_path):
    file = field_file(tmp_path / "a.ome.tif")
    do = {"localize": LocalizeParams(), "impute": QUICK}
    ((impute, localize),) = [s.jobs for s in make_batch(find_stacks([file]), tmp_path, do).stacks]
    assert (impute.kind, impute.input) == ("impute", FileInput(path=file))
    assert (localize.kind, localize.input) == ("localize", FileInput(path=impute.output))
    (stack,) = make_batch(find_stacks([file]), tmp_path, {"localize": do["localize"]}).stacks
    (alone,) = stack.jobs
    assert alone.input == FileInput(path=file)


def test_a_batch_means_the_same_in_any_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = field_file(tmp_path / "a.ome.tif")
    mask, cells = MaskFile(path="mask.tif"), LabelsFile(path="~/cells.tif")
    stacks = find_stacks([file], StackOptions(missing=mask, cells=cells))
    own = QUICK.model_copy(update={"model": "own.safetensors"})
    (stack,) = make_batch(
        stacks, tmp_path / "out", {"impute": own, "localize": LocalizeParams()}
    ).stacks
    impute, localize = stack.jobs
    assert impute.missing.path == tmp_path / "mask.tif"
    assert localize.cells.path == Path.home() / "cells.tif"
    assert {impute.missing.path, localize.cells.path} < set(stack.files)
    assert impute.params.model == str(tmp_path / "own.safetensors")
    assert localize.params == LocalizeParams()


@pytest.mark.parametrize("do", [{}, {"paint": QUICK}])
def test_nothing_to_do_is_refused(tmp_path, do):
    with pytest.raises(DualglandError):
        make_batch([], tmp_path, do)


def test_a_record_gives_its_name_to_the_next_batch(tmp_path):
    sources = [field_file(tmp_path / day / "a.ome.tif") for day in ("one", "two")]
    manifest = Manifest(tmp_path)
    for name, source in zip(("a", "a (two)"), sources, strict=True):
        (tmp_path / name).mkdir()
        manifest.add(Record(name=name, source=str(source), status=Status.RUNNING))
    batch = make_batch(find_stacks([sources[1]]), tmp_path, {"impute": QUICK})
    assert [stack.name for stack in batch.stacks] == ["a (two)"]
