"""What was changed since it was opened is in no file: no job says that it is."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Layer

from napari_dualgland.errors import Kind
from napari_dualgland.io import read, write
from napari_dualgland.io.layer_tuples import layers_of
from napari_dualgland.io.layers import path_of
from napari_dualgland.jobs import FileInput, LabelsLayer, LocalizeJob
from napari_dualgland.provenance import Provenance
from napari_dualgland.results import Imputation
from napari_dualgland.widgets.field.field_of_view import field_of
from napari_dualgland.widgets.field.job_input import ref_of
from napari_dualgland.widgets.impute.mask_saving import is_in_no_file

from .conftest import HOLE, SIDE, refused


def cells():
    labels = np.zeros((SIDE, SIDE), np.int32)
    labels[10:50, 10:60], labels[60:120, 40:100] = 3, 7
    return labels


def mask():
    marked = np.zeros((SIDE, SIDE), np.int32)
    marked[HOLE] = 255
    return marked


@pytest.fixture(params=[cells, mask])
def labels_file(request, tmp_path):
    """A file of whole numbers, as other programs write it."""
    tifffile.imwrite(tmp_path / "numbers.tif", request.param(), compression="zlib")
    return tmp_path / "numbers.tif"


def opened_labels(viewer, path):
    (layer,) = viewer.open(path, plugin="napari", layer_type="labels")
    return layer


def paint(layer):
    layer.paint((100, 130), 9)


def erase(layer):
    layer.paint((60, 80), 0)


def fill(layer):
    layer.fill((45, 55), 2)


def put_others(layer):
    layer.data = layer.data * 2


def write_into(layer):
    layer.data[:5, :5] = 1


@pytest.mark.parametrize("change", [paint, erase, fill, put_others, write_into])
def test_labels_that_were_changed_are_in_no_file(labels_file, change):
    """Before there is any dock to see it."""
    layer = opened_labels(ViewerModel(), labels_file)
    assert path_of(layer) == labels_file
    change(layer)
    assert path_of(layer) is None


def test_labels_that_were_set_right_again_are_in_their_file(labels_file):
    layer = opened_labels(ViewerModel(), labels_file)
    paint(layer)
    layer.undo()
    assert path_of(layer) == labels_file


def test_labels_whose_file_was_written_anew_are_in_no_file(labels_file):
    layer = opened_labels(ViewerModel(), labels_file)
    tifffile.imwrite(labels_file, np.roll(layer.data, 1, axis=0))
    assert path_of(layer) is None
    labels_file.unlink()
    assert path_of(layer) is None


@pytest.fixture
def viewer_of_file(saved):
    """A field that was read from a file, in a viewer without a window."""
    return shown(saved)


def shown(path):
    viewer = ViewerModel()
    for looks in layers_of(read(path)):
        viewer.add_layer(Layer.create(*looks))
    return viewer


def test_corrected_cells_are_not_copied_as_those_of_their_file(viewer_of_file, labels_file):
    layer = opened_labels(viewer_of_file, labels_file)

    def job():
        given = LabelsLayer(layer=ref_of(layer))
        return LocalizeJob(input=field_of(viewer_of_file).value(), cells=given)

    assert f"--cells {labels_file}" in job().as_command()
    paint(layer)
    assert str(labels_file) not in job().model_dump_json()
    with refused(Kind.LACKING, layer.name):
        job().as_command()


def test_a_corrected_mask_is_offered_to_be_saved(opened, viewer, tmp_path):
    tifffile.imwrite(tmp_path / "mask.tif", mask())
    layer = opened_labels(viewer, tmp_path / "mask.tif")
    layer.scale = viewer.layers["protein"].scale
    opened.missing.ways.set_value("labels")
    opened.missing.labels.set_layer(layer)
    assert not is_in_no_file(opened.value())
    erase(layer)
    assert is_in_no_file(opened.value())


def test_an_image_that_was_changed_is_in_no_file(viewer_of_file, saved):
    field, layer = field_of(viewer_of_file), viewer_of_file.layers["nucleus"]
    assert field.value().file == FileInput(path=saved)
    before, layer.data = layer.data, layer.data // 2
    assert field.value().file is None
    layer.data = before
    assert field.value().file == FileInput(path=saved)


def test_estimates_that_were_unmarked_are_in_no_file(saved, tmp_path):
    stack = read(saved)
    missing = np.zeros(stack.shape, bool)
    missing[1, 20:40] = True
    known = Provenance(version="0", model="prior", date="2025-01-01")
    path = write(Imputation.of(stack, missing, provenance=known), tmp_path / "filled.ome.tif")
    viewer = shown(path)
    assert field_of(viewer).value().file == FileInput(path=path)
    viewer.layers["missing"].paint((30, 30), 0)
    assert field_of(viewer).value().file is None
