"""Boundaries of simulated cells: compartments, map, set points, holes, and who named them."""

from __future__ import annotations

import itertools
from dataclasses import replace

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import torch

import napari_dualgland as nd
from dualgland_training.simulate import simulate_field
from napari_dualgland.classes import COMPARTMENTS
from napari_dualgland.compartments.report import by_cell, field_balance, out_of_balance
from napari_dualgland.compartments.weights import REACH, weights_around
from napari_dualgland.errors import Kind
from napari_dualgland.model.compartments import boundary_map, set_points, soft_compartments
from napari_dualgland.model.set_points import read_set_points
from napari_dualgland.progress import Cancelled

SIDE = 224


@pytest.fixture(scope="module")
def scene():
    torch.set_num_threads(1)
    return simulate_field((SIDE, SIDE), seed=11)


@pytest.fixture(scope="module")
def stack(scene):
    return scene.stack("simulated")


def nothing(stack):
    return np.zeros(stack.shape, bool)


@pytest.fixture(scope="module")
def found(scene, stack):
    return nd.boundaries(stack, scene.cells, missing=nothing(stack), device="cpu")


def hole_in(stack, *roles, where=(slice(70, 130), slice(60, 120))):
    missing = nothing(stack)
    for role in roles:
        missing[(stack.roles[role], *where)] = True
    return missing


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


# --- what is drawn ----------------------------------------------------------------------


def test_compartments_are_those_of_the_landmarks(found, stack):
    expected = soft_compartments(torch.from_numpy(stack.data.astype(np.float32))[None], 0.16)
    soft = np.asarray(found.compartments)
    assert soft.shape == (5, SIDE, SIDE)
    np.testing.assert_allclose(soft, expected[0].numpy(), atol=1e-3)
    np.testing.assert_allclose(soft.sum(0), 1, atol=1e-5)
    edges = boundary_map(expected)[0, 0].numpy()
    np.testing.assert_allclose(np.asarray(found.map), edges, atol=1e-3)
    most = expected[0].numpy().argmax(0)
    agree = np.asarray(found.labels) == np.where(most == 4, 0, most + 1)
    assert agree.mean() > 0.999  # half precision may decide a tie otherwise
    assert not np.asarray(found.spoken).any()
    assert found.provenance.model == "landmarks"


def test_nuclei_and_cells_are_where_they_were_drawn(found, scene):
    labels = np.asarray(found.labels)
    assert iou(np.isin(labels, (1, 2)), scene.nuclei > 0) > 0.75
    assert iou(labels > 0, scene.cells > 0) > 0.75


def test_the_border_of_the_image_is_no_edge_of_a_cell(stack):
    """Uniform cells all over: nothing ends anywhere, and least of all where the image does."""
    rng = np.random.default_rng(0)
    data = np.full((4, 96, 96), 90, np.uint8) + rng.integers(0, 9, (4, 96, 96), dtype=np.uint8)
    data[:, 30:66, 30:66] = 0  # so that there is a background
    data[stack.roles["nucleus"]] = 0
    plain = nd.boundaries(replace(stack, data=data), missing=np.zeros(data.shape, bool))
    edge = np.asarray(plain.compartments)[COMPARTMENTS.index("cell edge")]
    rim = np.r_[edge[:3].ravel(), edge[-3:].ravel(), edge[:, :3].ravel(), edge[:, -3:].ravel()]
    assert rim.max() < 0.2
    assert edge[25:32, 40:56].max() > 0.5


def test_fine_pixels_are_told_in_blocks(stack):
    fine = replace(stack, pixel_size=nd.PixelSize(0.08, 0.08), data=stack.data[:, :99, :101])
    result = nd.boundaries(fine, missing=nothing(fine))
    soft = np.asarray(result.compartments)
    assert soft.shape == (5, 99, 101)
    assert (soft[:, 0:98:2] == soft[:, 1:99:2]).all()
    assert result.map.shape == result.labels.shape == result.cells.shape == (99, 101)


