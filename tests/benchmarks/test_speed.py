"""The benchmark of speed: its holes, a cell of it in a process of its own, what stops one."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import ndimage

import speed
from speed import key_of, run_cell
from speed_fills import NAMES
from speed_scenes import boxes, scratches
from speed_table import markdown


@pytest.mark.parametrize("share", [0.001, 0.05, 0.2])
@pytest.mark.parametrize("side", [256, 512])
def test_holes_have_the_share_that_is_asked_for(side, share):
    assert boxes(side, share).mean() == pytest.approx(share, rel=0.02)
    assert (boxes(side, share) == boxes(side, share)[0]).all()
    assert share <= scratches(side, share).mean() < 2 * share + 0.01


def field(side: int) -> np.ndarray:
    noise = np.random.default_rng(3).random((4, side, side))
    return (ndimage.gaussian_filter(noise, (0, 3, 3)) * 250).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    missing = np.zeros((4, 64, 64), bool)
    missing[:, 20:30, 24:40] = True
    np.save(tmp_path / "image.npy", field(64))
    np.save(tmp_path / "missing.npy", missing)
    return tmp_path


@pytest.mark.parametrize("fill", ["FSR", "prior"])
def test_a_cell_tells_seconds_memory_and_psnr(folder, fill):
    row = run_cell(fill, folder, cap=60, memory=4)
    assert 0 <= row["fill_cpu"] < row["cpu"]
    assert row["start_mib"] <= row["peak_mib"]
    assert 5 < row["psnr"] < 80


@pytest.mark.parametrize(("cap", "memory", "over"), [(2, 4, "> 2 s"), (60, 0.1, "> 0.1 GiB")])
def test_what_takes_more_than_it_may_is_ended_and_said_to(folder, cap, memory, over):
    np.save(folder / "image.npy", np.zeros((4, 2048, 2048), np.uint8))
    np.save(folder / "missing.npy", np.random.default_rng(0).random((4, 2048, 2048)) < 0.5)
    assert run_cell("FSR", folder, cap, memory) == {"over": over}


def test_what_is_measured_is_not_measured_again(tmp_path, monkeypatch):
    key = key_of("boxes", 128, 1, "mean")
    known = {"missing": 9, "fill_cpu": 7.0, "cpu": 8.0, "fill_wall": 7.0, "psnr": 20.0}
    known |= {"start_mib": 1.0, "peak_mib": 2.0}
    report = {"cells": {key: known}}
    (tmp_path / "speed.json").write_text(json.dumps(report))
    monkeypatch.setattr(speed, "field_of", lambda data, side: field(side))
    speed.main(sides="128", shares="1", fills="mean;Telea", cap=60, memory=4, out=tmp_path)
    cells = json.loads((tmp_path / "speed.json").read_text())["cells"]
    assert cells[key] == known
    assert {*cells} == {key, key_of("boxes", 128, 1, "Telea")}
    text = (tmp_path / "speed.md").read_text()
    assert "| mean | 7.00 |" in text
    assert all((tmp_path / f"speed_{name}.png").is_file() for name in ("time", "memory"))


def test_a_table_shows_what_was_ended_and_leaves_out_what_was_not_asked_for():
    over = {key_of("boxes", 512, 5, NAMES[0]): {"over": "> 300 s", "missing": 3}}
    text = markdown({"cells": over, "processor": "x"})
    assert f"| {NAMES[0]} | > 300 s |" in text
    assert NAMES[-1] not in text
