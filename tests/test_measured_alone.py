"""Whatever is measured is measured over measured pixels alone, whichever way they come.

Pixels that were imputed are given quite other values, in every place that keeps them (a result
in memory, each kind of file, layers), and no figure of any table may change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from localization.cell_scenes import save_localizer
from napari.components import ViewerModel
from napari.layers import Layer

import napari_dualgland as nd
from dualgland_training.simulate import simulate_field
from napari_dualgland.io.layer_tuples import layers_of
from napari_dualgland.io.layer_writing import stack_of_layers
from napari_dualgland.jobs import FileInput, LocalizeJob
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.progress import finish
from napari_dualgland.provenance import Provenance
from napari_dualgland.widgets.field.field_of_view import field_of
from napari_dualgland.widgets.field.job_input import loaded
from napari_dualgland.widgets.field.repaired import estimates_of

SIDE = 192
UNLIKE = (0, 255)
"""What imputed pixels are made to hold."""

FILLED = ("h_filled", "z_filled")
"""Columns that say by their names that imputed pixels are in them."""


READ = ("classes", "uncertainty", *nd.CLASSES)
"""Columns in which the network says what it sees in a cell, its filled pixels too."""


@pytest.fixture(scope="module")
def scene():
    torch.set_num_threads(1)
    return simulate_field((SIDE, SIDE), seed=11)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_localizer(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def lost(scene) -> np.ndarray:
    """(Y, X): a box through several cells, and the whole of one."""
    box = np.zeros((SIDE, SIDE), bool)
    box[60:130, 50:120] = True
    return box | (scene.cells == scene.cells.max())


def imputed(scene, lost: np.ndarray, roles: tuple[str, ...], value: int) -> nd.Imputation:
    """Return the field with what was lost in some channels filled with one value."""
    stack = scene.stack("simulated")
    missing = np.zeros(stack.shape, bool)
    for role in roles:
        missing[stack.roles[role]] = lost
    filled = replace(stack, data=np.where(missing, value, stack.data))
    known = Provenance(version="0", model="prior", date="2025-01-01")
    return nd.Imputation.of(filled, missing, provenance=known)


def _through_layers(result: nd.Imputation, folder: Path) -> nd.Stack:
    return stack_of_layers(layers_of(result))


def _through_a_dock(result: nd.Imputation, folder: Path) -> nd.Stack:
    viewer, path = ViewerModel(), nd.write(result, folder / "filled.ome.tif")
    for layer in layers_of(nd.read(path)):
        viewer.add_layer(Layer.create(*layer))
    source = field_of(viewer).source()
    return loaded(source, estimates_of(viewer.layers, source)).stack


def _through_file(ending: str) -> Callable[[nd.Imputation, Path], nd.Stack]:
    def there_and_back(result: nd.Imputation, folder: Path) -> nd.Stack:
        path = nd.write(result, folder / f"filled{ending}")
        return nd.read(path.with_suffix("") if ending == ".png" else path)  # a set by its prefix

    return there_and_back


WAYS: dict[str, Callable[[nd.Imputation, Path], nd.Stack]] = {
    "memory": lambda result, folder: result,
    "layers": _through_layers,
    "a dock": _through_a_dock,
    **{ending: _through_file(ending) for ending in (".ome.tif", ".tif", ".ome.zarr", ".png")},
}


def cells_table(stack: nd.Stack, cells: np.ndarray, model: str, folder: Path) -> pd.DataFrame:
    missing = np.zeros(stack.shape, bool)
    found = nd.localize(stack, cells, missing=missing, model=model, device="cpu")
    return pd.read_csv(nd.write(found, folder / "cells.csv")).drop(columns=list(READ))


def set_points(stack: nd.Stack, cells: np.ndarray, model: str, folder: Path) -> pd.DataFrame:
    missing = np.zeros(stack.shape, bool)
    found = nd.boundaries(stack, cells, missing=missing, device="cpu")
    table = pd.read_csv(nd.write(found, folder / "set_points.csv"))
    return table.drop(columns=list(FILLED))


def from_the_command_line(
    stack: nd.Stack, cells: np.ndarray, model: str, folder: Path
) -> pd.DataFrame:
    """As a batch and ``dualgland localize`` do it: a job that reads a file and finds the cells."""
    written = nd.write(stack, folder / "given.ome.tif")
    params = LocalizeParams(model=model, device="cpu")
    job = LocalizeJob(input=FileInput(path=written), output=folder / "found", params=params)
    job.save(finish(job.steps()))
    return pd.read_csv(folder / "found" / "cells.csv").drop(columns=list(READ))


TABLES = {"cells.csv": cells_table, "set points": set_points, "a job": from_the_command_line}


@pytest.fixture(scope="module", params=TABLES)
def measured(request, scene, lost, model, tmp_path_factory):
    """A table, and what it says of the field whose protein was filled with 0."""
    folder = tmp_path_factory.mktemp("first")
    tabulate = TABLES[request.param]
    filled = imputed(scene, lost, ("protein",), UNLIKE[0])
    return tabulate, tabulate(filled, scene.cells, model, folder)


@pytest.mark.parametrize("way", WAYS)
def test_no_figure_hangs_on_what_imputed_pixels_hold(
    way, measured, scene, lost, model, tmp_path
) -> None:
    tabulate, right = measured
    stack = WAYS[way](imputed(scene, lost, ("protein",), UNLIKE[1]), tmp_path)
    found = tabulate(stack, scene.cells, model, tmp_path)
    pd.testing.assert_frame_equal(found, right, rtol=1e-4, atol=1e-4)


def test_a_figure_that_hung_on_them_would_be_seen(scene, lost, model, tmp_path) -> None:
    """The same values, not marked as imputed, change nearly every table."""
    for tabulate in (cells_table, set_points):
        tables = []
        for value in UNLIKE:
            result = imputed(scene, lost, ("protein",), value)
            plain = replace(scene.stack("simulated"), data=result.data)
            tables.append(tabulate(plain, scene.cells, model, tmp_path))
        assert not tables[0].equals(tables[1])


def test_where_nothing_was_measured_nothing_is_said(scene, lost, model, tmp_path) -> None:
    stack, whole = imputed(scene, lost, nd.ROLES, 255), int(scene.cells.max())
    cells = cells_table(stack, scene.cells, model, tmp_path).set_index("cell")
    told = cells.loc[whole]
    assert (told["measured"], told["imputed"], told["missing"]) == (0, 1, 0)
    assert told.filter(like="intensity ").isna().all()
    np.testing.assert_allclose(cells["measured"], 1 - cells["imputed"], atol=2e-4)
    points = set_points(stack, scene.cells, model, tmp_path)
    points = points[points["cell"] == whole]
    assert (points["measured"].fillna(0) == 0).all()
    assert points[["h", "z_score"]].isna().all(axis=None)


def test_of_a_cell_as_a_whole_filled_landmarks_change_nothing(scene, lost, model, tmp_path) -> None:
    """Where a compartment ends is read from them; what the cell holds is not."""
    tables = [
        cells_table(imputed(scene, lost, nd.ROLES, value), scene.cells, model, tmp_path)
        for value in UNLIKE
    ]
    kept = ["cell", "area_um2", "intensity cell", "imputed", "missing", "measured"]
    pd.testing.assert_frame_equal(tables[0][kept], tables[1][kept])


def test_a_table_says_what_it_counted(scene, lost, model) -> None:
    result = imputed(scene, lost, ("protein",), 0)
    missing = np.zeros(result.shape, bool)
    found = nd.localize(result, scene.cells, missing=missing, model=model, device="cpu")
    assert any("measured pixels alone" in note for note in found.provenance.notes)
    balance = nd.boundaries(result, scene.cells, missing=missing, device="cpu")
    assert any("left out of the balance" in note for note in balance.provenance.notes)
