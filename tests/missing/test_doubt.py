"""What is left as measured because its rims are not sharp on all sides, and what is told."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from scipy import ndimage
from test_missing import box, field, stack_of

from napari_dualgland.findings import Finding
from napari_dualgland.missing import MissingParams, find_missing
from napari_dualgland.missing.doubt import findings, not_borne_out, without_sharp_rim
from napari_dualgland.missing.rims import Rim


def told_of(data, axes="YX", **options):
    heard = []
    found = find_missing(stack_of(data, axes), MissingParams(**options), heard.append)
    return np.asarray(found), heard


def rim_of(region, hard):
    touching = ndimage.binary_dilation(region, np.ones((3, 3))) & ~region
    return Rim(hard, hard, touching, sharp=False)


@pytest.mark.parametrize(("sides", "doubted"), [(0, True), (1, True), (3, False), (4, False)])
def test_a_region_is_doubted_where_few_of_its_sides_are_sharp(sides, doubted):
    region = np.zeros((60, 60), bool)
    region[20:40, 20:40] = True
    hard = np.zeros_like(region)
    for side in (np.s_[20, 20:40], np.s_[39, 20:40], np.s_[20:40, 20], np.s_[20:40, 39])[:sides]:
        hard[side] = True
    lit = np.ones_like(region)
    np.testing.assert_array_equal(
        without_sharp_rim(region, rim_of(region, hard), lit), region & doubted
    )
    # Where nothing stands above the noise there is no side that could be sharp.
    assert not without_sharp_rim(region, rim_of(region, hard), ~lit).any()


@pytest.mark.parametrize(("other", "doubted"), [(0, True), (14, True), (20, False)])
def test_a_hole_that_another_channel_has_beyond_doubt_is_one(other, doubted):
    missing = np.zeros((3, 60, 60), bool)
    missing[0, 20:40, 20:40] = missing[1, 20:40, 20 : 20 + other] = True
    missing[2, 5:9, 5:9] = True
    doubtful = missing & np.array([True, False, True])[:, None, None]
    left = not_borne_out(doubtful, missing)
    assert left[0, 20:40, 20:40].all() == left[0].any() == doubted
    np.testing.assert_array_equal(left[2], missing[2])
    # Two others may each have a part of it.
    missing[2, 20:40, 20 + other : 40] = True
    doubtful[2, :] = False
    assert not not_borne_out(doubtful, missing)[0].any()
    # What is in doubt in both is borne out by neither.
    np.testing.assert_array_equal(not_borne_out(missing, missing), missing)


def test_a_large_dead_tile_is_filled_and_told():
    plane = field(2)
    mask = box(plane)
    found, heard = told_of(np.where(mask, np.uint8(255), plane))
    assert found[mask].all()
    (finding,) = heard
    assert (finding.doubtful, finding.filled) == (False, True)
    assert finding.share == pytest.approx(mask.mean(), rel=0.02)
    assert finding.box == (100, 159, 90, 189) or finding.box == (250, 299, 220, 329)


def test_pixels_that_are_no_numbers_need_no_telling():
    plane = field(2).astype(np.float32)
    plane[100:160, 90:190] = np.nan
    found, heard = told_of(plane)
    assert found[100:160, 90:190].all()
    assert heard == []


def test_whole_cells_are_told_nothing_of():
    assert told_of(field(0))[1] == []


def test_what_is_in_doubt_is_told_with_its_place_whether_or_not_it_is_filled():
    doubtful = np.zeros((1, 100, 100), bool)
    doubtful[0, 10:20, 30:50] = doubtful[0, 70, 70] = True
    for filled in (False, True):
        (finding,) = findings(doubtful & filled, doubtful, ["er"], 2, 1)
        assert finding == Finding("er", 2, 1, True, filled, 0.0201, 2, (10, 19, 30, 49))
        assert "er" in finding.sentence()


def test_what_is_doubtful_is_filled_only_if_that_is_asked_for(monkeypatch):
    plane = field(2)
    hurt = np.where(box(plane), np.uint8(0), plane)
    everything, _ = told_of(hurt)
    # Ask for more than any rim has: then all that is found by regions is in doubt.
    monkeypatch.setattr("napari_dualgland.missing.doubt.SHARP_SIDES", 1.1)
    kept, heard = told_of(hurt)
    asked, heard_asked = told_of(hurt, doubtful=True)
    assert kept.sum() < 0.1 * everything.sum()
    np.testing.assert_array_equal(asked, everything)
    assert [f.filled for f in heard if f.doubtful] == [False]
    assert [f.filled for f in heard_asked if f.doubtful] == [True]


def test_every_plane_of_a_lazy_stack_is_told_of_when_it_is_computed():
    plane = field(2)
    hurt = np.stack([plane, np.where(box(plane), np.uint8(255), plane), plane])
    heard = []
    found = find_missing(stack_of(da.from_array(hurt), "ZYX"), tell=heard.append)
    assert heard == []
    found.compute()
    assert {(f.t, f.z) for f in heard} == {(0, 1)}
    assert heard == told_of(hurt, "ZYX")[1]
