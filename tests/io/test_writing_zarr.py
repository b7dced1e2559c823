"""OME-Zarr as other programs read it: NGFF 0.5, its labels, its resolutions."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import zarr
from test_writing import imputation_of, stack_of

from napari_dualgland.io import read, write
from napari_dualgland.stack import ROLES, Channel, PixelSize, Stack


def test_the_metadata_are_those_of_ngff(tmp_path):
    path = write(imputation_of(stack_of("TZCYX", "uint16")), tmp_path / "a.ome.zarr")
    root = zarr.open_group(path, mode="r")
    assert root.metadata.zarr_format == 3
    ome = root.attrs["ome"]
    assert ome["version"] == "0.5"
    (image,) = ome["multiscales"]
    assert [axis["name"] for axis in image["axes"]] == ["t", "c", "z", "y", "x"]
    assert [axis["type"] for axis in image["axes"]] == ["time", "channel", *["space"] * 3]
    (move,) = image["datasets"][0]["coordinateTransformations"]
    assert move == {"type": "scale", "scale": [5.0, 1.0, 0.3, 0.08, 0.09]}
    assert [c["color"] for c in ome["omero"]["channels"]] == [
        "FF0000",
        "00FF00",
        "0000FF",
        "FFFF00",
    ]
    assert all({"min", "max", "start", "end"} <= set(c["window"]) for c in ome["omero"]["channels"])
    assert list(root["0"].metadata.dimension_names) == ["t", "c", "z", "y", "x"]
    assert root["labels"].attrs["ome"]["labels"] == ["missing"]
    marks = root["labels/missing"]
    assert marks.attrs["ome"]["image-label"]["source"] == {"image": "../../"}
    assert marks["0"].shape == root["0"].shape
    assert marks["0"].dtype.kind in "ui"


def test_a_large_plane_gets_resolutions(tmp_path):
    rng = np.random.default_rng(0)
    data = da.from_array(rng.integers(0, 255, (1, 4200, 600), np.uint8), chunks=(1, 700, 600))
    stack = Stack(data, "CYX", (Channel("DAPI", "nucleus"),), PixelSize(0.1, 0.1))
    path = write(stack, tmp_path / "a.zarr")
    root = zarr.open_group(path, mode="r")
    (image,) = root.attrs["ome"]["multiscales"]
    shapes = [root[level["path"]].shape for level in image["datasets"]]
    assert shapes == [(1, 4200, 600), (1, 2100, 300), (1, 1050, 150), (1, 525, 75)]
    half = root["1"][0]
    whole = np.asarray(data[0]).reshape(2100, 2, 300, 2).mean(axis=(1, 3))
    np.testing.assert_array_equal(half, np.rint(whole))
    scale, shift = image["datasets"][1]["coordinateTransformations"]
    assert scale["scale"] == pytest.approx([1, 0.2, 0.2])
    assert shift["translation"] == pytest.approx([0, 0.05, 0.05])
    np.testing.assert_array_equal(np.asarray(read(path).data), np.asarray(data))


def test_a_mask_that_somebody_deleted_is_missed(tmp_path):
    import shutil

    path = write(imputation_of(stack_of()), tmp_path / "a.ome.zarr")
    shutil.rmtree(path / "labels")
    assert any("some of its pixels are estimates" in note for note in read(path).notes)


def test_dropped_it_has_our_looks(tmp_path):
    from napari_dualgland.io.napari_io import get_reader

    path = write(imputation_of(stack_of()), tmp_path / "a.ome.zarr")
    layers = get_reader(str(path))(None)
    shown = {looks["name"]: looks for _, looks, _ in layers}
    assert {*ROLES, "missing"} <= {*shown}
    assert shown["nucleus"]["colormap"] == "blue"


def test_memory_is_bounded(tmp_path):
    """A lazy field is computed a band of rows at a time and never held."""
    import tracemalloc

    side = 6144  # 36 MiB a channel and 144 MiB in all
    data = da.ones((4, side, side), dtype=np.uint8, chunks=(4, 512, side))
    stack = Stack(data, "CYX", tuple(Channel(r, r) for r in ROLES))
    tracemalloc.start()
    write(stack, tmp_path / "a.ome.zarr")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 * 2**20
