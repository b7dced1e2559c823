"""``dualgland batch``: everything done for each stack, one broken, and gone on with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from localization.cell_scenes import save_localizer

from napari_dualgland.batch.queue import QUEUE, load_batch
from napari_dualgland.io import read, write
from napari_dualgland.results import Imputation

QUICK = ("--model", "prior", "--device", "cpu", "--tile", 64, "--no-rehearse", "--workers", 1)


def test_all_is_done_for_each_stack_and_what_is_broken_keeps_its_error(dualgland, field, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    stack = field()
    stack.data[:, 30:50, 40:60] = 0
    write(stack, folder / "field.ome.tif")
    (folder / "broken.tif").write_bytes(b"II*\0nonsense that goes nowhere")
    words = ("batch", folder, "--out", out, "--do", "impute,localize,boundaries", *QUICK, "--json")

    said = dualgland(*words)
    assert said.code == 2
    assert (said.result["done"], said.result["failed"], said.result["kept"]) == (1, 1, 0)
    broken, done = said.result["each"]
    assert broken["status"] == "failed"
    assert str(folder / "broken.tif") in broken["error"]["sentence"]
    assert broken["error"]["way_out"]
    names = [Path(path).name for path in done["results"]]
    assert names == [
        "field_imputed.ome.tif",
        "cells.csv",
        "cells.tif",
        "maps.ome.tif",
        "overlay.png",
        "field_boundaries.ome.tif",
        "field_set_points.csv",
    ]
    filled = read(out / "field" / "field_imputed.ome.tif")
    assert isinstance(filled, Imputation)
    assert filled.missing[:, 30:50, 40:60].all()
    table = pd.read_csv(out / "field" / "field_set_points.csv")
    assert set(table["channel"]) == {"microtubules", "protein", "nucleus", "er"}
    compartments = read(out / "field" / "field_boundaries.ome.tif")
    assert compartments.sizes["Y"] == stack.sizes["Y"]
    assert "field_set_points.csv" in (out / "report.csv").read_text()

    # The same again keeps what is done; without the table it is done anew.
    again = dualgland(*words)
    assert again.code == 2
    assert again.result["each"][1]["kept"]
    assert again.result["each"][1]["results"] == done["results"]
    (out / "field" / "field_set_points.csv").unlink()
    anew = dualgland(*words)
    assert not anew.result["each"][1]["kept"]
    pd.testing.assert_frame_equal(pd.read_csv(out / "field" / "field_set_points.csv"), table)
    np.testing.assert_array_equal(read(out / "field" / "field_imputed.ome.tif").data, filled.data)


def test_a_report_that_cannot_be_written_is_said_when_all_is_done(dualgland, whole, tmp_path):
    out = tmp_path / "out"
    (out / "report.csv").mkdir(parents=True)
    said = dualgland("batch", whole, "--out", out, *QUICK)
    assert said.code == 2
    assert "the report cannot be written" in said.error
    assert "1 of 1 stacks are done" in said.error
    assert "report:" not in said.out
    written = str(out / "whole" / "whole_imputed.ome.tif")
    assert Path(written).is_file()
    # A program is told of each stack as ever: what was done stands.
    said = dualgland("batch", whole, "--out", out, *QUICK, "--json")
    assert said.code == 2
    assert "the report cannot be written" in said.result["error"]
    assert (said.result["done"], said.result["kept"]) == (1, 1)
    assert written in said.result["each"][0]["results"]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--do=impute,polish", "--do: 'polish' is nothing that can be done; expected impute,local"),
        ("--do=", "--do: nothing is named; expected impute,localize,boundaries"),
        ("--workers=0", "--workers: "),
    ],
)
def test_what_cannot_be_asked_for_is_said(dualgland, whole, tmp_path, monkeypatch, option, said):
    monkeypatch.chdir(tmp_path)
    told = dualgland("batch", whole, "--out", tmp_path / "out", option)
    assert told.code == 2
    assert said in told.error
    assert {path.name for path in tmp_path.iterdir()} == {whole.name}


def test_options_hold_for_whatever_is_done_alone(dualgland, whole, tmp_path):
    model, out = save_localizer(tmp_path / "models"), tmp_path / "out"
    words = ("batch", whole, "--out", out, "--do", "localize", "--workers", 1, "--device", "cpu")
    said = dualgland(*words, "--missing", "nan")
    assert said.code == 2
    assert said.error == "--missing: nan is not taken here; expected a mask or auto"
    assert not out.exists()
    said = dualgland(*words, "--model", model)
    assert said.code == 0
    assert "1 of 1 stacks done" in said.out
    assert "Imputed pixels" not in said.out
    (stack,) = load_batch(out / QUEUE).stacks
    assert stack.jobs[0].params.model == model


def test_nothing_is_written_into_the_folder_of_inputs(dualgland, whole):
    before = set(whole.parent.iterdir())
    said = dualgland("batch", whole.parent, "--out", whole.parent, *QUICK)
    assert said.code == 2
    assert "the results would go among the inputs" in said.error
    assert set(whole.parent.iterdir()) == before


@pytest.mark.parametrize("channels", ["foo=1", "nucleus=9"])
def test_an_error_tells_its_stack(dualgland, whole, tmp_path, channels):
    """Whatever the option is called that is at fault."""
    table = tmp_path / "jobs.csv"
    table.write_text(f"input,channels\n{whole},{channels}\n")
    said = dualgland("batch", table, "--out", tmp_path / "out", *QUICK)
    assert said.code == 2
    (line,) = said.err.splitlines()
    assert str(whole) in line
    assert "--channels" in line
