"""``dualgland download``: what it says, what it leaves, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from atlas_server import COLORS, silent, status, web_page

from napari_dualgland.io import read


@pytest.fixture
def at_home(atlas, tmp_path, monkeypatch):
    """Lead the command line to the small atlas, and to a cache of its own."""
    monkeypatch.setenv("DUALGLAND_ATLAS_SITE", f"{atlas.url}/v{{release}}")
    monkeypatch.setenv("DUALGLAND_ATLAS_IMAGES", f"{atlas.url}/images")
    monkeypatch.setenv("DUALGLAND_CACHE", str(tmp_path / "cache"))
    return atlas


@pytest.fixture
def download(dualgland, at_home, tmp_path):
    """Run the command without waiting between requests for long."""
    return lambda *words: dualgland("download", "--out", tmp_path / "out", "--rate", 20, *words)


def test_a_field_is_fetched_and_opens(download, tmp_path):
    said = download("--gene", "TP53", "--limit", 1, "--json")
    assert said.code == 0, said.err
    told = said.result
    assert told["output"] == str(tmp_path / "out")
    assert (told["fetched"], told["kept"], told["release"]) == (4, 0, "24")
    assert told["licence"] == "CC BY-SA 4.0"
    assert told["fields"][0]["antibody"] == "HPA051244"
    assert os.path.exists(told["manifest"])
    assert read(told["prefixes"][0]).shape == (4, 48, 48)
    assert said.err == ""


def test_help_names_every_condition(dualgland):
    assert "download" in dualgland("--help").out
    said = dualgland("download", "--help")
    assert said.code == 0
    for option in ("--gene", "--ensg", "--antibody", "--cell-line", "--location", "--16-bit"):
        assert option in said.out


def test_a_person_is_told(download, tmp_path):
    said = download("--gene", "TP53", "--limit", 1)
    assert said.code == 0
    for word in ("HPA051244", "4 images fetched", "manifest.json", "CC BY-SA 4.0", "1234_A1_1"):
        assert word in said.out
    again = download("--gene", "TP53", "--limit", 1)
    assert "0 images fetched, 4 were there already" in again.out


def test_a_dry_run_lists_addresses(download, at_home, tmp_path):
    said = download("--antibody", 51244, "--cell-line", "u2os", "--dry-run")
    assert said.code == 0
    for color in COLORS:
        assert f"{at_home.url}/images/51244/1235_A1_2_{color}.jpg" in said.out
    assert "nothing was fetched; 4 images" in said.out
    assert not (tmp_path / "out").exists()


def test_16_bits(download):
    told = download("--gene", "TP53", "--limit", 1, "--16-bit", "--json").result
    assert read(told["prefixes"][0]).dtype == "uint16"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "give --gene"),
        (("--gene", "../x"), "--gene: ../x: a gene's symbol"),
        (("--ensg", "TP53"), "--ensg: TP53: Ensembl's number"),
        (("--antibody", "HPA1/.."), "--antibody: HPA1/..: an antibody is"),
        (("--cell-line", "=1"), "--cell-line: =1"),
        (("--gene", "TP53", "--limit", "0"), "--limit: 0"),
        (("--gene", "TP53", "--rate", "0"), "--rate: 0"),
        (("--gene", "TP53", "--release", "new"), "--release new"),
        (("--gene", "TP54"), "did you mean TP53"),
        (("--location", "Nucleolus"), "did you mean Nucleoli"),
    ],
)
def test_what_is_refused(download, tmp_path, words, says):
    said = download(*words)
    assert said.code == 2
    assert said.out == ""
    assert says in said.error
    assert not (tmp_path / "out").exists()
    as_json = download(*words, "--json")
    assert (as_json.result["error"], as_json.result["exit_code"]) == (said.error, 2)


def test_a_field_that_fails_is_told_when_the_others_are_there(download, at_home, tmp_path):
    at_home.acts["/images/51244/1234_A1_1_red.jpg"] = [web_page]
    said = download("--gene", "TP53")
    assert said.code == 2
    assert "1 of 2 fields of view did not come" in said.error
    assert "web page" in said.error
    assert read(tmp_path / "out" / "HPA051244" / "1235_A1_2").shape == (4, 48, 48)
    assert download("--gene", "TP53").code == 0


def test_a_busy_atlas_is_one_line(download, at_home):
    at_home.acts["/images/51244/1234_A1_1_red.jpg"] = [status(429, Retry_After="9000")]
    said = download("--gene", "TP53")
    assert said.code == 2
    assert "asks to wait 9000 s" in said.error


def test_another_release(download, at_home):
    said = download("--ensg", "ENSG00000141510", "--release", 23)
    assert "release 23 of the atlas has no such gene" in said.error
    assert at_home.paths == ["/v23/ENSG00000141510.xml"]


def test_interrupted_midway(download, at_home, tmp_path):
    at_home.acts["/images/51244/1234_A1_1_blue.jpg"] = [silent(3)]
    words = ["download", "--gene", "TP53", "--out", str(tmp_path / "out"), "--rate", "20"]
    with subprocess.Popen(
        [sys.executable, "-m", "napari_dualgland", *words],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509, one thread
    ) as running:
        deadline = time.monotonic() + 60
        while "/images/51244/1234_A1_1_blue.jpg" not in at_home.paths:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        line = running.stderr.read()
    assert running.returncode == 130
    assert "run the same command again to go on" in line
    assert len(line.splitlines()) == 1
    told = download("--gene", "TP53", "--json").result
    assert (told["fetched"], told["kept"]) == (6, 2)
