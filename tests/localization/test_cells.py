"""Finding cells: on simulated fields whose truth is known, and on scenes drawn for one question."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from dualgland_training.simulate import SimulatedField, simulate_field
from napari_dualgland.localization.cells import Cells, find_cells
from napari_dualgland.localization.cells.grid import Grid
from napari_dualgland.localization.cells.multinucleate import _upper_fifth
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.localization.ranked import ranked

MICROTUBULES, PROTEIN, NUCLEUS, ER = range(4)
UM = 0.32


@pytest.fixture(scope="module")
def field() -> SimulatedField:
    return simulate_field((256, 256), UM, seed=3)


@pytest.fixture(scope="module")
def whole(field: SimulatedField) -> Cells:
    return find_cells(frame_of(field), UM)


def frame_of(field: SimulatedField, *absent: int) -> np.ndarray:
    frame = field.data.astype(np.float32)
    frame[list(absent)] = np.nan
    return frame


def nuclei_of(cells: Cells, label: int) -> int:
    return int(ndimage.label(cells.nuclei == label)[1])


def found(labels: np.ndarray, truth: np.ndarray, smallest: int = 100) -> float:
    """Return the share of true things that a label overlaps by an IoU of at least 0.5."""
    hits = []
    for label in np.unique(truth[truth > 0]):
        own = truth == label
        if own.sum() >= smallest:
            other = labels == np.bincount(labels[own]).argmax()
            hits.append((own & other).sum() / (own | other).sum() >= 0.5 and labels[own].any())
    return float(np.mean(hits))


def disc(shape: tuple[int, int], y: float, x: float, radius: float) -> np.ndarray:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 < radius**2


def drawn(*nuclei: tuple[float, float, float, float], shape: tuple[int, int] = (200, 260)):
    """Return a frame at 0.3 µm with round nuclei (y, x, radius in pixels, brightness) alone."""
    dna = np.zeros(shape, np.float32)
    for y, x, radius, light in nuclei:
        dna[disc(shape, y, x, radius)] = light
    noise = np.random.default_rng(0).normal(0, 1, shape)
    frame = np.full((4, *shape), np.nan, np.float32)
    frame[NUCLEUS] = ndimage.gaussian_filter(dna, 1) + noise + 10
    return frame


def test_nuclei_and_cells_of_a_simulated_field_are_found(field, whole):
    assert whole.labels.dtype == whole.nuclei.dtype == np.int32
    assert whole.note == ""
    with_nucleus = np.where(np.isin(field.cells, np.unique(field.nuclei)), field.cells, 0)
    assert found(whole.labels, with_nucleus) >= 0.8
    assert found(whole.nuclei, field.nuclei) >= 0.9
    own = whole.nuclei > 0
    assert np.array_equal(whole.nuclei[own], whole.labels[own])
    assert np.array_equal(np.unique(whole.labels), np.arange(whole.labels.max() + 1))


def test_every_cell_is_one_piece(whole):
    for label in range(1, whole.labels.max() + 1):
        pieces, count = ndimage.label(whole.labels == label, np.ones((3, 3)))
        sizes = np.bincount(pieces.ravel())[1:]
        assert count >= 1
        assert sizes.max() > 0.99 * sizes.sum()


def test_magnification_does_not_matter(field, whole):
    fine = find_cells(frame_of(field).repeat(4, 1).repeat(4, 2), UM / 4)
    assert fine.labels.max() == whole.labels.max()
    same = fine.labels[2::4, 2::4] > 0
    assert np.mean(same == (whole.labels > 0)) > 0.97


@pytest.mark.parametrize("scale", [1e-4, 300])
def test_units_and_offset_of_intensities_do_not_matter(field, whole, scale):
    other = find_cells(frame_of(field) * scale + 50 * scale, UM)
    assert whole.labels.max() == other.labels.max()
    assert np.mean(whole.labels == other.labels) > 0.97


@pytest.mark.parametrize("absent", [MICROTUBULES, ER])
def test_one_landmark_of_the_cell_body_is_enough(field, absent):
    cells = find_cells(frame_of(field, absent), UM)
    assert cells.note == ""
    with_nucleus = np.where(np.isin(field.cells, np.unique(field.nuclei)), field.cells, 0)
    assert found(cells.labels, with_nucleus) >= 0.5


def test_without_the_cell_body_nuclei_are_grown_and_it_is_said(field, whole):
    cells = find_cells(frame_of(field, MICROTUBULES, PROTEIN, ER), UM)
    assert "grown" in cells.note
    assert "µm" in cells.note
    assert cells.labels.max() == whole.nuclei.max()
    beyond = ndimage.distance_transform_edt(cells.nuclei == 0)[cells.labels > 0] * UM
    assert 4 < beyond.max() < 8


def test_without_nuclei_there_are_blobs_and_it_is_said(field):
    cells = find_cells(frame_of(field, NUCLEUS), UM)
    assert cells.labels.max() >= 2
    assert not cells.nuclei.any()
    assert not cells.mitotic
    assert "no nuclei" in cells.note


@pytest.mark.parametrize("absent", [(0, 2, 3), (0, 1, 2, 3)])
def test_without_any_landmark_it_is_said_what_was_done(field, absent):
    cells = find_cells(frame_of(field, *absent), UM)
    assert "protein" in cells.note if len(absent) == 3 else "no channel" in cells.note
    assert (cells.labels.max() > 0) == (len(absent) == 3)


def test_missing_pixels_do_no_harm(field, whole):
    frame = frame_of(field)
    rng = np.random.default_rng(1)
    frame[:, rng.random(frame.shape[1:]) < 0.2] = np.nan
    frame[NUCLEUS, 100:104] = np.nan
    frame[:, :20, :20] = np.nan
    hurt = find_cells(frame, UM)
    assert abs(hurt.labels.max() - whole.labels.max()) <= 1
    assert np.mean((hurt.labels > 0) == (whole.labels > 0)) > 0.9


@pytest.mark.parametrize("level", [0, 17])
@pytest.mark.parametrize("noise", [0, 3])
def test_an_empty_frame_has_no_cells(level, noise):
    frame = level + np.random.default_rng(0).normal(0, 1, (4, 200, 210)) * noise
    cells = find_cells(frame, 0.2)
    assert cells.labels.shape == cells.nuclei.shape == (200, 210)
    assert cells.labels.max() == 0
    assert not cells.mitotic


def test_touching_nuclei_are_two():
    cells = find_cells(drawn((100, 90, 25, 100), (100, 139, 25, 100)), 0.3)
    assert cells.labels.max() == 2
    assert cells.nuclei[100, 90] != cells.nuclei[100, 139]


def test_a_lobed_nucleus_is_one():
    cells = find_cells(drawn((100, 90, 25, 100), (100, 122, 23, 100)), 0.3)
    assert cells.labels.max() == 1


def test_a_dim_nucleus_beside_a_bright_one_is_found_and_whole():
    cells = find_cells(drawn((100, 80, 25, 200), (100, 140, 25, 40)), 0.3)
    assert cells.labels.max() == 2
    for x in (80, 140):
        area = (cells.nuclei == cells.nuclei[100, x]).sum()
        assert area == pytest.approx(np.pi * 25**2, rel=0.15)


def two_in_cytoplasm(valley: float) -> np.ndarray:
    frame = drawn((100, 111, 21, 100), (100, 156, 21, 100), shape=(200, 267))
    body = ndimage.gaussian_filter(80.0 * disc((200, 267), 100, 133, 90), 2)
    body[:, 131:136] *= valley
    body[disc((200, 267), 100, 111, 21) | disc((200, 267), 100, 156, 21)] *= 0.3
    noise = np.random.default_rng(1).normal(0, 1, body.shape)
    frame[MICROTUBULES] = frame[ER] = body + 10 + noise
    return frame


def test_two_nuclei_with_nothing_between_share_a_cell():
    cells = find_cells(two_in_cytoplasm(1.0), 0.3)
    assert cells.labels.max() == 1
    assert nuclei_of(cells, 1) == 2


def test_a_valley_between_two_nuclei_parts_cells():
    cells = find_cells(two_in_cytoplasm(0.3), 0.3)
    assert cells.labels.max() == 2
    assert nuclei_of(cells, 1) == nuclei_of(cells, 2) == 1
    assert abs(np.flatnonzero(np.diff(cells.labels[60]))[1] - 133) < 5


def test_condensed_chromatin_is_mitotic():
    others = [(50, 50, 24, 100), (50, 130, 24, 110), (50, 210, 24, 95), (150, 50, 24, 105)]
    cells = find_cells(drawn(*others, (150, 180, 14, 260)), 0.3)
    assert cells.mitotic == {int(cells.labels[150, 180])}
    assert not find_cells(drawn(*others), 0.3).mitotic


def test_a_bright_nucleus_of_common_size_is_not_mitotic():
    others = [(50, 50, 24, 100), (50, 130, 24, 110), (50, 210, 24, 95)]
    assert not find_cells(drawn(*others, (150, 180, 26, 190)), 0.3).mitotic


def test_small_cells_are_dropped_on_demand():
    nuclei = [(60, 60, 25, 100), (60, 160, 12, 100), (198, 110, 20, 100)]
    frame = drawn(*nuclei)  # the last is cut by the border: what is left of it may be small
    sizes = np.bincount(find_cells(frame, 0.3).labels.ravel())[1:] * 0.3**2
    assert len(sizes) == 3
    left = find_cells(frame, 0.3, LocalizeParams(smallest_um2=float(np.median(sizes)) + 1))
    assert left.labels.max() == 2
    assert left.labels[60, 60]
    assert left.labels[198, 110]


def test_a_cell_cut_out_and_set_on_black_is_one_cell(field):
    sizes = np.bincount(field.cells[field.nuclei > 0].ravel(), minlength=2)
    own = field.cells == sizes[1:].argmax() + 1
    window = ndimage.find_objects(own.astype(int))[0]
    cells = find_cells((field.data * own)[(slice(None), *window)], UM)
    assert cells.labels.max() == 1
    assert ((cells.labels > 0) & own[window]).sum() > 0.75 * own.sum()


def test_the_same_frame_gives_the_same_cells(field, whole):
    frame = frame_of(field)
    again = find_cells(frame, UM)
    assert np.array_equal(frame, frame_of(field))
    assert np.array_equal(again.labels, whole.labels)
    assert again.mitotic == whole.mitotic


@pytest.mark.parametrize("shape", [(4, 7, 300), (4, 1, 1), (4, 90, 3)])
def test_odd_shapes_do_no_harm(shape):
    frame = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    cells = find_cells(frame, 0.08)
    assert cells.labels.shape == cells.nuclei.shape == shape[1:]


@pytest.mark.parametrize(("shape", "um"), [((3, 9, 9), 0.1), ((9, 9), 0.1), ((4, 9, 9), 0.0)])
def test_what_is_no_frame_is_refused(shape, um):
    with pytest.raises(ValueError, match="cells are found in"):
        find_cells(np.zeros(shape), um)


def test_labels_come_back_to_full_size_smooth_and_in_place():
    shape = (203, 222)
    truth = disc(shape, 97.3, 120.8, 70)
    grid = Grid.over(shape, 0.08)
    assert grid.step == 4
    full = grid.enlarge((grid.shrink(truth) > 0.5).astype(np.int32))
    assert full.shape == shape
    assert ((full > 0) ^ truth).sum() < 0.015 * truth.sum()
    edge = (full > 0) ^ ndimage.binary_erosion(full > 0)
    assert edge.sum() < 1.1 * 2 * np.pi * 70  # stairs would be longer


def test_blocks_of_missing_pixels_stay_missing_and_others_are_means():
    plane = np.arange(64, dtype=np.float32).reshape(8, 8)
    plane[:4, :4] = np.nan
    plane[0, 4:] = np.nan
    small = Grid.over((8, 8), 0.08).shrink(plane)
    assert np.isnan(small[0, 0])
    assert small[0, 1] == plane[1:4, 4:].mean()
    assert small[1, 1] == plane[4:, 4:].mean()


@pytest.mark.parametrize("shape", [(40, 51), (5, 30), (3, 3)])
@pytest.mark.parametrize("reach", [1, 4, 7])
def test_levels_beside_a_border_are_those_of_the_whole_plane(shape, reach):
    plane = np.random.default_rng(reach).random(shape, dtype=np.float32)
    whole = ndimage.percentile_filter(plane, 80, size=2 * reach + 1)
    places = np.arange(plane.size)
    assert np.array_equal(_upper_fifth(plane, places, reach), whole.ravel())


@pytest.mark.parametrize("labels", [(), (1, 2, 3), (2, 7), (5, 2_000_000_000)])
def test_ranks_follow_the_labels(labels):
    plane = np.zeros((20, 20), np.int32)
    for row, label in enumerate(labels):
        plane[3 * row : 3 * row + 2] = label
    found = ranked(plane)
    assert found.labels.tolist() == [*labels]
    for rank, (label, window) in enumerate(zip(labels, found.windows, strict=True), start=1):
        assert np.array_equal(found.rank == rank, plane == label)
        assert (plane[window] == label).all()
