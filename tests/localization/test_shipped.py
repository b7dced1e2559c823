"""The shipped localizer: as small as promised, calibrated, and right where the truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import napari_dualgland as nd
from dualgland_training.cell_folds import TOLD, read_labelled_cells, unseen_groups
from dualgland_training.cell_pictures import read_cell_picture
from dualgland_training.evaluate.localization.reading import read_one_cell
from napari_dualgland import CLASSES
from napari_dualgland.model.calibrated_localizer import load_localizer
from napari_dualgland.model.generator import count_parameters
from napari_dualgland.model.weights import SHIPPED
from napari_dualgland.sample import sample_path

ROOT = Path(__file__).parents[2]
ATLAS = ROOT.parent / "shared" / "data" / "hpa"


def test_it_is_small_and_calibrated() -> None:
    reader = load_localizer("localizer", torch.device("cpu"))
    assert count_parameters(reader.network) == reader.card.parameters <= 8_000_000
    assert (SHIPPED / "localizer.safetensors").stat().st_size <= 16_000_000
    assert 0.2 < reader.temperature < 5
    assert {*reader.card.use["thresholds"]} == {*reader.card.use["prior"]} == {*CLASSES}
    assert reader.card.held_out
    assert "Human Protein Atlas" in " ".join(reader.card.data)


def test_it_finds_the_mitochondria_of_the_sample() -> None:
    found = nd.localize(nd.read(sample_path("dualgland_whole.ome.tif")), device="cpu")
    table = found.table[~found.table["touches_border"]]
    assert len(table) >= 10
    best = table[list(CLASSES)].idxmax(axis=1)
    assert (best == "Mitochondria").mean() > 0.7
    lit = found.maps[CLASSES.index("Mitochondria")].compute()
    protein = found.stack.data[1].astype(float)
    inside = found.cells > 0
    assert np.corrcoef(lit[inside], protein[inside])[0, 1] > 0.4


@pytest.mark.skipif(not ATLAS.is_dir(), reason="needs the atlas collection")
def test_it_tells_real_cells_that_it_never_saw() -> None:
    groups = set(unseen_groups(ROOT / "training/recipes/generator.yaml").held_out)
    cells = [c for c in read_labelled_cells(ATLAS) if c.group in groups][::4]
    right = []
    for cell in cells:
        image, inside = read_cell_picture(ATLAS, cell.file)
        said = read_one_cell(image, inside, "localizer")[list(TOLD)]
        right.append(TOLD[int(said.argmax())] == cell.label)
    assert len(right) > 15
    assert np.mean(right) > 0.7
