"""The policy of threads: what OpenMP is told, and that it hears it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from napari_dualgland.threads import ASLEEP, COUNTS, WAITS, cores_granted, decide


def test_where_nothing_is_said_threads_sleep_and_are_as_many_as_torch_makes_them():
    assert decide({}, {"numpy"}, None).sets == ASLEEP


@pytest.mark.parametrize("name", WAITS)
def test_how_the_user_lets_them_wait_stays(name):
    policy = decide({name: "5"}, set(), 3)
    assert policy.sets == {"OMP_NUM_THREADS": "3"}
    assert f"{name}=5" in policy.waiting


@pytest.mark.parametrize("name", COUNTS)
def test_how_many_the_user_wants_stays(name):
    policy = decide({name: "5"}, set(), 3)
    assert policy.sets == ASLEEP
    assert f"{name}=5" in policy.number


def test_a_torch_that_was_loaded_before_is_not_told_too_late():
    policy = decide({}, {"torch"}, 3)
    assert not policy.sets
    assert "torch" in policy.waiting


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu.max": "99900000 100000\n"}, None),
        ({"cpu.max": ""}, None),
        ({"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "-1\n"}, None),
        ({}, None),
    ],
    ids=["half", "max", "more", "empty", "first version", "no limit", "half told", "none"],
)
def test_the_quota_of_a_container_is_read(tmp_path, monkeypatch, files, cores):
    monkeypatch.setattr("napari_dualgland.threads._cores", lambda: 8)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert cores_granted(tmp_path) == cores


WAYS_IN = {
    "command": ["-m", "napari_dualgland", "doctor"],
    "script": ["-c", "import napari_dualgland as dg; dg.impute"],
    "dock": ["-c", "import napari_dualgland.widgets.kit.dock; import torch"],
    "training": ["-c", "import dualgland_training.trainer.loop"],
}


@pytest.mark.skipif(sys.platform != "linux", reason="not every OpenMP shows what it was told")
@pytest.mark.parametrize("way", WAYS_IN)
def test_the_openmp_of_torch_hears_it(way):
    assert {*_shown(WAYS_IN[way], {})} == {"PASSIVE"}


@pytest.mark.skipif(sys.platform != "linux", reason="not every OpenMP shows what it was told")
def test_the_openmp_of_torch_hears_what_the_user_says():
    assert {*_shown(WAYS_IN["script"], {"OMP_WAIT_POLICY": "ACTIVE"})} == {"ACTIVE"}


def _shown(words: list[str], more: dict[str, str]) -> list[str]:
    """Return the policy of every OpenMP that a program loads, as it says itself."""
    told = {name: value for name, value in os.environ.items() if name not in WAITS}
    said = subprocess.run(
        [sys.executable, *words],
        env=told | more | {"OMP_DISPLAY_ENV": "TRUE"},
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    lines = [line for line in said.splitlines() if "OMP_WAIT_POLICY" in line]
    assert lines, said
    return [line.split("'")[1] for line in lines]
