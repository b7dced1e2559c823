"""The shipped localizer: as small as promised, calibrated, and right where the truth is known."""

from __future__ import annotations

import numpy as np
import torch

import napari_dualgland as nd
from napari_dualgland import CLASSES
from napari_dualgland.model.calibrated_localizer import load_localizer
from napari_dualgland.model.generator import count_parameters
from napari_dualgland.model.weights import SHIPPED
from napari_dualgland.sample import sample_path


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
