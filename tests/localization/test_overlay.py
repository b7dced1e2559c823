"""The overlay: colours where the maps say, marks on what is not to be trusted, a full legend."""

from __future__ import annotations

from dataclasses import replace

import dask.array as da
import numpy as np
import pandas as pd
import pytest
from localization.cell_scenes import field, stack_of
from PIL import Image, ImageDraw

from napari_dualgland import CLASSES, Channel, Localization, PixelSize, Stack, localize
from napari_dualgland.classes import COLORS, NEGATIVE, UNEXPLAINED
from napari_dualgland.localization import overlay_cells
from napari_dualgland.localization.overlay import color_protein, paint
from napari_dualgland.localization.overlay_cells import frame_cells
from napari_dualgland.localization.picture import picture, round_length
from napari_dualgland.localization.text import Text
from napari_dualgland.provenance import Provenance

MITOCHONDRIA, NUCLEOLI = CLASSES.index("Mitochondria"), CLASSES.index("Nucleoli")


def by_hand(said: dict[int, str], side: int = 60, **columns: list[float]) -> Localization:
    """Two cells side by side, 7 and 100000, the upper half of each in two classes' maps."""
    protein = np.full((side, 2 * side), 200, np.uint16)
    protein[:4] = 0
    image = np.stack([np.zeros_like(protein), protein, np.zeros_like(protein), protein * 0])
    cells = np.zeros(protein.shape, np.int32)
    cells[5:-5, 5 : side - 5], cells[5:-5, side:-5] = 7, 100_000
    maps = np.zeros((19, *protein.shape), np.float32)
    maps[MITOCHONDRIA, 5 : side // 2], maps[NUCLEOLI, side // 2 : side - 5] = 0.9, 0.8
    rows = []
    for label, classes in said.items():
        row = {"cell": label, "classes": classes, "missing": 0.0, "imputed": 0.0}
        rows.append(row | dict.fromkeys(CLASSES, 0.1) | {"Mitochondria": 0.3})
    return Localization(
        stack=stack_of(image),
        cells=cells,
        table=pd.DataFrame(rows).assign(**columns),
        maps=da.from_array(maps * (cells > 0), chunks=(1, -1, -1)),
        thresholds=(0.5,) * 19,
        provenance=Provenance(version="0", model="small", date="2025-01-01", source="Zellen µ.tif"),
    )


def hue(color: str) -> np.ndarray:
    values = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)], float)
    return values / values.max()


def seen(pixels: np.ndarray) -> np.ndarray:
    return pixels.reshape(-1, 3).mean(0) / max(pixels.reshape(-1, 3).mean(0).max(), 1)


def test_pixels_take_the_colour_of_the_likeliest_named_class():
    found = by_hand({7: "Mitochondria; Nucleoli", 100_000: "Nucleoli"})
    shown = color_protein(found, frame_cells(found), 0, 0)
    assert shown.shape == (60, 120, 3)
    assert shown.dtype == np.uint8
    np.testing.assert_allclose(seen(shown[10:25, 10:50]), hue(COLORS[MITOCHONDRIA]), atol=0.02)
    np.testing.assert_allclose(seen(shown[35:50, 10:50]), hue(COLORS[NUCLEOLI]), atol=0.02)
    # Mitochondria are likelier there, but were not named for this cell: no colour.
    grey = hue(UNEXPLAINED)
    np.testing.assert_allclose(seen(shown[10:25, 70:110]), grey, atol=0.02)
    np.testing.assert_allclose(seen(shown[35:50, 70:110]), hue(COLORS[NUCLEOLI]), atol=0.02)


def test_dark_protein_stays_dark_and_outside_is_dimmer():
    found = by_hand({7: "Mitochondria", 100_000: "Mitochondria"})
    shown = color_protein(found, frame_cells(found), 0, 0)
    assert shown[:4].max() == 0
    outside, inside = shown[57:, 20].max(), shown[50, 20].max()
    assert 0 < outside < inside


def test_a_cell_without_an_answer_is_paler():
    named = by_hand({7: "Mitochondria", 100_000: "Nucleoli"})
    empty = by_hand({7: "", 100_000: "Nucleoli"})
    assert list(frame_cells(empty).empty) == [False, True, False]
    one, other = (color_protein(f, frame_cells(f), 0, 0)[10:25, 10:50] for f in (named, empty))
    assert seen(other).argmax() == seen(one).argmax() == 1
    assert seen(other).min() > seen(one).min() + 0.2


def test_negative_is_grey_all_over():
    found = by_hand({7: "Negative", 100_000: "Nucleoli"})
    shown = color_protein(found, frame_cells(found), 0, 0)[10:50, 10:50]
    np.testing.assert_allclose(seen(shown), hue(COLORS[NEGATIVE]), atol=0.02)


