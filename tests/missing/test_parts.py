"""Frames that are searched in parts: what is found is what a search of the whole finds.

Parts are made small here, so that a frame of a few of them is no larger than a field.
"""

from __future__ import annotations

import dask
import dask.array as da
import numpy as np
import pytest
from scipy import ndimage
from test_missing import bright, field, stack_of

import napari_dualgland as nd
from napari_dualgland.imputation.engine import impute_steps
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.missing import MissingParams, find_missing, joined, mosaic
from napari_dualgland.missing import parts as geometry
from napari_dualgland.missing.field import search
from napari_dualgland.missing.mosaic import find_in_frame
from napari_dualgland.missing.parts import STEP, is_large, parts
from napari_dualgland.progress import Cancelled
from napari_dualgland.stack import ROLES, Channel, Stack

SIDE, PART, MARGIN = 1248, 720, 120
CORE = 432
"""Three to a side, the last one a little smaller."""


@pytest.fixture
def small_parts(monkeypatch):
    for module in (geometry, mosaic):
        monkeypatch.setattr(module, "PART", PART)
    for module in (geometry, joined):
        monkeypatch.setattr(module, "MARGIN", MARGIN)
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


def found_in_parts(planes, tell=lambda _: None):
    def read(rows, columns):
        part = planes[:, rows, columns]
        assert max(part.shape) <= PART
        return part

    found = find_in_frame(read, planes.shape, MissingParams(), ("c0", "c1"), (0, 0), tell)
    return found[slice(None), slice(None), slice(None)]


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize(
    ("kind", "value"),
    [*((kind, 0) for kind in DAMAGE), ("a dead core", 255), ("lines through all parts", 255)],
)
def test_parts_find_what_the_whole_does(whole, kind, value):
    mask = DAMAGE[kind]
    hurt = np.where(mask, np.uint8(value), whole)
    at_once, _ = search(hurt, MissingParams())
    found = found_in_parts(hurt)
    # Of an irregular hole over more than a part a fifth is not seen in a dim channel.
    less = 0.25 if kind == "a hole larger than a part" else 0.005
    for c, plane in enumerate(whole):
        signal = mask & bright(plane)
        assert found[c, signal].mean() > at_once[c, signal].mean() - less
        assert found[c, ~mask].mean() < at_once[c, ~mask].mean() + 0.002


@pytest.mark.usefixtures("small_parts")
def test_nothing_is_found_where_nothing_is_missing(whole):
    assert found_in_parts(whole).mean() < 1e-5


@pytest.mark.usefixtures("small_parts")
def test_findings_are_those_of_the_frame(whole):
    """A hole over a border of parts is one region, at its place in the frame."""
    mask = DAMAGE["a dead core"]
    heard = []
    found = found_in_parts(np.where(mask, np.uint8(255), whole), heard.append)
    first, second = heard
    for c, finding in enumerate((first, second)):
        labels, count = ndimage.label(found[c], np.ones((3, 3)))
        assert (finding.channel, finding.regions, finding.parts) == (f"c{c}", count, PART)
        assert finding.share == found[c].mean()
        rows, columns = ndimage.find_objects(labels)[np.bincount(labels.flat)[1:].argmax()]
        box = (rows.start, rows.stop - 1, columns.start, columns.stop - 1)
        assert finding.box == box
        assert box[0] == box[2] == CORE
        assert f"parts of {PART} × {PART} pixels" in finding.sentence()


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_lazy_frame_is_read_part_by_part_and_gives_the_same(whole, dtype, monkeypatch):
    monkeypatch.setattr(geometry, "WHOLE", PART**2)
    hurt = np.where(DAMAGE["holes at the borders of parts"], 0, whole).astype(dtype)
    if dtype == "float32":
        hurt[1, CORE - 3 : CORE + 3, 500:520] = np.nan
    read = []

    def load(block_info=None):
        place = block_info[None]["array-location"]
        read.append(place)
        return hurt[tuple(slice(*ends) for ends in place)]

    chunks = ((2,), (208,) * 6, (208,) * 6)
    data = da.map_blocks(load, chunks=chunks, dtype=dtype, meta=np.empty((0,) * 3, dtype))
    heard, heard_loaded = [], []
    found = find_missing(stack_of(data, "CYX"), tell=heard.append)
    assert not read
    loaded = find_missing(stack_of(hurt, "CYX"), tell=heard_loaded.append)
    one = found[:, :300, :300].compute()
    count = len(read)
    np.testing.assert_array_equal(found.compute(), loaded)
    assert len(read) == count  # the mask was kept
    np.testing.assert_array_equal(one, loaded[:, :300, :300])
    assert loaded[~np.isfinite(hurt)].all()
    assert heard == heard_loaded != []


@pytest.mark.usefixtures("small_parts")
def test_every_way_to_impute_a_large_frame_searches_it_in_parts(whole, monkeypatch):
    monkeypatch.setattr(geometry, "WHOLE", PART**2)
    hurt = np.where(rectangle(np.s_[CORE - 40 : CORE + 60, 400:600]), np.uint8(0), whole)
    hurt = hurt[:, :PART, : PART + STEP]
    stack = Stack(hurt[[0, 1, 1, 0]], "CYX", tuple(Channel(role, role) for role in ROLES))
    result = nd.impute(stack, model="prior", device="cpu", rehearse=False)
    np.testing.assert_array_equal(result.missing, find_missing(stack))
    assert any(f"parts of {PART}" in note for note in result.provenance.notes)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("lazy", [False, True], ids=["loaded", "lazy"])
def test_a_search_in_parts_is_cancelled_between_parts(whole, lazy, monkeypatch):
    monkeypatch.setattr(geometry, "WHOLE", PART**2)
    hurt = np.where(DAMAGE["holes at the borders of parts"], 0, whole).astype(np.uint8)
    asked = []

    def stop():
        asked.append(None)
        return len(asked) > 3

    data = da.from_array(hurt, chunks=(2, 208, 208)) if lazy else hurt
    # One thread: another would ask once for itself before it hears.
    with pytest.raises(Cancelled), dask.config.set(scheduler="synchronous"):
        np.asarray(find_missing(stack_of(data, "CYX"), should_stop=stop))
    assert len(asked) == 4
    stack = Stack(data[[0, 1, 1, 0]], "CYX", tuple(Channel(role, role) for role in ROLES))
    steps = impute_steps(stack, None, ImputeParams(model="prior", device="cpu"), stop)
    with pytest.raises(Cancelled):
        list(steps)
    assert len(asked) == 5


@pytest.mark.parametrize(
    "shape",
    [(16384, 16384), (6144, 4097), (2303, 9001), (9001, 2304), (3073, 3072), (100, 1 << 20)],
)
def test_cores_make_up_the_frame_and_parts_see_around_them(shape):
    assert is_large(shape)
    area = 0
    for outer, inner, core in parts(shape):
        area += np.prod([where.stop - where.start for where in core])
        for side, out, within, own in zip(shape, outer, inner, core, strict=True):
            assert (within.start + out.start, within.stop + out.start) == (own.start, own.stop)
            assert out.start % STEP == own.start % STEP == 0
            assert 0 <= out.start <= max(0, own.start - geometry.MARGIN)
            assert side >= out.stop >= min(side, own.stop + geometry.MARGIN)
            assert out.stop - out.start >= min(side, geometry.PART) - STEP
            assert out.stop - out.start <= geometry.PART
    assert area == np.prod(shape)


@pytest.mark.parametrize("side", [2048, 3072])
def test_a_field_is_searched_as_a_whole(side):
    assert not is_large((4, side, side))