# --- set points -------------------------------------------------------------------------


def rows(result, cell, channel):
    table = result.set_points
    return table[(table["cell"] == cell) & (table["channel"] == channel)]


def test_the_field_holds_what_the_formula_says(found, stack):
    unit = stack.data.astype(np.float32)
    low, high = (np.percentile(unit, q, axis=(1, 2)) for q in (0.5, 99.8))
    unit = ((unit - low[:, None, None]) / (high - low)[:, None, None]).astype(np.float32)
    soft = torch.from_numpy(np.asarray(found.compartments))[None]
    expected = set_points(torch.from_numpy(unit)[None], soft)[0].numpy()
    for c, role in enumerate(nd.ROLES):
        np.testing.assert_allclose(rows(found, 0, role)["h"], expected[c], atol=2e-3)


def test_every_cell_is_held_against_what_was_learned(found, scene):
    table = found.set_points
    assert set(table["cell"]) == {0, *np.unique(scene.cells[scene.cells > 0]).tolist()}
    learned = read_set_points().locations["any"]
    for c, role in enumerate(nd.ROLES):
        cell = rows(found, 1, role)
        assert list(cell["compartment"]) == list(COMPARTMENTS[:-1])
        np.testing.assert_allclose(cell["theta"], learned.theta[c, :-1])
        np.testing.assert_allclose(cell["tau"], learned.tau[c, :-1])
        np.testing.assert_allclose(cell["z_score"], (cell["h"] - cell["theta"]) / cell["tau"])
    background = table[table["compartment"] == "background"]
    assert (background["cell"] == 0).all()
    assert background["z_score"].isna().all()
    assert np.isfinite(background["h"]).all()


def test_exposure_does_not_matter(found, scene, stack):
    darker = (stack.data * np.array([0.5, 0.9, 0.7, 0.6])[:, None, None] + 20).astype(np.float32)
    other = nd.boundaries(replace(stack, data=darker), scene.cells, missing=nothing(stack))
    np.testing.assert_allclose(other.set_points["h"], found.set_points["h"], atol=0.02)


def test_a_location_is_named_by_whoever_asks(found, scene, stack):
    mine = nd.boundaries(stack, scene.cells, missing=nothing(stack), location="nucleoli")
    assert set(mine.set_points["location"]) == {"Nucleoli"}
    assert not np.allclose(mine.set_points["theta"].dropna(), found.set_points["theta"].dropna())
    assert mine.provenance.options["location"] == "Nucleoli"
    unknown = nd.boundaries(stack, scene.cells, missing=nothing(stack), location="Centrosome")
    assert set(unknown.set_points["location"]) == {"any"}
    assert any("Centrosome" in note for note in unknown.provenance.notes)
    with pytest.raises(nd.DualglandError) as refused:
        nd.boundaries(stack, location="Mars")
    assert refused.value.kind == Kind.BAD_VALUE


def test_as_the_localizer_finds_it(stack, scene):
    result = nd.boundaries(stack, scene.cells, missing=nothing(stack), location="localized")
    told = nd.localize(stack, scene.cells, missing=nothing(stack)).table
    held = result.set_points.drop_duplicates("cell").set_index("cell")["location"]
    learned = read_set_points().locations
    for cell, classes in zip(told["cell"], told["classes"], strict=True):
        known = [name for name in classes.split("; ") if name in learned]
        assert held[cell] == ("; ".join(known) or "any")


def test_a_report_in_a_few_lines(found):
    balance = field_balance(found)
    assert [(r["channel"], r["compartment"]) for r in balance][:2] == [
        ("microtubules", "nucleus"),
        ("microtubules", "nuclear rim"),
    ]
    dapi = next(r for r in balance if (r["channel"], r["compartment"]) == ("nucleus", "nucleus"))
    assert dapi["ratio"] > 2
    off = out_of_balance(found)
    assert off == sorted(off, key=lambda row: -abs(row["z_score"]))
    wide = by_cell(found)
    assert wide["out"][1:].sum() == len(off)
    assert len(wide) == found.set_points["cell"].nunique()