@pytest.mark.parametrize("kind", ["missing", "imputed"])
def test_damage_is_hatched_in_its_cell_alone(kind):
    said = {7: "Mitochondria", 100_000: "Nucleoli"}
    sound, hurt = paint(by_hand(said)), paint(by_hand(said, **{kind: [0.0, 0.2]}))
    differ = (sound != hurt).any(-1)
    cells = by_hand(said).cells
    assert differ[cells == 100_000].mean() > 0.1
    assert not differ[cells != 100_000].any()


def test_outlines_lie_inside_the_cells():
    found = by_hand({7: "Mitochondria", 100_000: "Nucleoli"})
    cells = frame_cells(found)
    differ = (paint(found) != color_protein(found, cells, 0, 0)).any(-1)
    assert differ[5, 5:55].all()
    assert differ[54, 60:115].all()
    assert not differ[found.cells == 0].any()
    assert not differ[8:50, 8:50].any()


def test_labels_without_a_row_and_frames_without_a_cell():
    found = by_hand({7: "Mitochondria"})
    assert frame_cells(found).place[:, 60:].max() == 0
    bare = replace(found, table=found.table.iloc[:0], cells=np.zeros_like(found.cells))
    assert paint(bare).shape == (60, 120, 3)
    assert picture(bare).width > 900


def test_the_frames_of_a_stack_are_painted_by_their_own_rows(model):
    image, labels = field(1, 2)
    stack = stack_of(np.stack([image, image[:, ::-1]]), "ZCYX")
    cells = np.stack([labels, labels[::-1] + 5 * (labels[::-1] > 0)])
    found = localize(stack, cells, model=model, device="cpu", missing=np.zeros(stack.shape, bool))
    assert set(frame_cells(found, z=1).table["cell"]) == {6, 7}
    assert not np.array_equal(paint(found, z=0), paint(found, z=1))
    few, many = picture(found, z=0), picture(found)
    assert few.size[0] == many.size[0]


def test_maps_in_any_chunks_give_the_same_picture():
    found = by_hand({7: "Mitochondria; Nucleoli", 100_000: "Nucleoli"})
    other = replace(found, maps=found.maps.rechunk((5, 17, 31)))
    np.testing.assert_array_equal(paint(found), paint(other))


def test_a_field_without_landmarks_has_a_picture(model):
    image, labels = field(1, 2)
    stack = Stack(image[1], "YX", (Channel("protein", "protein"),), PixelSize(0.24, 0.24))
    found = localize(stack, labels, model=model, device="cpu", missing=np.zeros(stack.shape, bool))
    assert paint(found).max() > 100


def test_the_picture_has_title_legend_and_scale_bar():
    found = by_hand({7: "Mitochondria; Nucleoli", 100_000: ""}, missing=[0.3, 0.0])
    sheet = np.asarray(picture(found))
    field_width = 120 * -(-900 // 120)
    legend = sheet[:, field_width + 36 :]
    for c in (MITOCHONDRIA, NUCLEOLI):
        swatch = [int(COLORS[c][i : i + 2], 16) for i in (1, 3, 5)]
        assert (legend == swatch).all(-1).sum() > 400
    other = [int(COLORS[0][i : i + 2], 16) for i in (1, 3, 5)]
    assert not (legend == other).all(-1).any()
    assert (legend == overlay_cells.MISSING_INK).all(-1).any()
    assert not (legend == overlay_cells.IMPUTED_INK).all(-1).any()
    title = sheet[:60, :600]
    assert (title > 200).any()
    without = replace(found, stack=replace(found.stack, pixel_size=None))
    assert (np.asarray(picture(without)) != sheet).any()


@pytest.mark.parametrize(
    ("shape", "longest"), [((40, 64), 960), ((1100, 300), 1100), ((40, 3000), 2048)]
)
def test_the_field_is_brought_to_a_size_to_look_at(shape, longest):
    found = by_hand({7: "Mitochondria"})
    image = np.zeros((4, *shape), np.uint16)
    large = replace(
        found,
        stack=stack_of(image),
        cells=np.zeros(shape, np.int32),
        maps=da.zeros((19, *shape), chunks=(1, -1, -1), dtype=np.float32),
        table=found.table.iloc[:0],
    )
    sheet = picture(large)
    assert isinstance(sheet, Image.Image)
    height, width = (round(n * longest / max(shape)) for n in shape)
    assert sheet.width > width
    assert sheet.height >= height
    assert sheet.width - width < 1100


@pytest.mark.parametrize(
    ("most", "length"), [(1, 1), (1.9, 1), (2, 2), (7, 5), (25, 20), (99.9, 50), (0.34, 0.2)]
)
def test_a_scale_bar_has_a_round_length(most, length):
    assert round_length(most) == pytest.approx(length)


def test_long_and_foreign_names_are_written():
    sheet = Image.new("RGB", (200, 40))
    pen = ImageDraw.Draw(sheet)
    Text(16).write(pen, (0, 0), "µ é 細胞 " * 40, (255, 255, 255), 150)
    shown = np.asarray(sheet).any(-1)
    assert shown.any()
    assert not shown[:, 160:].any()
    assert len(Text(16).wrapped("one two three four five six", 60)) > 2
