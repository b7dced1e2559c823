"""The table: every column means what it says, and an empty one still has them all."""

from __future__ import annotations

import numpy as np
import pytest
from localization.cell_scenes import field, stack_of
from skimage.measure import regionprops

import napari_dualgland as nd
from napari_dualgland import CLASSES
from napari_dualgland.localization.damage import shrunk_to_prior, uncertainty
from napari_dualgland.localization.frames import Frames
from napari_dualgland.localization.intensities import INTENSITIES, compartment_of
from napari_dualgland.localization.ranked import ranked
from napari_dualgland.localization.table import columns_of, named, shapes_of
from napari_dualgland.model.compartments import COMPARTMENTS


def localize(stack: nd.Stack, labels: np.ndarray, model: str, missing: np.ndarray | None = None):
    missing = labels < 0 if missing is None else missing
    return nd.localize(stack, labels, missing=missing, model=model, device="cpu")


def test_columns() -> None:
    assert columns_of("CYX")[:4] == ("cell", "y", "x", "area_um2")
    assert columns_of("TCZYX")[:5] == ("cell", "t", "z", "y", "x")
    assert columns_of("YX")[-5:] == (
        "intensity nucleus",
        "intensity nuclear rim",
        "intensity cytoplasm",
        "intensity cell edge",
        "intensity cell",
    )
    assert {*CLASSES} < {*columns_of("YX")}


def test_a_table_without_cells_has_all_columns(model: str, localized: nd.Localization) -> None:
    image, labels = field()
    result = localize(stack_of(image), labels * 0, model)
    assert result.table.empty
    assert tuple(result.table.columns) == columns_of("CYX")
    assert (localized.table.dtypes == result.table.dtypes).all()
    assert not np.asarray(result.maps[0]).any()
    assert "no cell is labelled" in result.provenance.notes


def test_shapes_are_those_of_skimage() -> None:
    rng = np.random.default_rng(3)
    labels = np.zeros((50, 60), np.int32)
    labels[0:9, 4:20] = 4
    labels[20:40, 20:50] = np.where(rng.random((20, 30)) < 0.6, 17, 0)
    cells = ranked(labels)
    shapes = shapes_of(cells, 0.25)
    for i, region in enumerate(regionprops(labels)):
        assert shapes["y"][i] == pytest.approx(region.centroid[0])
        assert shapes["x"][i] == pytest.approx(region.centroid[1])
        assert shapes["area_um2"][i] == pytest.approx(region.area / 4)
    assert shapes["touches_border"].tolist() == [True, False]


def test_intensities_count_measured_pixels_alone(model: str) -> None:
    image, labels = field()
    data = image.astype(np.float32)
    plain = localize(stack_of(data), labels, model)
    frame = next(iter(Frames(stack_of(data), labels < 0)))
    part = compartment_of(frame, 0.24)
    for row in plain.table.itertuples(index=False):
        own = labels == row.cell
        values = plain.table.set_index("cell").loc[row.cell, list(INTENSITIES)]
        for number, name in enumerate(COMPARTMENTS[:-1]):
            want = data[1][own & (part == number)].mean()
            assert values[f"intensity {name}"] == pytest.approx(want, rel=1e-5)
        assert values["intensity cell"] == pytest.approx(data[1][own].mean(), rel=1e-5)
    # A pixel that was damaged or filled is no measurement, whatever it holds.
    spoiled, lost, filled = data.copy(), np.zeros(data.shape, bool), np.zeros(data.shape, bool)
    lost[1, ::3], filled[1, 1::3] = True, True
    lost[1, labels == 6] = True
    spoiled[lost | filled] = 1e6
    result = localize(nd.Imputation.of(stack_of(spoiled), filled), labels, model, lost)
    table = result.table.set_index("cell")
    own = (labels == 2) & ~(lost | filled)[1]
    assert table.loc[2, "intensity cell"] == pytest.approx(data[1][own].mean(), rel=1e-5)
    assert table.loc[6, list(INTENSITIES)].isna().all()


@pytest.mark.parametrize("step", [1, 3])
def test_compartments_are_where_they_were_drawn(step: int) -> None:
    """Told by the pixel, and by the block where pixels are finer."""
    image, labels = field()
    image, labels = (a.repeat(step, -2).repeat(step, -1) for a in (image, labels))
    frame = next(iter(Frames(stack_of(image), labels < 0)))
    part = compartment_of(frame, 0.24 / step)
    assert part.shape == labels.shape
    assert part[40 * step, 40 * step] == COMPARTMENTS.index("nucleus")
    assert part[40 * step, 62 * step] == COMPARTMENTS.index("cytoplasm")


def test_nuclei_in_given_cells_are_counted(model: str) -> None:
    image, labels = field()
    y, x = np.mgrid[: labels.shape[0], : labels.shape[1]]
    image = image.copy()
    image[2] = 20
    for cy, cx in ((40, 40), (27, 120), (53, 120), (120, 40)):
        image[2][np.hypot(y - cy, x - cx) < 10] = 200
    # A pixel of 0.6 µm makes the discs as wide as nuclei are.
    stack = stack_of(image, pixel_size=nd.PixelSize(0.6, 0.6))
    table = localize(stack, labels, model).table.set_index("cell")
    assert table["nuclei"].tolist() == [1, 2, 0, 1, 0, 0]
    assert not table["mitotic"].any()


def test_classes_are_named_from_their_thresholds_most_probable_first() -> None:
    p = np.full((3, 19), 0.01)
    p[0, [3, 7]] = 0.6, 0.8
    p[1, 3] = 0.4
    p[2, 3] = 0.9
    limits = [0.5] * 19
    limits[7] = 0.8
    seen = np.array([True, True, False])
    both = f"{CLASSES[7]}; {CLASSES[3]}"
    assert named(p, limits, seen) == [both, "", ""]


def test_doubt() -> None:
    assert uncertainty(np.array([[0.5, 0.01], [0.0, 1.0], [0.11, 0.02]])) == pytest.approx(
        [1, 0, 0.5], abs=0.001
    )
    logits = np.array([[4.0, -4.0]] * 3)
    p = shrunk_to_prior(logits, np.array([0, 0.5, 1]), (0.3, 0.2))
    assert p[0] == pytest.approx([1 / (1 + np.exp(-4)), 1 / (1 + np.exp(4))])
    assert p[2] == pytest.approx([0.3, 0.2])
    assert p[0, 0] > p[1, 0] > p[2, 0]
    assert p[0, 1] < p[1, 1] < p[2, 1]
