"""Where a result may go: asked before the work, whatever name a source is called by."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile

import napari_dualgland as nd
from napari_dualgland.errors import Kind
from napari_dualgland.io.beside import longest_name
from napari_dualgland.io.sources import files_behind
from napari_dualgland.jobs import (
    Detect,
    FileInput,
    ImputeJob,
    LabelsFile,
    LocalizeJob,
    MaskFile,
    load_job,
)
from napari_dualgland.jobs.localize import FILES
from napari_dualgland.progress import finish

QUICK = nd.ImputeParams(model="prior", rehearse=False, adapt=False, device="cpu")
PIXELS = np.random.default_rng(0).integers(1, 60000, (4, 48, 64), np.uint16)
NS = 'xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"'


def stack(pixels=PIXELS):
    return nd.Stack(pixels, "CYX", tuple(nd.Channel(role, role) for role in nd.ROLES))


def multi_file(folder: Path, companion: str | None = None) -> list[Path]:
    """Write a field in two OME-TIFFs; with a companion both point to it alone."""
    folder.mkdir(exist_ok=True)
    files = [folder / "a.ome.tif", folder / "b.ome.tif"]
    ids = [f"urn:uuid:00000000-0000-0000-0000-00000000000{i}" for i in (1, 2)]
    blocks = "".join(
        f'<TiffData IFD="{c % 2}" FirstC="{c}" PlaneCount="1">'
        f'<UUID FileName="{files[c // 2].name}">{ids[c // 2]}</UUID></TiffData>'
        for c in range(4)
    )
    channels = "".join(
        f'<Channel ID="Channel:0:{i}" Name="{name}" SamplesPerPixel="1"/>'
        for i, name in enumerate(("tubulin", "antibody", "DAPI", "ER"))
    )
    pixels = (
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16" '
        f'SizeX="64" SizeY="48" SizeC="4" SizeZ="1" SizeT="1">{channels}{blocks}</Pixels></Image>'
    )
    for i, file in enumerate(files):
        inside = pixels
        if companion:
            (folder / companion).write_text(f"<OME {NS}>{pixels}</OME>", encoding="utf-8")
            inside = f'<BinaryOnly MetadataFile="{companion}" UUID="{ids[0]}"/>'
        xml = f'<?xml version="1.0"?><OME {NS} UUID="{ids[i]}">{inside}</OME>'
        with tifffile.TiffWriter(file) as tif:
            for c in range(2):
                description = xml.encode() if c == 0 else None
                tif.write(
                    PIXELS[2 * i + c],
                    description=description,
                    metadata=None,
                    photometric="minisblack",
                    contiguous=False,
                )
    return files


def refused(job: ImputeJob | LocalizeJob) -> Kind:
    """Return why an output is refused: at once, and in a dock, which asks for that alone."""
    told = []
    for check in (job.check, job.check_output):
        with pytest.raises(nd.DualglandError) as error:
            check()
        assert error.value.place.startswith(str(job.output))
        told.append(error.value.kind)
    assert told[0] == told[1]
    return told[0]


def impute_to(output: Path, source: Path, mask: Path | None = None, **params) -> ImputeJob:
    return ImputeJob(
        input=FileInput(path=source),
        missing=Detect() if mask is None else MaskFile(path=mask),
        output=output,
        params=QUICK.model_copy(update=params),
    )


@pytest.mark.parametrize("companion", [None, "c.companion.ome"])
def test_every_file_of_several_is_a_source(tmp_path, companion):
    files = multi_file(tmp_path / "in", companion)
    assert set(files) <= set(files_behind(files[0]))
    for output in files:
        assert refused(impute_to(output, files[0])) == Kind.CONFLICT
    if companion:
        assert tmp_path / "in" / companion in files_behind(files[0])
    else:
        read = nd.read(files[0])
        with pytest.raises(nd.DualglandError) as error:
            nd.write(read, files[1])
        assert (error.value.kind, error.value.place) == (Kind.CONFLICT, str(files[1]))


@pytest.mark.parametrize("link", [os.symlink, os.link])
@pytest.mark.parametrize("which", ["image", "second", "mask", "second mask", "model"])
def test_no_source_is_replaced_by_any_name(tmp_path, link, which):
    images, masks = multi_file(tmp_path / "in"), multi_file(tmp_path / "masks")
    model = tmp_path / "own.safetensors"
    model.write_bytes(b"weights")
    named = ("image", "second", "mask", "second mask", "model")
    sources = dict(zip(named, [*images, *masks, model], strict=True))
    output = tmp_path / "out.ome.tif"
    link(sources[which], output)
    job = impute_to(output, images[0], masks[0], model=str(model))
    with pytest.raises(nd.DualglandError) as error:
        job.check_output()
    assert (error.value.kind, error.value.place) == (Kind.CONFLICT, str(output))


@pytest.mark.parametrize("name", FILES)
def test_no_source_is_replaced_in_a_folder(tmp_path, name):
    source = nd.write(stack(), tmp_path / "in.ome.tif")
    (tmp_path / "out").mkdir()
    os.link(source, tmp_path / "out" / name)
    for given in ("input", "missing", "cells"):
        files = {"input": FileInput(path=tmp_path / "x.ome.tif")}
        kinds = {"input": FileInput, "missing": MaskFile, "cells": LabelsFile}
        files[given] = kinds[given](path=source)
        assert refused(LocalizeJob(**files, output=tmp_path / "out")) == Kind.CONFLICT


@pytest.mark.parametrize("marks", [".zgroup", ".zarray", "zarr.json", None])
@pytest.mark.parametrize("below", ["", "0/1"])
def test_nothing_is_written_into_any_zarr(tmp_path, marks, below):
    source = nd.write(stack(), tmp_path / "in.ome.tif")
    folder = tmp_path / ("plain" if marks else "other.zarr")
    (folder / below).mkdir(parents=True)
    if marks:
        (folder / marks).write_text("{}")
    (tmp_path / "link").symlink_to(folder / below)
    for inside in (folder / below, tmp_path / "link"):
        assert refused(impute_to(inside / "o.ome.tif", source)) == Kind.CONFLICT
        with pytest.raises(nd.DualglandError) as error:
            nd.write(stack(), inside / "o.ome.tif")
        assert error.value.kind == Kind.CONFLICT
        job = LocalizeJob(input=FileInput(path=source), output=inside / "new")
        assert refused(job) == Kind.CONFLICT


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a", "a.ome.tif.gz", "a.zarr", "ome.tif"])
def test_another_ending(tmp_path, name):
    assert refused(impute_to(tmp_path / name, tmp_path / "in.tif")) == Kind.BAD_VALUE


@pytest.mark.parametrize("letter", ["a", "细"])
def test_a_name_that_is_too_long(tmp_path, letter):
    name = letter * (longest_name(tmp_path) // len(letter.encode()))
    source = tmp_path / "in.tif"
    assert refused(impute_to(tmp_path / f"{name}.ome.tif", source)) == Kind.BAD_VALUE
    for folder in (f"{name}{letter}", f"new/{name}{letter}/loc"):
        job = LocalizeJob(input=FileInput(path=source), output=tmp_path / folder)
        assert refused(job) == Kind.BAD_VALUE


def test_places_that_are_none(tmp_path):
    source = tmp_path / "in.tif"
    (tmp_path / "file").write_text("x")
    (tmp_path / "a.ome.tif").mkdir()
    os.mkfifo(tmp_path / "pipe.ome.tif")
    for name, kind in (
        ("no/a.ome.tif", Kind.NOT_THERE),
        ("file/a.ome.tif", Kind.NOT_THERE),
        ("a.ome.tif", Kind.NOT_A_FILE),
        ("pipe.ome.tif", Kind.NOT_A_FILE),
    ):
        assert refused(impute_to(tmp_path / name, source)) == kind
    (tmp_path / "out" / "cells.csv").mkdir(parents=True)
    for name in ("file", "file/new", "pipe.ome.tif", "out"):
        job = LocalizeJob(input=FileInput(path=source), output=tmp_path / name)
        assert refused(job) == Kind.NOT_A_FILE
    assert refused(impute_to(Path("/proc/a.ome.tif"), source)) in (Kind.UNWRITABLE, Kind.NOT_THERE)


@pytest.mark.parametrize("dtype", ["float16", "uint64", "int64"])
def test_a_dtype_that_cannot_be_written_is_refused_when_it_is_read(tmp_path, dtype):
    source = tmp_path / "in.tif"
    pixels = PIXELS.astype(dtype)
    tifffile.imwrite(source, pixels, photometric="minisblack", metadata={"axes": "CYX"})
    channels = {role: i for i, role in enumerate(nd.ROLES)}
    job = impute_to(tmp_path / "out.ome.tif", source)
    job = job.model_copy(update={"input": FileInput(path=source, channels=channels)})
    with pytest.raises(nd.DualglandError) as error:
        job.load()
    assert (error.value.kind, error.value.place) == (Kind.UNSUPPORTED, str(source))
    assert error.value.part == "dtype"
    assert job.model_copy(update={"output": None}).load().stack.dtype == dtype


def test_a_field_in_several_files_is_written_whole_where_nothing_is_missing(tmp_path):
    first, _ = multi_file(tmp_path / "in")
    job = impute_to(tmp_path / "same.ome.tif", first)
    job = job.model_copy(update={"missing": Detect.nan_only()})
    result = finish(job.steps())
    assert result.unchanged
    job.save(result)
    again = nd.read(tmp_path / "same.ome.tif")
    np.testing.assert_array_equal(again.data, PIXELS)
    assert files_behind(job.output) == (job.output,)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", Kind.EMPTY),
        (b"{", Kind.WRONG_CONTENT),
        (b"\xff\xfe\x00", Kind.WRONG_CONTENT),
        (b"[" * 100_000, Kind.WRONG_CONTENT),
        (b"1" * 10_000, Kind.WRONG_CONTENT),
        (b" " * (2**24 + 1), Kind.WRONG_CONTENT),
        (json.dumps({"kind": "train"}).encode(), Kind.WRONG_CONTENT),
        (b"II*\0\0\0\0\0", None),
    ],
    ids=["empty", "cut", "no text", "deep", "digits", "huge", "another", "no tiff"],
)
def test_files_that_are_no_job(tmp_path, content, kind):
    path = tmp_path / "job.json"
    path.write_bytes(content)
    with pytest.raises(nd.DualglandError) as error:
        load_job(path)
    if kind is not None:
        assert (error.value.kind, error.value.place) == (kind, str(path))


def test_a_job_is_read_from_a_regular_file_alone(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    for name, kind in (
        ("pipe.json", Kind.NOT_A_FILE),
        ("", Kind.NOT_A_FILE),
        ("no.json", Kind.NOT_THERE),
    ):
        with pytest.raises(nd.DualglandError) as error:
            load_job(tmp_path / name)
        assert error.value.kind == kind
