"""Hot pixels change what is said of themselves, and nothing else."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy import ndimage

import napari_dualgland as nd
from dualgland_training.simulate import simulate_field
from napari_dualgland.hot_pixels import HOT, without_hot_pixels

GREYS = 16
"""Grey levels of a 16-bit stack for each of 8 bits."""


def scene(seed: int = 0, shape: tuple[int, int] = (48, 64)) -> np.ndarray:
    """Four smooth channels, 0 to 1; (4, Y, X)."""
    rough = np.random.default_rng(seed).random((4, *shape))
    smooth = ndimage.gaussian_filter(rough, (0, 2, 2), mode="wrap").astype(np.float32)
    return (smooth - smooth.min()) / np.ptp(smooth)


def corrected(unit: np.ndarray, missing: np.ndarray | None = None) -> np.ndarray:
    return without_hot_pixels(unit.copy(), missing)


@pytest.mark.parametrize("at", [(20, 30), (0, 0), (45, 63), (0, 31), (1, 62)])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_hot_pixels_become_as_bright_as_their_surroundings(at, count) -> None:
    unit = scene()
    hot = unit.copy()
    y, x = at
    hot[2, y : y + count, x] = 80
    found = corrected(hot)
    assert found.min() >= 0
    assert found.max() <= 1
    assert np.array_equal(found == unit, hot == unit)


def test_two_hot_pixels_near_each_other_do_not_hide_each_other() -> None:
    hot = scene()
    hot[1, 20, [30, 32]] = 80, 60
    assert corrected(hot).max() <= 1


@pytest.mark.parametrize(("width", "peak"), [(0.5, HOT), (1.3, 20.0), (2.0, 80.0)])
def test_a_spot_that_optics_have_spread_stays(width: float, peak: float) -> None:
    spot = np.zeros((1, 41, 41))
    spot[0, 20, 20] = 1
    spot = ndimage.gaussian_filter(spot, (0, width, width))
    spot = (peak / spot.max() * spot).astype(np.float32)
    assert np.array_equal(corrected(spot), spot)


def test_lines_and_edges_stay_however_bright() -> None:
    unit = scene()
    unit[0, 10:13] = 50
    unit[1, :, 30:] = 50
    unit[2, 5:9, 5:9] = 50
    assert np.array_equal(corrected(unit), unit)


def test_missing_pixels_are_neither_looked_at_nor_changed() -> None:
    unit = scene()
    unit[0, 20, 30] = 80
    missing = np.zeros(unit.shape, bool)
    missing[0, 18:23, 31:34] = True
    unit[missing] = 90
    found = corrected(unit, missing)
    assert found[0, 20, 30] <= 1
    assert np.array_equal(found[missing], unit[missing])


HOLES = np.zeros((4, 256, 256), bool)
HOLES[:, 100:140, 90:150] = True
HOLES[1, :, 200:203] = True


@cache
def stacks() -> tuple[nd.Stack, nd.Stack, np.ndarray]:
    """A field of 16 bits, the same with hot pixels, and where they are: some beside holes."""
    field = simulate_field((256, 256), seed=3)
    clean = np.asarray(field.data).astype(np.uint16) * GREYS
    rng = np.random.default_rng(0)
    hot = (rng.random(clean.shape) < 2e-4) & ~HOLES
    hot[:, [98, 140, 120], [100, 120, 150]] = hot[1, 40:200:40, 199] = True
    worse = clean.copy()
    worse[hot] = rng.integers(20_000, 60_000, np.count_nonzero(hot))
    channels = tuple(nd.Channel(role, role) for role in nd.ROLES)
    size = nd.PixelSize(0.16, 0.16)
    one, other = (nd.Stack(x, "CYX", channels, pixel_size=size) for x in (clean, worse))
    return one, other, hot


@pytest.mark.parametrize(("value", "least"), [(0, 0.1), (777, 1.0), (4095, 1.0)])
def test_damage_is_found_as_it_is_without_them(value: int, least: float) -> None:
    # Most of this field is as dark as a dark hole: little of one can be found.
    found = []
    for stack in stacks()[:2]:
        damaged = np.where(HOLES, value, stack.data).astype(np.uint16)
        found.append(nd.find_missing(nd.Stack(damaged, "CYX", stack.channels))[HOLES])
    assert found[0].mean() >= least
    assert found[1].mean() > found[0].mean() - 0.02


@pytest.mark.parametrize("model", ["prior", "generator"])
def test_a_fill_is_what_it_is_without_them_and_they_stay_as_measured(model: str) -> None:
    clean, worse, _ = stacks()
    one, other = (nd.impute(stack, HOLES, nd.ImputeParams(model=model)) for stack in (clean, worse))
    truth = np.asarray(clean.data).astype(float)
    assert np.array_equal(np.asarray(other.stack.data)[~HOLES], np.asarray(worse.data)[~HOLES])
    errors = [np.square(np.asarray(r.stack.data) - truth)[HOLES].mean() for r in (one, other)]
    assert errors[1] < 1.1 * errors[0]
    if one.uncertainty is not None:
        wide = np.asarray(other.uncertainty)[HOLES] / np.asarray(one.uncertainty)[HOLES]
        assert np.median(wide) == pytest.approx(1, abs=0.15)


def test_cells_are_told_as_they_are_without_them() -> None:
    clean, worse, _ = stacks()
    one, other = (nd.localize(stack) for stack in (clean, worse))
    names = [name for name in nd.CLASSES if name in one.table]
    assert len(one.table) == len(other.table) > 0
    assert np.abs(other.table[names] - one.table[names]).to_numpy().max() < 0.02


def test_compartments_and_set_points_are_what_they_are_without_them() -> None:
    clean, worse, _ = stacks()
    one, other = (nd.boundaries(stack) for stack in (clean, worse))
    moved = np.abs(np.asarray(other.compartments, float) - np.asarray(one.compartments, float))
    assert moved.mean() < 1e-3
    shift = np.abs(other.set_points["h"] - one.set_points["h"])
    assert shift.mean() < 0.02
