"""Set points learned from annotated cells: by hand on few, against held-out cells on the rest."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
import torch
from training.gland_scenes import ATLAS

from dualgland_training.data.collection import CollectionCell, read_cell_image, read_cells
from dualgland_training.generator.set_points import (
    AnnotatedCell,
    main,
    measure_cells,
    measured,
    table_of,
)
from dualgland_training.losses.pituitary import SetPoints, pituitary_loss
from napari_dualgland.errors import DualglandError
from napari_dualgland.imputation.normalise import measure
from napari_dualgland.model.compartments import soft_compartments
from napari_dualgland.model.set_points import ANY, read_set_points

HELD_OUT = ("1-3", "1-12", "1-16", "1-163", "1-174", "2-190", "2-193", "2-223", "3-280", "4-389")
real = pytest.mark.skipif(not ATLAS.is_dir(), reason="the atlas collection is absent")


@pytest.fixture(scope="module")
def held_out() -> list[tuple[CollectionCell, AnnotatedCell]]:
    listed = [c for c in read_cells(ATLAS) if c.group in HELD_OUT and c.location is not None]
    return list(zip(listed, measure_cells(ATLAS, listed), strict=True))


def test_the_table_holds_medians_and_spreads(tmp_path):
    values = [np.full((4, 5), v) for v in (0.0, 1.0, 5.0)]
    cells = [AnnotatedCell("g", "Nucleoli", v) for v in values]
    cells.append(AnnotatedCell("h", "Cytosol", np.full((4, 5), -3.0)))
    path = tmp_path / "table.csv"
    path.write_text(table_of(cells))
    table = read_set_points(path)
    nucleoli = table.locations["Nucleoli"]
    assert (nucleoli.theta == 1).all()
    np.testing.assert_allclose(nucleoli.tau, 1.4826, atol=1e-4)
    assert (nucleoli.cells, table.locations[ANY].cells) == (3, 4)
    assert (table.locations["Cytosol"].tau > 0).all()


@real
def test_exposure_changes_no_set_point():
    image = tifffile.imread(sorted((ATLAS / "cells").iterdir())[5])
    dimmer = np.rint(image / 2).astype(np.uint8)
    np.testing.assert_allclose(measured(image), measured(dimmer), atol=0.1)


@real
def test_held_out_cells_keep_to_their_own_place_rather_than_to_another(held_out):
    table = read_set_points()
    cells = [cell for _, cell in held_out]
    places = {"Nucleoplasm", "Cytosol"}
    assert places <= {c.location for c in cells}

    def violation(cell: AnnotatedCell, place: str) -> float:
        wanted = table.expected([place])
        off = np.abs(cell.held - wanted.theta) / wanted.tau
        return float(np.maximum(off[1, :4] - 1, 0).sum())

    for place in places:
        (other,) = places - {place}
        own = [violation(c, place) < violation(c, other) for c in cells if c.location == place]
        assert np.mean(own) > 0.8


@real
def test_the_loss_tells_a_right_annotation_from_a_wrong_one(held_out):
    cell = next(listed for listed, c in held_out if c.location == "Nucleoplasm")
    image = read_cell_image(ATLAS, cell)
    unit = torch.from_numpy(measure([c.ravel() for c in image]).apply(image)).float()[None]
    kinds = soft_compartments(unit, 0.13)
    missing = torch.zeros_like(unit, dtype=torch.bool)
    missing[:, 1, 20:-20, 20:-20] = True
    losses = {}
    for place in ("Nucleoplasm", "Cytosol"):
        wanted = read_set_points().expected([place])
        points = SetPoints(*(torch.from_numpy(v) for v in (wanted.theta, wanted.tau)))
        losses[place] = float(pituitary_loss(unit, unit, missing, kinds, set_points=points))
    assert losses["Nucleoplasm"] < losses["Cytosol"]


def test_a_recipe_without_annotated_cells_is_refused(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("data: {images: ['*.tif']}\n")
    out = tmp_path / "table.csv"
    with pytest.raises(DualglandError, match=r"cells\.csv"):
        main(recipe, out)
    assert not out.exists()
