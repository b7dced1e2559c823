"""Once this plugin is remembered for an ending, all other files of it open as before."""

from __future__ import annotations

import os
import warnings

import imagecodecs
import numpy as np
import pytest
import tifffile
from napari.settings import get_settings

from napari_dualgland.io import write
from napari_dualgland.stack import ROLES, Channel, Stack

from .conftest import paint

pytestmark = pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="napari draws with OpenGL"
)
PHOTO = np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8)


@pytest.fixture
def remembered():
    plugins = get_settings().plugins
    before = dict(plugins.extension2reader)
    yield plugins
    plugins.extension2reader = before


def dropped(viewer, path):
    """Open a file as napari does on drop; a doubt or a failure is raised."""
    viewer.layers.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        viewer.open(path, plugin=None)  # whichever reader fits or is remembered
    return list(viewer.layers)


def test_ordinary_files_open_as_before(viewer, remembered, tmp_path):
    stack = Stack(paint(), "CYX", tuple(Channel(r, r) for r in ROLES))
    write(stack, tmp_path / "id.png")
    field = write(stack, tmp_path / "id.ome.tif")
    for name in ("photo.png", "car_red.png"):
        (tmp_path / name).write_bytes(imagecodecs.png_encode(PHOTO))
    tifffile.imwrite(tmp_path / "grey.tif", PHOTO[..., 0])
    tifffile.imwrite(tmp_path / "rgb.tif", PHOTO, photometric="rgb")
    # What the dialogue does when its box is ticked: it opens the file, then remembers.
    viewer.open(tmp_path / "id_red.png", plugin="napari-dualgland")
    remembered.extension2reader = {
        **remembered.extension2reader,
        "*.png": "napari-dualgland",
        "*.tif": "napari-dualgland",
    }
    assert remembered.extension2reader["*_red.png"] == "napari-dualgland"
    assert "*.png" not in remembered.extension2reader
    for name, pixels in (
        ("photo.png", PHOTO),
        ("car_red.png", PHOTO),
        ("grey.tif", PHOTO[..., 0]),
        ("rgb.tif", PHOTO),
    ):
        (layer,) = dropped(viewer, tmp_path / name)
        np.testing.assert_array_equal(layer.data, pixels)
    assert [layer.name for layer in dropped(viewer, tmp_path / "id_red.png")] == ["microtubules"]
    assert {layer.name for layer in dropped(viewer, field)} == {*ROLES}
    get_settings().plugins.extension2reader = {"*.png": "napari"}  # another's answer is theirs
    assert remembered.extension2reader == {"*.png": "napari"}
