"""A part of the field: the same pixels by API, job, copied Python and the command line."""

from __future__ import annotations

import shlex

import numpy as np
import pytest

import napari_dualgland as nd
from napari_dualgland.cli import main
from napari_dualgland.errors import DualglandError
from napari_dualgland.jobs import FileInput, ImputeJob, Region
from napari_dualgland.progress import finish
from napari_dualgland.stack import ROLES, Channel, PixelSize, Stack

QUICK = {"model": "prior", "device": "cpu", "rehearse": False, "tile": 64}
REGION = Region(top=10, bottom=40, left=20, right=70)


@pytest.fixture
def saved(tmp_path):
    pixels = np.random.default_rng(0).integers(20, 230, (4, 96, 96)).astype("uint8")
    pixels[:, 20:60, 30:80] = 0
    channels = tuple(Channel(role, role) for role in ROLES)
    stack = Stack(pixels, "CYX", channels, pixel_size=PixelSize(0.1, 0.1))
    return nd.write(stack, tmp_path / "a.ome.tif")


@pytest.mark.parametrize("roles", [ROLES, ROLES[:2]])
def test_only_the_part_is_filled_by_every_way(saved, roles):
    job = ImputeJob(input=FileInput(path=saved), region=REGION, roles=roles, params=QUICK)
    result = finish(job.steps())
    source, filled = np.asarray(nd.read(saved).data), np.asarray(result.data)
    within = np.zeros((96, 96), bool)
    within[10:40, 20:70] = True
    np.testing.assert_array_equal(source[:, ~within], filled[:, ~within])
    assert filled[: len(roles), 20:40, 30:70].mean() > 20
    names = {}
    exec(job.as_python(), names)
    np.testing.assert_array_equal(names["result"].data, filled)
    if roles == ROLES:
        with pytest.raises(SystemExit) as end:
            main(shlex.split(job.as_command())[1:])
        assert end.value.code == 0
        np.testing.assert_array_equal(nd.read(job.beside("_imputed.ome.tif")).data, filled)


def test_damage_outside_is_left_and_has_no_say(saved):
    job = ImputeJob(input=FileInput(path=saved), region=REGION, params=QUICK)
    filled = np.asarray(finish(job.steps()).data)[:, 20:40, 30:70]
    # The zeros below and to the right of it would draw it down.
    assert abs(float(filled[:, -5:].mean()) - 125) < 25
    assert abs(float(filled[:, :, -5:].mean()) - 125) < 25


@pytest.mark.parametrize("text", ["", "1:2", "5:1,0:3", "a:b,c:d", "0:0,0:5", "1:2,3:4,5:6"])
def test_what_is_no_rectangle_is_refused(text):
    with pytest.raises(DualglandError, match="--region"):
        Region.parse(text)


def test_a_part_beside_the_field_is_refused(saved):
    beside = Region(top=200, bottom=300, left=0, right=10)
    job = ImputeJob(input=FileInput(path=saved), region=beside, params=QUICK)
    with pytest.raises(DualglandError, match="outside the image"):
        finish(job.steps())
