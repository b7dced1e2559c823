"""Frames that are searched in parts: what is found is what a search of the whole finds.

Parts are made small here, so that a frame of a few of them is no larger than a field.
"""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from scipy import ndimage
from test_missing import bright, field, stack_of

import napari_dualgland as nd
from napari_dualgland.missing import MissingParams, find_missing
from napari_dualgland.missing import parts as geometry
from napari_dualgland.missing.field import search
from napari_dualgland.missing.mosaic import find_in_frame
from napari_dualgland.missing.parts import STEP, is_large, parts
from napari_dualgland.stack import ROLES, Channel, Stack

SIDE, PART, MARGIN = 1248, 720, 120
CORE = 432
"""Three to a side."""


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(geometry, "PART", PART)
    monkeypatch.setattr(geometry, "MARGIN", MARGIN)
    monkeypatch.setattr("napari_dualgland.missing.survey.THIN", 416)


@pytest.fixture(scope="module")
def whole():
    """Two channels of cells without damage; the second is dimmer, elsewhere."""
    more = ((0, SIDE - 416),) * 2
    return np.stack(
        [np.pad(field(seed, 416, top), more, mode="symmetric") for seed, top in ((0, 120), (1, 80))]
    )


def border_holes():
    mask = np.zeros((SIDE, SIDE), bool)
    for at in range(60, SIDE - 60, 120):
        mask[CORE - 30 : CORE + 25, at : at + 50] = True
        mask[at : at + 50, 2 * CORE - 4 : 2 * CORE + 50] = True
    mask[CORE - 60 : CORE + 90, CORE - 80 : CORE + 70] = True
    return mask


def lines():
    mask = np.zeros((SIDE, SIDE), bool)
    mask[200] = mask[CORE - 1 : CORE + 2] = mask[:, 700:702] = True
    y, x = np.mgrid[:SIDE, :SIDE]
    return mask | (np.abs(y - 0.7 * x - 100) < 2)


def rectangle(at):
    mask = np.zeros((SIDE, SIDE), bool)
    mask[at] = True
    return mask


def blob():
    y, x = np.mgrid[:SIDE, :SIDE] - 620
    return np.hypot(y, x) < 480 + 40 * np.sin(7 * np.arctan2(y, x))


DAMAGE = {
    "holes at the borders of parts": border_holes(),
    "lines through all parts": lines(),
    "a dead tile as large as a core": rectangle(np.s_[300 : 300 + CORE, 350 : 350 + CORE]),
    "a dead core": rectangle(np.s_[CORE : 2 * CORE, CORE : 2 * CORE]),
    "a dead part with all that it sees": rectangle(np.s_[200:1010, 200:1010]),
    "a dead corner": rectangle(np.s_[:1000, :900]),
    "a hole larger than a part": blob(),
}


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("kind", DAMAGE)
def test_parts_find_what_the_whole_does(whole, kind, value):
    mask = DAMAGE[kind]
    hurt = np.where(mask, np.uint8(value), whole)
    at_once, _ = search(hurt, MissingParams())
    found = found_in_parts(hurt)
    for c, plane in enumerate(whole):
        signal = mask & bright(plane)
        assert found[c, signal].mean() > at_once[c, signal].mean() - 0.002
        assert found[c, mask].mean() > at_once[c, mask].mean() - 0.02
        assert found[c, ~mask].mean() < at_once[c, ~mask].mean() + 0.0005


@pytest.mark.usefixtures("small_parts")
def test_nothing_is_found_where_nothing_is_missing(whole):
    assert found_in_parts(whole).mean() < 1e-5


def found_in_parts(planes):
    def read(rows, columns):
        part = planes[:, rows, columns]
        assert max(part.shape) <= PART
        return part

    return find_in_frame(read, planes.shape, MissingParams())[slice(None), slice(None), slice(None)]