# --- what is missing, and what was filled in ----------------------------------------------


def test_the_model_speaks_where_a_landmark_is_missing_and_nowhere_else(found, scene, stack):
    missing = hole_in(stack, "nucleus")
    result = nd.boundaries(stack, scene.cells, missing=missing, device="cpu")
    assert (np.asarray(result.spoken) == missing[stack.roles["nucleus"]]).all()
    assert result.provenance.model == "generator"
    assert result.provenance.model_sha256
    away = ~np.pad(np.asarray(result.spoken), 12)[12:-12, 12:-12]
    away[58:142, 48:132] = False
    same = np.asarray(result.labels)[away] == np.asarray(found.labels)[away]
    assert same.mean() > 0.99
    # Of a nucleus under a box one knows more than nothing.
    inside = np.asarray(result.spoken)
    assert iou(np.isin(np.asarray(result.labels), (1, 2))[inside], scene.nuclei[inside] > 0) > 0.5


def test_a_hole_in_the_protein_alone_needs_no_model(stack):
    result = nd.boundaries(stack, missing=hole_in(stack, "protein"))
    assert result.provenance.model == "landmarks"
    assert not np.asarray(result.spoken).any()


def test_missing_and_imputed_pixels_are_left_out_and_counted(found, scene, stack):
    missing = hole_in(stack, "protein")
    count = int(missing.sum())
    spoilt = replace(stack, data=np.where(missing, 255, stack.data).astype(np.uint8))
    lost = nd.boundaries(spoilt, scene.cells, missing=missing)
    filled = nd.boundaries(nd.Imputation.of(spoilt, missing), scene.cells, missing=nothing(stack))
    size = SIDE * SIDE
    assert lost.counts["protein"] == {"measured": size - count, "imputed": 0, "missing": count}
    assert filled.counts["protein"] == {"measured": size - count, "imputed": count, "missing": 0}
    assert lost.counts["nucleus"]["measured"] == size
    np.testing.assert_allclose(lost.set_points["h"], filled.set_points["h"], atol=1e-5)
    assert lost.set_points["h_filled"].isna().all()
    field = rows(filled, 0, "protein")
    assert (field["h_filled"] != field["h"]).all()
    assert rows(filled, 0, "er")["h_filled"].isna().all()
    assert (field["measured"] < 1).any()
    assert any("imputed pixels are left out" in note for note in filled.provenance.notes)
    counted = nd.boundaries(
        nd.Imputation.of(spoilt, missing), scene.cells, missing=nothing(stack), count_imputed=True
    )
    np.testing.assert_allclose(rows(counted, 0, "protein")["h"], field["h_filled"])


def test_what_may_be_damaged_is_left_as_measured_and_said(scene, stack, monkeypatch):
    # Ask for more than any rim has: then all that is found by regions is in doubt.
    monkeypatch.setattr("napari_dualgland.missing.doubt.SHARP_SIDES", 1.1)
    hurt = np.where(hole_in(stack, "er"), 255, stack.data).astype(np.uint8)
    result = nd.boundaries(replace(stack, data=hurt), scene.cells)
    assert any(
        n.startswith("er: ") and "left as measured" in n and "rows 70–129" in n
        for n in result.provenance.notes
    )


