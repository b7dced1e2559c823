"""``--pixel-size``: what it changes, what it leaves, and which sizes it refuses."""

from __future__ import annotations

import json

import pytest
import tifffile

from napari_dualgland.io import read
from napari_dualgland.jobs.saved import load_job

PRIOR = ("--model", "prior", "--device", "cpu", "--no-rehearse")


@pytest.fixture
def odd(tmp_path, field):
    """A field whose file says the resolution of a screen."""
    path = tmp_path / "odd.ome.tif"
    stack = field()
    said = {"PhysicalSizeX": 352.78, "PhysicalSizeY": 352.78}
    names = {"Name": [channel.name for channel in stack.channels]}
    metadata = {"axes": "CYX", "Channel": names, **said}
    tifffile.imwrite(path, stack.data, photometric="minisblack", metadata=metadata)
    return path


def test_an_implausible_size_is_said_and_not_written(dualgland, odd, mask, out):
    said = dualgland("impute", odd, "--out", out, "--missing", mask, *PRIOR, "--json")
    assert said.code == 0, said.err
    assert any("352.78" in note for note in said.result["notes"])
    assert read(out).pixel_size is None


def test_what_is_stated_is_written_and_done_again(dualgland, odd, mask, out):
    words = ("--missing", mask, "--pixel-size", 0.08, *PRIOR, "--json")
    said = dualgland("impute", odd, "--out", out, *words)
    assert said.code == 0, said.err
    assert read(out).pixel_size.x == 0.08
    assert load_job(out).input.pixel_size == 0.08


def test_a_copy_of_what_is_whole_has_it_too(dualgland, odd, out):
    said = dualgland("impute", odd, "--out", out, "--pixel-size", 0.08, *PRIOR)
    assert said.code == 0, said.err
    assert read(out).pixel_size.x == 0.08


@pytest.mark.parametrize("size", ["353", "0", "-1", "nan", "inf", "1e-300", "80", "x"])
@pytest.mark.parametrize("verb", ["impute", "localize"])
def test_sizes_that_no_microscope_has_are_refused(dualgland, odd, out, verb, size, nothing_written):
    said = dualgland(verb, odd, "--out", out, "--pixel-size", size, "--json")
    assert said.code == 2
    told = json.loads(said.out)
    assert "--pixel-size" in told["error"] or "pixel-size" in said.err
    assert nothing_written()
