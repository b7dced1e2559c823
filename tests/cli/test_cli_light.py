"""What each command loads: what only says something loads next to nothing, and a run what it uses.

Told by the names of what is loaded, for seconds depend on the machine. One interpreter goes
through the commands of a group from the lightest on: what it has loaded after one of them is at
least what that one alone would load.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
import tifffile

from napari_dualgland import sample
from napari_dualgland.cli.app import app

LIBRARIES = {
    *("torch", "torchvision", "scipy", "skimage", "dask", "pandas", "PIL", "tifffile"),
    *("imagecodecs", "ome_types", "pint", "zarr", "matplotlib", "sympy", "cv2", "psutil"),
    *("requests", "urllib3", "httpx", "napari", "npe2", "qtpy", "PyQt6", "PySide6", "superqt"),
}
BOXES = {"rich", "pygments", "markdown_it"}
"""What typer draws boxes with, if it is left to."""
UNUSED = {"skimage", "pandas", "zarr", "matplotlib", "sympy", "cv2", "requests", "torchvision"}
"""What imputing a TIFF has no use for."""

VERBS = sorted(command.name or command.callback.__name__ for command in app.registered_commands)


def run(code: str) -> list[set[str]]:
    """Run code in a fresh interpreter; return what was loaded whenever it called ``look()``."""
    head = "import json, sys\nseen = []\ndef look():\n    seen.append([*sys.modules])\n"
    tail = "\nprint(json.dumps(seen))"
    done = subprocess.run(
        [sys.executable, "-c", f"{head}{code}{tail}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [
        {name.split(".")[0] for name in names} for names in json.loads(done.stdout.split("\n")[-2])
    ]


def loaded_by(*lines: Sequence[str], code: int = 0) -> list[set[str]]:
    """Return what is loaded after each of these command lines in turn, which end with a code."""
    ended = f"except SystemExit as end:\n    assert end.code == {code}\nlook()"
    steps = "".join(f"\ntry:\n    main({[*words]!r})\n{ended}" for words in lines)
    return run(f"from napari_dualgland.cli import main{steps}")


def test_help_and_version_load_no_library():
    lines = [["--version"], ["--help"], *([verb, "--help"] for verb in VERBS)]
    for words, loaded in zip(lines, loaded_by(*lines), strict=True):
        assert not loaded & (LIBRARIES | BOXES), words


def test_what_is_mistyped_is_told_without_a_library():
    lines = [["--nonsense"], ["imputt"], ["impute"], ["localize", "a.tif", "--nonsense"]]
    for words, loaded in zip(lines, loaded_by(*lines, code=2), strict=True):
        assert not loaded & (LIBRARIES | BOXES), words


def test_the_list_of_models_is_told_by_their_cards():
    lines = [["models", "--json"], ["models", "prior"], ["models"]]
    for words, loaded in zip(lines, loaded_by(*lines), strict=True):
        assert not loaded & LIBRARIES, words


def test_a_reader_that_is_asked_loads_nothing_to_read_with(tmp_path):
    foreign = tmp_path / "foreign.tif"
    tifffile.imwrite(foreign, np.zeros((3, 8, 8), np.uint16), photometric="minisblack")
    ours = sample.sample_path("dualgland_whole.ome.tif")
    asked, declined, claimed = run(
        "from napari_dualgland.io.napari_io import get_reader\n"
        "assert get_reader('nothing_red.png') is None\nlook()\n"
        f"assert get_reader({str(foreign)!r}) is None\nlook()\n"
        f"assert get_reader({str(ours)!r})\nlook()"
    )
    never = LIBRARIES - {"tifffile", "imagecodecs"}
    assert not asked & never
    assert not declined & never
    assert not claimed & never


def test_jobs_are_described_without_what_does_them():
    """A dock that opens has a job to show; what runs or writes it can wait."""
    (loaded,) = run("import napari_dualgland.jobs\nlook()")
    assert not loaded & (LIBRARIES - {"scipy", "tifffile", "imagecodecs"})


@pytest.mark.slow
def test_a_run_loads_what_it_uses(tmp_path):
    stack = tmp_path / "a.ome.tif"
    tifffile.imwrite(
        stack,
        np.random.default_rng(0).integers(0, 200, (4, 64, 64)).astype(np.uint8),
        ome=True,
        photometric="minisblack",
        metadata={
            "axes": "CYX",
            "Channel": {"Name": ["microtubules", "protein", "nucleus", "er"]},
        },
    )
    tifffile.imwrite(tmp_path / "mask.tif", np.eye(64, dtype=np.uint8))
    words = [str(stack), "--missing", str(tmp_path / "mask.tif"), "--device", "cpu"]
    (imputed, localized) = loaded_by(
        [
            "impute",
            *words,
            "--out",
            str(tmp_path / "b.ome.tif"),
            "--model",
            "prior",
            "--no-rehearse",
            "--no-adapt",
        ],
        ["localize", *words, "--out", str(tmp_path / "c")],
    )
    assert {"torch", "ome_types"} <= imputed
    assert not imputed & UNUSED
    assert "pandas" in localized
    assert not localized & (UNUSED - {"skimage", "pandas"})
