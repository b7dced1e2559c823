"""Ctrl-C and SIGTERM at any moment: code 130 and one line, never a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from napari_dualgland.cli.console import guarded

AT_AN_IMPORT = """
import importlib.abc, os, sys

class Stop(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), int(sys.argv[2]))

sys.meta_path.insert(0, Stop())
from napari_dualgland.cli import main
main(sys.argv[3:])
"""


@pytest.mark.parametrize(
    ("module", "sent"),
    [
        ("typer", signal.SIGINT),
        ("napari_dualgland.cli.console", signal.SIGTERM),
        ("pydantic", signal.SIGTERM),
        ("numpy", signal.SIGINT),
        ("torch", signal.SIGINT),
        ("torch", signal.SIGTERM),
    ],
    ids=lambda value: value.name if isinstance(value, signal.Signals) else value,
)
def test_stopped_while_it_is_loaded(whole, mask, out, nothing_written, module, sent):
    words = ("impute", whole, "--out", out, "--missing", mask, "--model", "prior", "--json")
    run = [sys.executable, "-c", AT_AN_IMPORT, module, str(int(sent)), *map(str, words)]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr == "dualgland: interrupted; no file was written\n"
    told = json.loads(done.stdout)
    assert (told["exit_code"], told["kind"]) == (130, "interrupted")
    assert nothing_written()


def test_a_library_that_makes_an_error_of_it_is_not_believed(capsys):
    def work():
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("C-extensions failed") from None

    before = signal.getsignal(signal.SIGINT)
    assert guarded(work, as_json=False, debug=False) == 130
    assert capsys.readouterr().err == "dualgland: interrupted; no file was written\n"
    assert signal.getsignal(signal.SIGINT) is before


def test_what_is_ignored_stays_ignored(capsys):
    """As a shell starts what it runs in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert guarded(lambda: os.kill(os.getpid(), signal.SIGINT), as_json=False, debug=False) == 0
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err == ""
