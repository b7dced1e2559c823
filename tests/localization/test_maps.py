"""Dense maps: in their place to a fraction of a pixel, and made only when looked at."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from localization.cell_scenes import CHANNELS, field, stack_of
from scipy import ndimage

import napari_dualgland as nd
from napari_dualgland import CLASSES, Stack
from napari_dualgland.classes import NEGATIVE
from napari_dualgland.localization import maps
from napari_dualgland.localization.crops import FrameLevels, crop_cell
from napari_dualgland.localization.frames import Frame
from napari_dualgland.localization.inference import _padded
from napari_dualgland.localization.intensities import compartment_of
from napari_dualgland.localization.maps import CellMap, cell_map, plane_of
from napari_dualgland.model.calibrated_localizer import agreeing
from napari_dualgland.model.compartments import COMPARTMENTS
from napari_dualgland.model.localizer import MULTIPLE


@pytest.mark.parametrize("pixel_um", [0.08, 0.107, 0.24, 0.5])
@pytest.mark.parametrize("size", [(301, 187), (90, 131)])
def test_a_map_lies_on_its_cell(pixel_um: float, size: tuple[int, int]) -> None:
    """What goes into the view as an image comes out of it as a map, in the same place."""
    y, x = np.mgrid[: size[0] + 37, : size[1] + 22].astype(np.float32)
    slopes = np.stack([y / y.max(), x / x.max(), y * 0, y * 0]) * 0.8 + 0.1
    window = (slice(21, 21 + size[0]), slice(13, 13 + size[1]))
    centre = [(s.start + s.stop - 1) / 2 for s in window]
    within = np.hypot((y - centre[0]) / size[0], (x - centre[1]) / size[1]) < 0.5
    own = within[window]
    view = crop_cell(slopes, own, window, pixel_um, FrameLevels(np.zeros(4), np.ones(4)))
    sides = tuple(max(1, round(n * view.scale)) for n in own.shape)
    view = _padded(view, tuple(n + 2 * MULTIPLE for n in view.inside.shape))
    dense = F.avg_pool2d(torch.from_numpy(view.x), 2).numpy()
    dense = np.rint(np.tile(dense, (5, 1, 1))[:18].clip(0, 1) * 255).astype(np.uint8)
    crop = cell_map(1, window, (view.inside, dense), (sides[0], sides[1]), 0.25, 1.0, y.shape)
    inner = ndimage.binary_erosion(own, iterations=round(1.2 / pixel_um) + 2)
    for c in range(2):
        bright = np.percentile(slopes[c][window][own], 99.5)
        want = slopes[c][window] / bright
        error = np.abs(crop.plane(c) - want)[inner & (want < 0.99)]
        # A quarter of a dense pixel, and a step of the 255.
        steepest = np.abs(np.diff(want, axis=c)).max()
        assert error.max() < 0.25 * 0.48 / pixel_um * steepest + 1 / 255
    assert (crop.plane(NEGATIVE) == np.float32(0.25)).all()
    assert crop.dense.nbytes < 18 * (sides[0] / 2 + 3) * (sides[1] / 2 + 3)


def test_a_rim_keeps_its_value_up_to_the_edge() -> None:
    inside = np.zeros((32, 32), np.float32)
    inside[8:24, 8:24] = 1
    dense = np.zeros((18, 16, 16), np.uint8)
    dense[:, 4:12, 4:12] = 200
    window = (slice(0, 32), slice(0, 32))
    plane = cell_map(1, window, (inside, dense), (32, 32), 0.0, 1.0, (99, 99)).plane(3)
    assert np.allclose(plane, 200 / 255)


@pytest.mark.parametrize("sides", [("top",), ("bottom",), ("left",), ("right",), ("top", "right")])
def test_the_frame_of_the_image_is_no_membrane(sides: tuple[str, ...]) -> None:
    """A cell that the frame cuts ends there to the network, which sees a membrane; nobody does."""
    y, x = np.mgrid[:64, :64]
    own = np.ones((64, 64), bool)
    away = {"top": y, "bottom": 63 - y, "left": x, "right": 63 - x}
    rim = np.min(list(away.values()), axis=0) < 4
    dense = np.where(rim, 240, 10).astype(np.uint8).reshape(32, 2, 32, 2)[:, 0, :, 0]
    spans = [slice(100, 164), slice(100, 164)]
    for side in sides:
        axis, first = int(side in ("left", "right")), side in ("top", "left")
        spans[axis] = slice(0, 64) if first else slice(236, 300)
    crop = own.astype(np.float32), np.stack([dense] * 18)
    plane = cell_map(1, (spans[0], spans[1]), crop, (64, 64), 0.0, 1.0, (300, 300)).plane(13)
    along = np.min([away[side] for side in sides], axis=0)
    kept = np.min([away[side] for side in away if side not in sides], axis=0)
    assert plane[(along < 4) & (kept > 10)].max() < 0.1
    assert plane[(kept < 2) & (along > 10)].min() > 0.9
    # What stands on the frame goes on up to it.
    assert plane[(kept < 2) & (along < 2)].min() > 0.9


def test_a_sliver_along_the_frame_keeps_what_is_said_of_it() -> None:
    own = np.zeros((32, 32), np.float32)
    own[13:19, :] = 1
    dense = np.full((18, 16, 16), 200, np.uint8)
    window = (slice(0, 6), slice(40, 72))
    plane = cell_map(1, window, (own, dense), (6, 32), 0.0, 1.0, (300, 300)).plane(3)
    assert np.allclose(plane, 200 / 255)


@pytest.mark.parametrize("axis", [0, 1])
def test_cells_that_the_frame_cuts_have_no_edge_there(axis: int) -> None:
    """The compartment *cell edge* of a cut cell lies where it ends, not where the image does."""
    image, _ = field(2, 2)
    cut = np.moveaxis(np.moveaxis(image, 1 + axis, 0)[40:], 0, 1 + axis).astype(np.float32)
    none = np.zeros(cut.shape, bool)
    part = compartment_of(Frame(0, 0, cut, none, none, (0, 1, 2, 3)), 0.24)
    along = np.moveaxis(part, axis, 0)[0]
    body = np.moveaxis(cut, 1 + axis, 0)[0, 0] > 60
    inner = ndimage.binary_erosion(body, iterations=8)
    edge = COMPARTMENTS.index("cell edge")
    assert inner.sum() > 40
    assert not (along[inner] == edge).any()
    assert (along == edge).any()


def test_planes_hold_each_cell_within_its_outline() -> None:
    labels = np.zeros((20, 20), np.int32)
    labels[2:12, 2:12], labels[8:18, 8:18] = 5, 9
    dense = np.full((18, 5, 5), 255, np.uint8)
    first = CellMap(5, (slice(2, 12), slice(2, 12)), dense, (0, 0.5), (0, 0.5), 0.1, 1.0)
    second = CellMap(9, (slice(8, 18), slice(8, 18)), dense, (0, 0.5), (0, 0.5), 0.9, 0.5)
    plane = plane_of([first, second], labels, 0)
    assert np.array_equal(plane, np.select([labels == 5, labels == 9], [1, 0.5], 0))
    plane = plane_of([first, second], labels, NEGATIVE)
    assert np.allclose(plane, np.select([labels == 5, labels == 9], [0.1, 0.9], 0))


def test_maps_are_made_when_they_are_looked_at(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image, labels = field()
    made = []

    def watched(cells, plane, number):
        made.append(number)
        return plane_of(cells, plane, number)

    monkeypatch.setattr(maps, "plane_of", watched)
    stack = stack_of(np.stack([image] * 2), "TCYX")
    result = nd.localize(stack, labels, missing=labels < 0, model=model, device="cpu")
    assert result.maps.dtype == np.float32
    assert result.maps.shape == (2, 19, 160, 240)
    assert result.maps.chunks == ((1, 1), (1,) * 19, (160,), (240,))
    assert not made
    plane = np.asarray(result.maps[1, 4])
    assert made == [4]
    assert plane.shape == labels.shape
    assert not plane[labels == 0].any()
    assert 0 < plane[labels > 0].mean() < 1


def test_negative_is_told_for_the_whole_cell(localized: nd.Localization) -> None:
    plane, table = np.asarray(localized.maps[NEGATIVE]), localized.table
    for cell, p in zip(table["cell"], table["Negative"], strict=True):
        assert np.allclose(plane[localized.cells == cell], p)


def test_a_stack_without_channel_axis_gets_maps_before_y(model: str) -> None:
    image, labels = field(1, 2)
    stack = Stack(image[1], "XY", CHANNELS[1:2])
    result = nd.localize(stack, labels, missing=labels < 0, model=model, device="cpu")
    assert result.map_axes == "XCY"
    assert result.maps.shape == (image.shape[1], len(CLASSES), image.shape[2])
    assert result.cells.shape == stack.shape


def test_pixels_agree_with_their_cell() -> None:
    dense = torch.full((2, 18, 2, 2), 0.8)
    cell = torch.full((2, 19), 0.5)
    cell[0, 3], cell[1, 4] = 0.1, 0.9
    out = agreeing(dense, cell, (0.4,) * 19)
    assert torch.allclose(out[0, 3], torch.tensor(0.2))
    assert torch.allclose(out[1, 4], torch.tensor(0.8))  # named: as it was, never more
    assert torch.allclose(out[1, 3], torch.tensor(0.8))
