"""Real fields of the atlas, where they are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_dualgland.errors import DualglandError
from napari_dualgland.io import read, write
from napari_dualgland.stack import ROLES

ATLAS = Path(__file__).parents[3] / "shared" / "data" / "hpa"
FIELDS = sorted((ATLAS / "fields").glob("*_red.png"))

pytestmark = pytest.mark.skipif(not FIELDS, reason="no real fields beside the repository")


def test_fields_are_read_and_come_back_bit_for_bit(tmp_path):
    path = FIELDS[0]
    stack = read(path)
    assert list(stack.roles) == list(ROLES)
    assert stack.dtype == np.uint8
    back = read(write(stack, tmp_path / "a.ome.tif"))
    np.testing.assert_array_equal(back.data, stack.data)
    assert back.channels == stack.channels


def test_every_field_is_found_by_its_prefix():
    for path in FIELDS:
        stack = read(str(path).removesuffix("_red.png"))
        assert stack.absent_roles == ()


def test_a_folder_of_fields_is_listed():
    with pytest.raises(DualglandError, match="HPA sets"):
        read(ATLAS / "fields")


def test_single_channels_are_stacks_with_three_absent():
    path = min((ATLAS / "singles").glob("*_green.png"))
    assert read(path).absent_roles == ("microtubules", "nucleus", "er")


def test_cells_and_composites_are_asked_about():
    for path in (min((ATLAS / "cells").glob("*.tif")), ATLAS / "dictionary" / "0.jpg"):
        with pytest.raises(DualglandError, match="--channels microtubules=0,protein=1,nucleus=2"):
            read(path)
    cell = min((ATLAS / "cells").glob("*.tif"))
    assert read(cell, {role: i for i, role in enumerate(ROLES)}).absent_roles == ()
