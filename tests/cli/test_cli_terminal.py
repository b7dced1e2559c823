"""What people see: names and paths as they are, nothing in them obeyed, on every stream."""

from __future__ import annotations

import io
import json
import os
import shlex
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from rich.table import Table

from napari_dualgland.cli.console import answer, console, guarded, progress_bar
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io import write
from napari_dualgland.legible import legible
from napari_dualgland.progress import Progress

PRIOR = ("--model", "prior", "--device", "cpu", "--no-rehearse")
NASTY = ["[/b]", "[run a]", "[bold]x", ":smile:", "\x1b[2J", "\x1b]0;owned\x07", "a\u202eb", "a\nb"]
NASTY += ["\x9b31m", "\udce9", "[link=x]y[/]", "\\[", "\r"]


@pytest.mark.parametrize("name", NASTY, ids=ascii)
def test_names_are_printed_as_they_are_and_never_obeyed(capsys, name):
    to, table = console(), Table(name, title=name)
    to.print(f"note: {name}", soft_wrap=True)
    table.add_row(name)
    to.print(table)
    said = capsys.readouterr().out
    assert said.count(legible(name)) == 4
    assert not {*said} & {*"\x1b\x07\x9b\r\u202e"}


@pytest.mark.parametrize("name", NASTY, ids=ascii)
def test_a_refusal_is_one_legible_line_and_exact_data(capsys, name):
    def refuse():
        raise DualglandError(Kind.DAMAGED, name, "is cut off")

    code = guarded(refuse, as_json=True, debug=False)
    said = capsys.readouterr()
    assert code == 2
    assert said.err == f"dualgland: {legible(name)}: is cut off\n"
    assert said.out.isascii()
    assert json.loads(said.out)["place"] == name


def test_a_bug_is_one_legible_line_too(capsys):
    def fail():
        raise ZeroDivisionError("\x1b[2J\nno [/b] luck")

    assert guarded(fail, as_json=True, debug=False) == 1
    said = capsys.readouterr()
    assert "\\x1b[2J no [/b] luck" in said.err
    assert len(said.err.splitlines()) == 1
    assert json.loads(said.out)["exit_code"] == 1


def test_what_is_being_done_is_legible(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar("imputing") as step:
        step(Progress(1, 2, "[/b] \x1b]0;owned\x07"))
    assert "[/b] \\x1b]0;owned\\x07" in terminal.getvalue()
    assert "\x1b]0" not in terminal.getvalue()


def test_odd_names_of_channels_and_folders(dualgland, field, mask, tmp_path):
    stack = field()
    odd = tuple(
        replace(channel, name=name) for channel, name in zip(stack.channels, NASTY[:4], strict=True)
    )
    source = write(replace(stack, channels=odd), tmp_path / "odd.ome.tif")
    (tmp_path / "[old]" / "[").mkdir(parents=True)
    out = tmp_path / "[old]" / "[" / "x].ome.tif"
    said = dualgland("impute", source, "--out", out, "--missing", mask, *PRIOR)
    assert said.code == 0, said.err
    for name in NASTY[:4]:
        assert name in said.out
    assert str(out) in said.out


def test_shares_of_channels_of_one_name_are_told_apart(dualgland, tmp_path, out):
    pixels = np.random.default_rng(0).integers(1, 250, (4, 64, 64), np.uint8)
    metadata = {"axes": "CYX", "Channel": {"Name": ["dye"] * 4}}
    tifffile.imwrite(tmp_path / "a.ome.tif", pixels, photometric="minisblack", metadata=metadata)
    lost = np.zeros((4, 64, 64), np.uint8)
    lost[1, :32] = 1
    tifffile.imwrite(tmp_path / "m.tif", lost, photometric="minisblack")
    words = ("impute", tmp_path / "a.ome.tif", "--out", out, "--missing", tmp_path / "m.tif")
    roles = ("--channels", "microtubules=0,protein=1,nucleus=2,er=3")
    told = dualgland(*words, *roles, *PRIOR, "--json").result
    assert list(told["missing_fraction"].values()) == [0, 0.5, 0, 0]
    assert dualgland(*words, *roles, *PRIOR).out.count("50.00 %") == 1
    refused = dualgland(*words, "--channels", "nucleus=dye", *PRIOR, "--json").result
    assert (refused["kind"], refused["part"]) == ("ambiguous", "--channels nucleus")
    assert refused["place"] == str(tmp_path / "a.ome.tif")


class Full(io.TextIOBase):
    """A stream that cannot be written to."""

    def __init__(self, error):
        self.error = error

    def write(self, _text):
        raise self.error


def test_a_full_stdout_is_told(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", Full(OSError(28, "No space left on device")))
    work = lambda: answer(lambda: {"done": 1}, lambda _result, _to: None, True)  # noqa: E731
    assert guarded(work, as_json=True, debug=False) == 2
    assert capsys.readouterr().err.startswith("dualgland: stdout: ")


@pytest.mark.parametrize("as_json", [True, False])
def test_a_reader_that_has_gone_is_told_nothing(monkeypatch, capsys, as_json):
    monkeypatch.setattr(sys, "stdout", Full(BrokenPipeError(32, "Broken pipe")))
    work = lambda: answer(lambda: {}, lambda _result, to: to.print("x"), as_json)  # noqa: E731
    assert guarded(work, as_json=as_json, debug=False) == 141
    assert capsys.readouterr().err == ""


def test_closed_streams():
    """In a process of its own: a job of cron may have neither stream."""
    words = f"{shlex.quote(sys.executable)} -m napari_dualgland models"
    for line in (f"{words} >&-", f"{words} --json >&- 2>&-", f"{words} unet >&- 2>&-"):
        code = subprocess.run(line, shell=True, capture_output=True, check=False).returncode
        assert code == (2 if "unet" in line else 0)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
@pytest.mark.parametrize("as_json", [True, False])
def test_every_encoding_of_stdout(monkeypatch, encoding, as_json):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    told = {"name": "β-tubulin 微管 µ \udce9"}
    work = lambda: answer(lambda: told, lambda _result, to: to.print(told["name"]), as_json)  # noqa: E731
    assert guarded(work, as_json=as_json, debug=False) == 0
    said = raw.getvalue().decode(encoding)
    assert json.loads(said) == told if as_json else "tubulin" in said


def test_an_output_whose_name_is_no_text(dualgland, whole, mask, out):
    odd = out.with_name(os.fsdecode(b"r\xe9sultat.ome.tif"))
    said = dualgland("impute", whole, "--out", odd, "--missing", mask, *PRIOR, "--json")
    assert said.code == 0, said.err
    assert said.result["output"] == str(odd)
    assert odd.is_file()
