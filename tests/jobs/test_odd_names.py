"""Odd names of files and channels in the lines that a job copies: they mean the same when typed."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from napari_dualgland.cli.options import mask_source
from napari_dualgland.cli.words import path_given
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.jobs import (
    FileInput,
    ImputeJob,
    LabelsFile,
    LayersInput,
    LocalizeJob,
    MaskFile,
    TrainJob,
    load_job,
)
from napari_dualgland.jobs.channel_words import parse_channels

ODD = [
    "-",
    "-x",
    "~",
    "~nosuchuserhere",
    "auto",
    "nan",
    "a b",
    "[x]",
    "$HOME",
    "'",
    '"',
    "a\nb",
    "é",
]


@pytest.mark.parametrize("name", ODD, ids=ascii)
def test_a_copied_line_means_the_same_files(name):
    path, channels = Path(name), {"nucleus": name, "er": 0}
    given = FileInput(path=path, channels=channels)
    impute = ImputeJob(input=given, missing=MaskFile(path=path), output=path)
    localize = LocalizeJob(
        input=given, cells=LabelsFile(path=path), missing=MaskFile(path=path), output=path
    )
    for job, options in ((impute, ["out", "missing"]), (localize, ["out", "cells", "missing"])):
        words = shlex.split(job.as_command())
        assert path_given(words[2]).absolute() == path.absolute()
        for option in options:
            word = words[words.index(f"--{option}") + 1]
            if option == "missing":
                assert mask_source(word).path.absolute() == path.absolute()
            else:
                assert path_given(word).absolute() == path.absolute()
        assert parse_channels(words[words.index("--channels") + 1]) == channels


@pytest.mark.parametrize("name", [*ODD, "a\udcff"], ids=ascii)
def test_a_training_run_in_a_folder_of_any_name_is_found_again(tmp_path, name):
    job = TrainJob(images=tmp_path / "images" / name, output=tmp_path / name)
    job.save()
    assert load_job(tmp_path / name / "job.json") == job


@pytest.mark.parametrize(
    "text",
    [
        *("", "{}", "[]", "null", "NaN", '"x"', "1" * 6000, "[" * 100_000, '{"kind": "impute"}'),
        '{"kind": "other", "input": {"kind": "file", "path": "x.tif"}}',
        '{"kind": "impute", "input": {"kind": "file", "path": "x.tif"}, "colour": 1}',
        '{"kind": "impute", "input": {"kind": "file", "path": 1}}',
        '{"kind": "impute", "input": {"kind": "file", "path": "x"}, "params": {"seed": 1e999}}',
        '{"kind": "impute", "input": {"kind": "file", "path": "x"}, "params": {"seed": -1}}',
        '{"kind": "localize", "input": {"kind": "file", "path": ""}, "params": {"threshold": NaN}}',
    ],
    ids=lambda text: text[:12] or "nothing",
)
def test_what_is_no_job_is_refused(tmp_path, text):
    (tmp_path / "job.json").write_text(text)
    with pytest.raises(DualglandError):
        load_job(tmp_path / "job.json")


def test_layers_without_a_file_have_no_line():
    with pytest.raises(DualglandError) as error:
        ImputeJob(input=LayersInput(layers={})).as_command()
    assert (error.value.kind, error.value.place) == (Kind.LACKING, "layers")