def test_each_hole_is_told_with_what_it_moved(scene, stack):
    bright = (slice(70, 130), slice(60, 120))
    missing = hole_in(stack, "protein", where=bright)
    missing |= hole_in(stack, "protein", "er", where=(slice(180, 200), slice(150, 200)))
    missing[stack.roles["protein"], 10, 10:30:4] = True
    data = stack.data.copy()
    data[(stack.roles["protein"], *bright)] = 250  # an estimate that is far off
    filled = nd.Imputation.of(replace(stack, data=data), missing)
    holes = nd.boundaries(filled, scene.cells, missing=nothing(stack)).holes
    assert list(holes["hole"]) == [0, 1, 2]
    one, two = holes.iloc[1], holes.iloc[2]
    assert (one["y"], one["x"]) == pytest.approx((99.5, 89.5))
    assert one["area_um2"] == pytest.approx(60 * 60 * 0.16**2)
    assert (one["channels"], two["channels"]) == ("protein", "protein; er")
    touched = np.unique(scene.cells[bright])
    assert one["cells"] == "; ".join(str(c) for c in touched[touched > 0])
    assert abs(one["moved"]) > abs(two["moved"])
    assert one["moved"] == pytest.approx(one["z_filled"] - one["z_measured"])
    whole = rows(nd.boundaries(filled, scene.cells, missing=nothing(stack)), one["cell"], "protein")
    before = whole.set_index("compartment")["z_score"][one["compartment"]]
    assert one["z_measured"] == pytest.approx(before)


def test_a_lost_channel_is_said_and_no_landmark_at_all_refused(stack):
    keep = [stack.roles[r] for r in ("microtubules", "protein", "er")]
    blind = replace(stack, data=stack.data[keep], channels=tuple(stack.channels[i] for i in keep))
    result = nd.boundaries(blind, missing=nothing(blind))
    assert np.asarray(result.spoken).all()
    assert set(result.set_points["channel"]) == {"microtubules", "protein", "er"}
    assert any("no nucleus can be told" in note for note in result.provenance.notes)
    alone = replace(blind, data=blind.data[1:2], channels=blind.channels[1:2])
    with pytest.raises(nd.DualglandError) as refused:
        nd.boundaries(alone)
    assert refused.value.kind == Kind.LACKING


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 5), (1, 64)])
def test_an_image_of_a_few_pixels_is_an_image(stack, height, width):
    result = nd.boundaries(replace(stack, data=stack.data[:, :height, :width]))
    assert np.asarray(result.compartments).sum(0) == pytest.approx(np.ones((height, width)))
    assert np.isfinite(np.asarray(result.map)).all()


@pytest.mark.parametrize("lost", [np.nan, np.inf, 1e300, None], ids=str)
def test_what_was_not_measured_is_as_good_as_absent(stack, lost):
    """Whether it is no number, none that a camera gives, or marked as missing."""
    landmarks = [stack.roles[r] for r in ("microtubules", "nucleus", "er")]
    values, mask = np.asarray(stack.data, np.float64), np.zeros(stack.shape, bool)

    def notes_without(channels):
        spoilt, marked = values.copy(), mask.copy()
        (marked if lost is None else spoilt)[channels] = True if lost is None else lost
        return nd.boundaries(replace(stack, data=spoilt), missing=marked).provenance.notes

    assert any("no nucleus can be told" in note for note in notes_without(stack.roles["nucleus"]))
    with pytest.raises(nd.DualglandError, match="no pixel of a landmark"):
        notes_without(landmarks)


def test_one_plane_without_a_landmark_is_no_reason_to_refuse(stack):
    pair = np.stack([stack.data, stack.data])
    mask = np.zeros(pair.shape, bool)
    mask[1] = True
    result = nd.boundaries(replace(stack, data=pair, axes="ZCYX"), missing=mask)
    assert not np.asarray(result.spoken[0]).any()
    assert np.asarray(result.spoken[1]).all()


def test_without_a_model_that_names_compartments_the_surroundings_tell(stack):
    result = nd.boundaries(stack, missing=hole_in(stack, "nucleus"), model="prior")
    assert not np.asarray(result.spoken).any()
    assert any("names no compartments" in note for note in result.provenance.notes)


