"""A run as a value: it goes to JSON and back, is done, carried by its file, and done again."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

import napari_dualgland as nd
from napari_dualgland.cli import main
from napari_dualgland.errors import Kind
from napari_dualgland.imputation.params import LARGEST_SEED
from napari_dualgland.jobs import (
    BoundariesJob,
    Detect,
    FileInput,
    ImputeJob,
    LabelsFile,
    LabelsLayer,
    LayerRef,
    LayersInput,
    Loaded,
    LocalizeJob,
    MaskFile,
    MaskLayer,
    Plane,
    load_job,
)
from napari_dualgland.jobs.saved import parse_job
from napari_dualgland.progress import Cancelled, finish
from napari_dualgland.sample import sample_path

QUICK = nd.ImputeParams(model="prior", rehearse=False, adapt=False, device="cpu")
REF = LayerRef(id="7f", name="a [1]")

paths = st.from_regex(r"[a-z]{1,8}(/[a-zµ ]{1,8}){0,2}\.tif", fullmatch=True).map(Path)
roles = st.sets(st.sampled_from(nd.ROLES), min_size=1).map(sorted).map(tuple)
refs = st.builds(LayerRef, id=st.text(min_size=1), name=st.text(), path=st.none() | paths)
files = st.builds(FileInput, path=paths, channels=st.none() | st.just({"protein": 1, "er": "x"}))
layers = st.builds(
    LayersInput,
    layers=st.dictionaries(st.sampled_from(nd.ROLES), refs, min_size=1),
    channel_axis=st.none() | st.integers(0, 4),
    file=st.none() | files,
    estimated=st.none() | refs,
)
planes = st.none() | st.builds(Plane, t=st.integers(0, 99), z=st.integers(0, 99))
outputs = st.none() | paths
impute_jobs = st.builds(
    ImputeJob,
    input=files | layers,
    missing=st.builds(Detect)
    | st.just(Detect.nan_only())
    | st.builds(MaskFile, path=paths)
    | st.builds(MaskLayer, layer=refs, shapes=st.booleans()),
    roles=roles,
    plane=planes,
    output=outputs,
    params=st.builds(
        nd.ImputeParams, seed=st.integers(0, LARGEST_SEED), tile=st.sampled_from([64, 352])
    ),
)
localize_jobs = st.builds(
    LocalizeJob,
    input=files | layers,
    cells=st.none() | st.builds(LabelsFile, path=paths) | st.builds(LabelsLayer, layer=refs),
    missing=st.none() | st.builds(MaskFile, path=paths),
    impute_first=st.booleans(),
    plane=planes,
    output=outputs,
    params=st.builds(nd.LocalizeParams, nucleus_um=st.floats(3, 60), threshold=st.none()),
)

boundaries_jobs = st.builds(
    BoundariesJob,
    input=files | layers,
    cells=st.none() | st.builds(LabelsFile, path=paths) | st.builds(LabelsLayer, layer=refs),
    missing=st.none() | st.builds(MaskFile, path=paths),
    impute_first=st.booleans(),
    plane=planes,
    output=outputs,
    params=st.builds(
        nd.BoundariesParams, location=st.sampled_from(nd.CLASSES), count_imputed=st.booleans()
    ),
)


@given(impute_jobs | localize_jobs | boundaries_jobs)
def test_a_job_goes_to_json_and_back(job):
    assert parse_job(json.loads(job.model_dump_json()), "here") == job
    assert type(job).model_validate_json(job.model_dump_json()) == job


@pytest.mark.parametrize(
    ("told", "what"),
    [
        ({}, ""),
        ({"kind": "impute"}, "impute.input"),
        ([], ""),
        ({"kind": "impute", "input": {"kind": "file", "path": "a"}, "roles": []}, "impute.roles"),
    ],
)
def test_what_is_no_job_is_refused_by_the_field(told, what):
    with pytest.raises(nd.DualglandError) as refused:
        parse_job(told, "here")
    error = refused.value
    assert (error.kind, error.place, error.part) == (Kind.WRONG_CONTENT, "here", what)


@pytest.fixture
def damaged(tmp_path):
    """A z-stack of three planes with a hole, its mask in a file, both small."""
    rng = np.random.default_rng(0)
    data = rng.integers(20, 200, (3, 4, 70, 72), dtype=np.uint16)
    mask = np.zeros((4, 70, 72), np.uint8)
    mask[1, 20:30, 30:50] = 255
    data[:, mask > 0] = 0
    channels = tuple(nd.Channel(role, role) for role in nd.ROLES)
    folder = tmp_path / "in"
    folder.mkdir()
    nd.write(nd.Stack(data, "ZCYX", channels), folder / "stack.ome.tif")
    tifffile.imwrite(folder / "mask.tif", mask, photometric="minisblack")
    return folder


def refuses(kind: Kind, job: ImputeJob | LocalizeJob) -> None:
    """Before anything is read, and in the dock too, which asks for the output alone."""
    for check in (job.check, job.check_output):
        with pytest.raises(nd.DualglandError) as refused:
            check()
        assert refused.value.kind == kind
        assert refused.value.place.startswith(str(job.output))


def file_job(folder: Path, **fields) -> ImputeJob:
    told = {
        "input": FileInput(path=folder / "stack.ome.tif"),
        "missing": MaskFile(path=folder / "mask.tif"),
        "params": QUICK,
    }
    return ImputeJob(**(told | fields))


def test_a_job_gives_what_the_engine_gives(damaged):
    stack, mask = nd.read(damaged / "stack.ome.tif"), nd.read_mask(damaged / "mask.tif")
    expected = nd.impute(stack, mask, QUICK)
    result = finish(file_job(damaged).steps())
    assert np.array_equal(result.data, expected.data)
    assert np.array_equal(result.missing, expected.missing)
    assert result.missing.any()


def test_one_plane_in_some_channels(damaged):
    plane = finish(file_job(damaged, plane=Plane(z=2), roles=("er", "protein")).steps())
    assert plane.axes == "CYX"
    assert plane.missing[1].sum() == 200
    none = finish(file_job(damaged, plane=Plane(z=2), roles=("er",)).steps())
    assert none.unchanged
    assert np.array_equal(none.data, nd.read(damaged / "stack.ome.tif").data[2])
    with pytest.raises(nd.DualglandError) as error:
        finish(file_job(damaged, plane=Plane(z=3)).steps())
    assert (error.value.kind, error.value.part) == (Kind.NOT_THERE, "Z")


def test_what_is_found_is_what_would_be_filled(damaged):
    found = finish(file_job(damaged).find_steps())
    filled = finish(file_job(damaged).steps())
    assert np.array_equal(found.missing, filled.missing)
    assert found.shares["protein"] == pytest.approx(200 / (70 * 72))
    assert found.shares["er"] == 0


def test_it_is_cancelled_between_planes(damaged):
    asked = []
    with pytest.raises(Cancelled):
        finish(file_job(damaged).find_steps(None, lambda: asked.append(1) or len(asked) > 1))
    assert len(asked) == 2


def test_a_file_carries_the_job_that_wrote_it_and_it_is_done_again(damaged, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    job = file_job(
        damaged, output=out / "first.ome.tif", params=QUICK.model_copy(update={"seed": 5})
    )
    path = tmp_path / "job.json"
    path.write_text(job.model_dump_json())
    with pytest.raises(SystemExit) as done:
        main(["run", str(path), "--json"])
    assert done.value.code == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "impute"
    first = nd.read(out / "first.ome.tif")
    carried = first.provenance.job
    assert carried["input"]["path"] == "../in/stack.ome.tif"
    assert str(tmp_path) not in json.dumps(carried)
    again = load_job(out / "first.ome.tif")
    assert again.params == job.params
    assert again.output is None
    with pytest.raises(SystemExit) as refused:
        main(["run", str(out / "first.ome.tif")])
    assert refused.value.code == 2
    assert "give --out" in capsys.readouterr().err
    with pytest.raises(SystemExit) as done:
        main(["run", str(out / "first.ome.tif"), "--out", str(out / "second.ome.tif")])
    assert done.value.code == 0
    second = nd.read(out / "second.ome.tif")
    assert np.array_equal(second.data, first.data)
    assert np.array_equal(second.missing, first.missing)


@pytest.mark.parametrize("ending", [".safetensors", ".json"])
def test_a_job_carries_where_the_model_of_a_lab_lies(tmp_path, ending):
    params = nd.ImputeParams(model=str(tmp_path / "lab" / f"own{ending}"))
    job = ImputeJob(input=FileInput(path=tmp_path / "a.tif"), params=params)
    assert job.portable()["params"]["model"] == f"own{ending}"
    told = job.model_copy(update={"output": tmp_path / "out" / "b.ome.tif"}).portable()
    assert told["params"]["model"] == f"../lab/own{ending}"
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "job.json").write_text(json.dumps(told))
    again = load_job(tmp_path / "out" / "job.json")
    assert Path(again.params.model).resolve() == Path(params.model).resolve()
    named = told | {"params": {"model": "prior"}}
    (tmp_path / "out" / "job.json").write_text(json.dumps(named))
    assert load_job(tmp_path / "out" / "job.json").params.model == "prior"


def test_a_home_in_a_job_is_a_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    job = ImputeJob(
        input=FileInput(path=Path("~/a.tif")),
        params=nd.ImputeParams(model="~/own.safetensors"),
        output=Path("~/b.ome.tif"),
    )
    lab = {"images": "~/images", "output": "run", "params": {"recipe": "own.yaml"}}
    for told in (job.model_dump_json(), json.dumps({"kind": "train", **lab})):
        (tmp_path / "job.json").write_text(told)
        again = load_job(tmp_path / "job.json")
        if isinstance(again, ImputeJob):
            paths = [str(again.input.path), again.params.model, str(again.output)]
            names = ["home/a.tif", "home/own.safetensors", "home/b.ome.tif"]
        else:
            paths = [str(again.images), str(again.output), again.params.recipe]
            names = ["home/images", "run", "own.yaml"]
        assert paths == [str(tmp_path / name) for name in names]


def test_a_file_that_no_job_wrote_is_refused(damaged):
    with pytest.raises(nd.DualglandError, match="does not say which job"):
        load_job(damaged / "stack.ome.tif")
    with pytest.raises(nd.DualglandError, match="no such job"):
        load_job(damaged / "gone.json")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"missing": Detect()},
        {"missing": Detect.nan_only()},
        {"plane": Plane(z=1)},
        {"roles": ("protein", "er")},
        {"missing": Detect(), "roles": ("protein",), "plane": Plane(z=1)},
    ],
    ids=str,
)
def test_the_script_gives_the_same_pixels(damaged, fields):
    job = file_job(damaged, **fields)
    space: dict = {}
    exec(compile(job.as_python(), "script", "exec"), space)
    result = finish(job.steps())
    assert np.array_equal(space["result"].data, result.data)
    assert np.array_equal(space["result"].missing, result.missing)
    assert "napari_dualgland." not in job.as_python()
    assert (damaged / "stack_imputed.ome.tif").is_file()


def test_the_shell_line_gives_the_same_pixels(damaged):
    words = file_job(damaged, output=damaged / "by_line.ome.tif").as_command().split()
    assert words[:2] == ["dualgland", "impute"]
    subprocess.run([sys.executable, "-m", "napari_dualgland", *words[1:]], check=True)
    assert np.array_equal(
        nd.read(damaged / "by_line.ome.tif").data, finish(file_job(damaged).steps()).data
    )


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"plane": Plane(z=1)}, "Whole stack"),
        ({"roles": ("er",)}, "copy as Python"),
        ({"missing": Detect(params=nd.MissingParams(min_size=9))}, "copy as Python"),
        ({"missing": MaskLayer(layer=REF)}, "is in no mask file"),
        ({"input": LayersInput(layers={"er": REF})}, "come from no file"),
    ],
)
def test_where_there_is_no_shell_line_the_way_out_is_told(damaged, fields, told):
    with pytest.raises(nd.DualglandError, match=told):
        file_job(damaged, **fields).as_command()


def test_layers_are_worked_on_as_they_were_loaded(damaged):
    """What a dock has read is used as it is: nothing is opened."""
    stack = replace(nd.read(damaged / "stack.ome.tif"), source=None)
    mask = nd.read_mask(damaged / "mask.tif")
    job = ImputeJob(
        input=LayersInput(layers={"protein": REF}), missing=MaskLayer(layer=REF), params=QUICK
    )
    result = finish(job.steps(Loaded(stack, mask)))
    assert np.array_equal(result.data, finish(file_job(damaged).steps()).data)
    with pytest.raises(nd.DualglandError) as error:
        job.load()
    assert (error.value.kind, error.value.place) == (Kind.LACKING, REF.name)


def test_layers_that_show_just_what_is_in_files_are_read_from_there(damaged):
    """So that the job of a dock can be done again where there is no napari."""
    layer = LayerRef(id="1", name="mask", path=damaged / "mask.tif")
    file = FileInput(path=damaged / "stack.ome.tif")
    job = ImputeJob(
        input=LayersInput(layers={"protein": REF}, file=file),
        missing=MaskLayer(layer=layer),
        params=QUICK,
    )
    assert np.array_equal(finish(job.steps()).data, finish(file_job(damaged).steps()).data)
    refuses(Kind.CONFLICT, job.model_copy(update={"output": damaged / "stack.ome.tif"}))


def test_nothing_missing_copies_the_file(damaged, tmp_path):
    job = file_job(damaged, missing=Detect.nan_only(), output=tmp_path / "same.ome.tif")
    job.save(finish(job.steps()))
    assert (tmp_path / "same.ome.tif").read_bytes() == (damaged / "stack.ome.tif").read_bytes()


def test_the_script_that_imputes_first_gives_the_same_table(damaged):
    labels = np.zeros((70, 72), np.uint8)
    labels[10:60, 10:60] = 1
    tifffile.imwrite(damaged / "cells.tif", labels)
    job = LocalizeJob(
        input=FileInput(path=damaged / "stack.ome.tif"),
        cells=LabelsFile(path=damaged / "cells.tif"),
        missing=MaskFile(path=damaged / "mask.tif"),
        impute_first=True,
        plane=Plane(z=1),
        params=nd.LocalizeParams(device="cpu"),
    )
    space: dict = {}
    exec(compile(job.as_python(), "script", "exec"), space)
    result = finish(job.steps())
    assert space["result"].table.equals(result.table)
    assert result.table["imputed"].item() > 0


def test_a_frame_that_was_lost_is_not_read_as_measured(tmp_path):
    whole = nd.read(sample_path("dualgland_whole.ome.tif"))
    pixels = np.stack([np.asarray(whole.data), np.asarray(whole.data)[:, ::-1]])[:, :3]
    nd.write(nd.Stack(pixels, "ZCYX", whole.channels[:3]), tmp_path / "stack.ome.tif")
    mask = np.zeros(pixels.shape, np.uint8)
    mask[0] = mask[1, :, 90:110, 90:110] = 1
    tifffile.imwrite(
        tmp_path / "mask.ome.tif", mask, metadata={"axes": "ZCYX"}, photometric="minisblack"
    )
    labels = np.zeros(pixels.shape[-2:], np.uint8)
    labels[40:120, 40:120] = 3
    tifffile.imwrite(tmp_path / "cells.tif", labels)
    job = LocalizeJob(
        input=FileInput(path=tmp_path / "stack.ome.tif"),
        cells=LabelsFile(path=tmp_path / "cells.tif"),
        missing=MaskFile(path=tmp_path / "mask.ome.tif"),
        impute_first=True,
        params=nd.LocalizeParams(device="cpu"),
    )
    result = finish(job.steps())
    lost = result.table.set_index("z")["missing"]
    assert lost[0] == 1
    assert lost[1] == 0
    space: dict = {}
    exec(compile(job.as_python(), "script", "exec"), space)
    assert space["result"].table.equals(result.table)


def test_a_localization_is_a_job_too(tmp_path):
    path = sample_path("dualgland_whole.ome.tif")
    stack = nd.read(path)
    labels = np.zeros(stack.shape[1:], np.uint8)
    labels[40:120, 40:120] = 3
    tifffile.imwrite(tmp_path / "cells.tif", labels)
    job = LocalizeJob(
        input=FileInput(path=path),
        cells=LabelsFile(path=tmp_path / "cells.tif"),
        params=nd.LocalizeParams(device="cpu", threshold=0.4),
        output=tmp_path / "found",
    )
    job.check()
    result = finish(job.steps())
    job.save(result)
    assert list(result.table["cell"]) == [3]
    space: dict = {}
    exec(compile(job.model_copy(update={"output": tmp_path / "b"}).as_python(), "s", "exec"), space)
    assert space["result"].table.equals(result.table)
    again = load_job(tmp_path / "found" / "cells.tif")
    assert again.params == job.params
    assert again.cells == LabelsFile(path=tmp_path / "found" / ".." / "cells.tif")
    assert "--threshold 0.4" in job.as_command()
