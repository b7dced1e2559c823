"""The simulator: same seed, same field; anatomy that holds in every field it draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from dualgland_training.simulate import SimulatedField, simulate_field
from dualgland_training.simulate.filaments import Habit, Seeds, grow
from dualgland_training.simulate.layout import draw_layout
from dualgland_training.simulate.noise import smooth_noise
from dualgland_training.simulate.optics import EXPOSURES, focus_on
from napari_dualgland.stack import ROLES

MICROTUBULES, PROTEIN, NUCLEUS, ER = range(4)


@pytest.fixture(scope="module")
def field() -> SimulatedField:
    return simulate_field((320, 384), seed=1)


def test_same_seed_gives_the_same_bytes():
    first, second = (simulate_field((96, 80), 0.32, seed=5) for _ in range(2))
    assert first.data.tobytes() == second.data.tobytes()
    assert first.cells.tobytes() == second.cells.tobytes()
    assert first.nuclei.tobytes() == second.nuclei.tobytes()


def test_another_seed_gives_another_field():
    first, second = (simulate_field((96, 80), 0.32, seed=s).data for s in (5, 6))
    assert (first != second).mean() > 0.2


def test_shape_dtype_and_roles(field):
    assert field.data.shape == (4, 320, 384)
    assert field.data.dtype == np.uint8
    stack = field.stack("simulated")
    assert tuple(stack.roles) == ROLES
    assert list(stack.roles.values()) == [0, 1, 2, 3]
    assert (stack.axes, stack.pixel_size.x, stack.pixel_size.z) == ("CYX", 0.16, None)


def test_every_channel_shows_its_structure_where_it_belongs(field):
    cytoplasm = (field.cells > 0) & (field.nuclei == 0)
    nuclei = ndimage.binary_erosion(field.nuclei > 0, iterations=4)
    glass = ndimage.binary_erosion(field.cells == 0, iterations=4)
    mean = {
        name: field.data[:, where].mean(axis=1)
        for name, where in (("cytoplasm", cytoplasm), ("nuclei", nuclei), ("glass", glass))
    }
    assert mean["nuclei"][NUCLEUS] > 20 * mean["cytoplasm"][NUCLEUS]
    assert mean["cytoplasm"][MICROTUBULES] > 5 * mean["nuclei"][MICROTUBULES]
    assert mean["cytoplasm"][PROTEIN] > 2 * mean["nuclei"][PROTEIN]
    assert mean["cytoplasm"][ER] > mean["nuclei"][ER]
    assert (mean["glass"] < 2).all()


def test_er_fades_from_the_nucleus_to_the_edge(field):
    away = ndimage.distance_transform_edt(field.nuclei == 0) * field.pixel_size.x
    cytoplasm = (field.cells > 0) & (field.nuclei == 0)
    near = field.data[ER][cytoplasm & (away < 3)].mean()
    far = field.data[ER][cytoplasm & (away > 10)].mean()
    assert near > 2 * far


def test_background_is_exactly_zero_and_little_is_clipped(field):
    glass = ndimage.binary_erosion(field.cells == 0, iterations=4)
    assert glass.mean() > 0.05
    assert (field.data[:, glass] == 0).mean() > 0.85
    assert ((field.data == 255).mean(axis=(1, 2)) < 0.01).all()
    assert (field.data.max(axis=(1, 2)) > 180).all()


@settings(max_examples=8)
@given(
    shape=st.tuples(st.integers(40, 260), st.integers(40, 260)),
    seed=st.integers(0, 2**31),
    pixel_size=st.sampled_from([0.16, 0.32]),
)
def test_nuclei_lie_in_their_own_cells(shape, seed, pixel_size):
    layout = draw_layout(shape, pixel_size, np.random.default_rng(seed))
    inside = layout.nuclei > 0
    assert np.array_equal(layout.nuclei[inside], layout.cells[inside])
    for values in (layout.nucleus_distance, layout.edge_distance, layout.thickness):
        assert np.isfinite(values).all()
        assert (values >= 0).all()
    assert (layout.thickness[layout.cells == 0] == 0).all()


def test_every_cell_is_in_one_piece_and_numbered_without_gaps():
    layout = draw_layout((200, 200), 0.32, np.random.default_rng(3))
    for label in np.unique(layout.cells)[1:]:
        assert ndimage.label(layout.cells == label)[1] == 1
    field = simulate_field((100, 100), 0.32, seed=3)
    assert list(np.unique(field.cells)) == list(range(field.cells.max() + 1))


def test_touching_neighbours_and_cells_cut_by_the_border(field):
    cells = field.cells
    across = (cells[:, 1:] != cells[:, :-1]) & (cells[:, 1:] > 0) & (cells[:, :-1] > 0)
    assert across.any()
    assert (cells[0] > 0).any()
    assert (cells[:, -1] > 0).any()


def test_number_of_cells_can_be_asked_for():
    few, many = (
        np.unique(simulate_field((256, 256), 0.32, seed=2, cells=count).nuclei).size
        for count in (2, 12)
    )
    assert few < many


def test_z_stack_moves_through_focus():
    field = simulate_field((160, 160), seed=11, depth=4, cells=3)
    assert field.data.shape == (4, 4, 160, 160)
    assert (field.pixel_size.z, field.stack("z").axes) == (0.8, "ZCYX")
    # The middle of a nucleus lies above the glass, the thin edge of a cell on it.
    nuclei = ndimage.binary_erosion(field.nuclei > 0, iterations=4)
    dna = field.data[:, NUCLEUS][:, nuclei].mean(axis=1)
    assert dna[0] < 0.7 * dna[2]
    edge = ndimage.distance_transform_edt(field.cells > 0) * field.pixel_size.x
    rim = (edge > 0) & (edge < 1)
    tubulin = field.data[:, MICROTUBULES][:, rim].mean(axis=1)
    assert tubulin[0] > 2 * tubulin[3]


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (33, 2)])
def test_odd_and_tiny_fields_are_drawn(shape):
    field = simulate_field(shape, seed=1, cells=1)
    assert field.data.shape == (4, *shape)


@pytest.mark.parametrize(
    "wrong", [{"shape": (0, 8)}, {"pixel_size": 0.0}, {"cells": 0}, {"depth": 0}]
)
def test_sizes_that_are_not_positive_are_refused(wrong):
    with pytest.raises(ValueError, match="positive sizes"):
        simulate_field(**{"shape": (16, 16), **wrong})


def test_a_straight_filament_keeps_its_light_and_its_cell():
    layout = draw_layout((200, 200), 0.16, np.random.default_rng(0), cells=4)
    at = np.argmax(np.where(layout.nuclei > 0, 0, layout.edge_distance))
    y, x = (np.array([v], np.float32) for v in np.unravel_index(at, layout.shape))
    one = np.ones(1, np.float32)
    seeds = Seeds(y, x, heading=0 * one, height=0.5 * one, length=one, brightness=2 * one)
    still = Habit(bend=0.0, memory=1.0, edge_reach=0.1, nucleus_reach=0.1, edge_loss=0.0)
    light = grow(layout, seeds, still, np.arange(0.5, 5.5), np.random.default_rng(0))
    assert light.sum() == pytest.approx(2.0, rel=1e-5)  # 1 µm at 2 per µm
    rows, columns = np.nonzero(light.sum(axis=0))
    assert set(layout.cells[rows, columns]) == {layout.cells.flat[at]}


@pytest.mark.parametrize("scale", [0.7, 1.5, 4.0, 17.0])
def test_noise_has_unit_spread_and_its_scale(scale):
    noise = smooth_noise((600, 600), scale, np.random.default_rng(0))
    assert noise.dtype == np.float32
    assert noise.std() == pytest.approx(1, abs=0.2)
    # White noise under a Gaussian of sigma s is correlated as exp(-(lag / 2 s)^2).
    lag = max(1, round(2 * scale))
    correlation = np.corrcoef(noise[:, lag:].ravel(), noise[:, :-lag].ravel())[0, 1]
    assert correlation == pytest.approx(np.exp(-((lag / (2 * scale)) ** 2)), abs=0.12)


def test_out_of_focus_is_dimmer_and_wider():
    slabs = np.arange(0.5, 5.5)
    volume = np.zeros((5, 65, 65), np.float32)
    volume[1, 32, 32] = 1
    sharp, soft = (focus_on(volume, slabs, z, EXPOSURES[0].psf, 0.16) for z in (1.5, 3.5))
    assert soft.sum() < 0.5 * sharp.sum()
    assert soft.max() / soft.sum() < 0.5 * sharp.max() / sharp.sum()
