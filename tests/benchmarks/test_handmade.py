"""Hand-made features: each moves as the pattern that it is made for does, exposure moves none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from training.gland_scenes import ATLAS

from dualgland_training.cell_folds import read_labelled_cells
from dualgland_training.cell_pictures import cell_mask, read_cell_picture
from localization_report.handmade import build_trees, cell_features
from napari_dualgland.classes import CLASSES

SIDE = 160
Y, X = np.mgrid[:SIDE, :SIDE] - SIDE // 2
RADIUS = np.hypot(Y, X)
INSIDE = RADIUS < 70
NUCLEUS = RADIUS < 30


def cell(protein: np.ndarray) -> np.ndarray:
    """Return a round cell with a round nucleus and the given protein, (4, 160, 160) uint8."""
    rng = np.random.default_rng(0)
    grain = ndimage.gaussian_filter(rng.random((SIDE, SIDE)), 2)
    body = INSIDE * (0.4 + grain) * (1.2 - RADIUS / 100)
    dapi = ndimage.gaussian_filter(NUCLEUS.astype(float), 1.5)
    planes = [body, protein * INSIDE, dapi, body * (RADIUS < 55)]
    return np.stack([np.rint(200 * p / p.max()).astype(np.uint8) for p in planes])


def spots(radius_from: float, radius_to: float, count: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    made = np.zeros((SIDE, SIDE))
    ys, xs = np.nonzero((radius_from < RADIUS) & (radius_to > RADIUS))
    chosen = rng.choice(len(ys), count, replace=False)
    made[ys[chosen], xs[chosen]] = 1
    return ndimage.gaussian_filter(made, 1.5)


NUCLEAR = cell(NUCLEUS + 0.05)
SPREAD = cell(~NUCLEUS + 0.05)
EDGE = cell((RADIUS > 64) + 0.05)
DOTTED = cell(spots(34, 60, 60) + 0.001)


def test_always_the_same_finite_features():
    found = [cell_features(image, INSIDE) for image in (NUCLEAR, SPREAD, EDGE, DOTTED)]
    assert all(list(f) == list(found[0]) for f in found)
    assert 38 <= len(found[0]) <= 45
    assert np.isfinite([list(f.values()) for f in found]).all()


def test_where_the_protein_is_shows_in_levels_and_shells():
    nuclear, spread, edge = (cell_features(c, INSIDE) for c in (NUCLEAR, SPREAD, EDGE))
    assert nuclear["level in nucleus"] > 0.5 > spread["level in nucleus"]
    assert nuclear["shell nucleus, middle"] > 3 * nuclear["shell 3"]
    assert edge["shell 6"] > 2 * edge["shell 3"]
    assert edge["brightest: in edge"] > 0.5 > nuclear["brightest: in edge"]
    assert nuclear["brightest: in nucleus"] == 1
    assert nuclear["like nucleus"] > 0.9 > spread["like nucleus"]


def test_spots_are_counted_where_they_are():
    dotted, spread = (cell_features(c, INSIDE) for c in (DOTTED, SPREAD))
    area = (INSIDE & ~NUCLEUS).sum() * 0.13**2
    # Some of 60 lie too near another to be told apart.
    assert 35 < dotted["spots in cytoplasm per 100 µm²"] * area / 100 <= 62
    assert spread["spots in cytoplasm per 100 µm²"] < dotted["spots in cytoplasm per 100 µm²"] / 3
    fine = "texture in cytoplasm from 0.13 µm"
    assert dotted[fine] > spread[fine] + 1


def test_exposure_moves_nothing_much():
    for image in (NUCLEAR, EDGE):
        bright = cell_features(image, INSIDE)
        dim = cell_features(image // 2, INSIDE)
        for name, value in bright.items():
            if (
                "patches" not in name and "spots" not in name
            ):  # counts of what a flat area rounds to
                assert dim[name] == pytest.approx(value, abs=0.15), name


def test_an_absent_landmark_likens_nothing_and_an_absent_nucleus_is_survived():
    absent = SPREAD.copy()
    absent[3] = 0
    found = cell_features(absent, INSIDE)
    assert found["like er"] == found["like er, where it is"] == 0
    absent[2] = 0
    assert np.isfinite(list(cell_features(absent, INSIDE).values())).all()


def test_what_is_no_cell_is_refused():
    with pytest.raises(ValueError, match="not empty"):
        cell_features(SPREAD, np.zeros_like(INSIDE))
    with pytest.raises(ValueError, match="picture"):
        cell_features(SPREAD[:3], INSIDE)


def test_specks_are_no_part_of_a_cell_and_holes_are():
    image = SPREAD * INSIDE
    image[:, 60:64, 60:64] = 0
    image[1, 2, 2] = 1
    np.testing.assert_array_equal(cell_mask(image), INSIDE)


@pytest.mark.skipif(not ATLAS.is_dir(), reason="the atlas collection is absent")
def test_trees_tell_real_nuclear_cells_from_real_cytosolic_ones_of_other_groups():
    wanted = {CLASSES.index("Nucleoplasm"), CLASSES.index("Cytosol")}
    cells = [c for c in read_labelled_cells(ATLAS) if c.label in wanted][::16]
    rows = [cell_features(*read_cell_picture(ATLAS, c.file)) for c in cells]
    x, y = np.array([list(r.values()) for r in rows]), np.array([c.label for c in cells])
    tested = np.array([int(c.group.split("-")[1]) % 2 for c in cells], bool)
    trees = build_trees().set_params(n_estimators=50).fit(x[~tested], y[~tested])
    assert (trees.predict(x[tested]) == y[tested]).mean() > 0.85