def test_the_table_is_written_alone_and_over_nothing_that_was_read(found, tmp_path):
    nd.write(found, tmp_path / "set_points.csv")
    read_back = pd.read_csv(tmp_path / "set_points.csv")
    assert list(read_back.columns) == list(found.set_points.columns)
    assert len(read_back) == len(found.set_points)
    own = replace(found, stack=replace(found.stack, files=(str(tmp_path / "set_points.csv"),)))
    for name, kind in (("set_points.csv", Kind.CONFLICT), ("maps.ome.zarr", Kind.BAD_VALUE)):
        with pytest.raises(nd.DualglandError) as refused:
            nd.write(own, tmp_path / name)
        assert refused.value.kind == kind
        assert refused.value.way_out
    assert [path.name for path in tmp_path.iterdir()] == ["set_points.csv"]


# --- stacks -----------------------------------------------------------------------------


def test_a_stack_is_read_plane_by_plane_and_shown_lazily(scene, stack, monkeypatch):
    monkeypatch.setattr("napari_dualgland.compartments.store.IN_MEMORY", 0)
    seen = []

    def plane(block_info=None):
        t, z = (block_info[None]["array-location"][i][0] for i in (0, 2))
        seen.append((t, z))
        return np.roll(stack.data, 7 * (t + 2 * z), axis=2)[None, :, None]

    data = da.map_blocks(
        plane, chunks=((1, 1), (4,), (1, 1), (SIDE,), (SIDE,)), dtype=np.uint8,
        meta=np.empty((0,) * 5, np.uint8),
    )  # fmt: skip
    many = replace(stack, data=data, axes="TCZYX")
    seen.clear()
    steps = []
    result = nd.boundaries(
        many, missing=np.zeros((SIDE, SIDE), bool), device="cpu", progress=steps.append
    )
    assert sorted(seen) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    done = [(s.done, s.total) for s in steps]
    assert done == sorted(done)
    assert done[-1][0] == done[-1][1]
    assert result.compartments.shape == (2, 5, 2, SIDE, SIDE)
    assert result.map.shape == result.labels.shape == result.cells.shape == (2, 2, SIDE, SIDE)
    last = nd.boundaries(many.plane(1, 1), missing=np.zeros((SIDE, SIDE), bool))
    at = np.asarray(result.compartments[1, :, 1])
    np.testing.assert_allclose(at, np.asarray(last.compartments), atol=1e-6)
    table = result.set_points
    here = table[(table["t"] == 1) & (table["z"] == 1)]
    np.testing.assert_allclose(here["h"], last.set_points["h"], atol=1e-6)
    wide = by_cell(result)
    assert len(wide) == len(table.drop_duplicates(["cell", "t", "z"]))


def test_somebody_says_stop(stack):
    steps = nd.boundaries_steps(stack, missing=hole_in(stack, "er"), should_stop=lambda: True)
    with pytest.raises(Cancelled):
        list(steps)


# --- pairs ------------------------------------------------------------------------------


def test_the_weights_of_pairs_follow_the_formula(found):
    soft = np.asarray(found.compartments)
    missing = np.zeros(soft.shape[1:], bool)
    missing[100:, :] = True
    y, x = 99, 60
    weights = weights_around(soft, (y, x), missing)
    span = range(-REACH, REACH + 1)
    assert weights.shape == (len(span), len(span))
    assert weights[REACH, REACH] == 0
    for dy, dx in {*itertools.product(span, span)} - {(0, 0)}:
        b = 1 - float((soft[:, y, x] * soft[:, y + dy, x + dx]).sum())
        expected = np.exp(-(dy**2 + dx**2) / 32) * (1 + 3 * b) * missing[y + dy, x + dx]
        assert weights[REACH + dy, REACH + dx] == pytest.approx(expected)
    corner = weights_around(soft, (0, 0))
    assert (corner[:REACH] == 0).all()
    assert corner[REACH, REACH + 1] > 0
    with pytest.raises(IndexError):
        weights_around(soft, (-1, 0))
