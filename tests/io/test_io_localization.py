"""A localization in files: read back and compared, opened by napari, all of it or nothing."""

from __future__ import annotations

from dataclasses import replace

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import tifffile
from localization.cell_scenes import field, save_localizer, stack_of
from ome_types import from_tiff

from napari_dualgland import CLASSES, DualglandError, localize, read, write
from napari_dualgland.classes import COLORS
from napari_dualgland.io import localization_writing, read_labels
from napari_dualgland.io.localization_writing import write_localization
from napari_dualgland.io.napari_io import get_reader
from napari_dualgland.io.tiff import read_tiff
from napari_dualgland.stack import PixelSize

NAMES = {"cells.csv", "cells.tif", "maps.ome.tif"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_localizer(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def found(model):
    """Two planes of a simulated stack, with labels of which one is large."""
    image, labels = field(1, 2)
    stack = stack_of(
        np.stack([image, image[:, ::-1]]), "ZCYX", pixel_size=PixelSize(0.24, 0.25, 0.9), name="µ"
    )
    cells = np.stack([labels, np.where(labels[::-1] == 2, 3000, labels[::-1])])
    return localize(stack, cells, model=model, device="cpu", missing=np.zeros(stack.shape, bool))


def test_labels_come_back_bit_for_bit(found, tmp_path):
    write(found, tmp_path / "new" / "folder")
    back = read_tiff(tmp_path / "new" / "folder" / "cells.tif")
    assert (back.axes, back.dtype) == ("ZYX", np.uint16)
    np.testing.assert_array_equal(back.data, found.cells)
    assert back.pixel_size == found.stack.pixel_size
    assert back.provenance == found.provenance
    np.testing.assert_array_equal(read_labels(tmp_path / "new" / "folder" / "cells.tif"), back.data)


def test_large_labels_stay_what_they_are(found, tmp_path):
    cells = np.where(found.cells == 3000, 2**31 - 1, found.cells).astype(np.int32)
    write(replace(found, cells=cells), tmp_path)
    back = read_tiff(tmp_path / "cells.tif")
    assert back.dtype == np.int32
    np.testing.assert_array_equal(back.data, cells)


def test_labels_of_a_large_field_are_not_averaged(found, tmp_path):
    cells = np.zeros((16, 5000), np.int32)
    cells[:, 1001:4001], cells[:, 4001:] = 3, 9
    stack = stack_of(np.zeros((4, *cells.shape), np.uint8))
    maps = da.zeros((19, *cells.shape), chunks=(1, -1, -1), dtype=np.float32)
    write(replace(found, stack=stack, cells=cells, maps=maps), tmp_path)
    with tifffile.TiffFile(tmp_path / "cells.tif") as tif:
        levels = tif.series[0].levels
        assert len(levels) > 1
        for level in levels:
            assert set(np.unique(level.asarray())) == {0, 3, 9}


def test_maps_come_back_within_a_step(found, tmp_path):
    write(found, tmp_path)
    path = tmp_path / "maps.ome.tif"
    back = read_tiff(path)
    assert (back.axes, back.dtype) == ("ZCYX", np.uint8)
    maps = np.asarray(found.maps)
    assert maps.max() > 0.5
    np.testing.assert_allclose(np.asarray(back.data) / 255, maps, atol=0.5 / 255 + 1e-6)
    assert [c.name for c in back.channels] == [*CLASSES]
    assert [c.color for c in back.channels] == [*COLORS]
    assert (back.pixel_size, back.provenance) == (found.stack.pixel_size, found.provenance)
    ome = from_tiff(path)
    assert "times 255" in ome.images[0].description
    assert f"Nucleoli {found.thresholds[2]:.3g}" in ome.images[0].description
    with tifffile.TiffFile(path) as tif:
        assert tif.pages[0].compression != 1


def test_maps_are_computed_once_and_class_by_class(found, tmp_path):
    asked = []

    def count(block, block_info=None):
        asked.append(block_info[0]["chunk-location"])
        assert block.shape[1] == 1
        return block

    meta = np.empty((0,) * 4, np.float32)
    write(replace(found, maps=da.map_blocks(count, found.maps, meta=meta)), tmp_path)
    assert len(asked) == len(set(asked)) == 2 * 19


def test_the_table_comes_back(found, tmp_path):
    write(found, tmp_path)
    raw = (tmp_path / "cells.csv").read_bytes()
    assert raw.startswith(b"cell,z,")
    assert b"\r" not in raw
    back = pd.read_csv(tmp_path / "cells.csv", keep_default_na=True)
    assert list(back.columns) == list(found.table.columns)
    assert len(back) == len(found.table) > 2
    for name in back.columns:
        wanted = found.table[name]
        if name == "classes":
            assert list(back[name].fillna("")) == list(wanted)
        elif wanted.dtype.kind == "f":
            np.testing.assert_allclose(back[name], wanted, rtol=1e-5, atol=0.0051)
        else:
            assert list(back[name]) == list(wanted)
    np.testing.assert_allclose(back[[*CLASSES]], found.table[[*CLASSES]], atol=0.51e-4)


def test_numbers_that_are_not_there_and_text_that_calculates(found, tmp_path):
    table = found.table.copy()
    table.loc[0, "intensity nucleus"] = np.nan
    table.loc[0, "intensity cell"] = -1234567.0
    table.loc[0, "classes"], table.loc[1, "classes"] = "", '=HYPERLINK("x"), "'
    write(replace(found, table=table), tmp_path)
    back = pd.read_csv(tmp_path / "cells.csv", dtype=str, keep_default_na=False)
    assert back.loc[0, "intensity nucleus"] == ""
    assert float(back.loc[0, "intensity cell"]) == pytest.approx(-1234567, rel=1e-5)
    assert back.loc[0, "classes"] == ""
    assert back.loc[1, "classes"].startswith("'=")


def test_a_field_without_cells_is_written(model, tmp_path):
    image, labels = field(1, 1)
    empty = localize(stack_of(image), np.zeros_like(labels), model=model, device="cpu")
    write(empty, tmp_path)
    assert pd.read_csv(tmp_path / "cells.csv").empty
    assert read_tiff(tmp_path / "cells.tif").data.max() == 0


def test_other_files_stay_and_older_ones_are_replaced(found, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "cells.csv").write_text("old")
    paths = write_localization(found, tmp_path)
    assert {*paths} == NAMES
    assert {p.name for p in tmp_path.iterdir()} == NAMES | {"notes.txt"}
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "cells.csv").read_text() != "old"


def test_all_or_nothing(found, tmp_path):
    def broken(block):
        raise RuntimeError("no map today")

    meta = np.empty((0,) * 4, np.float32)
    bad = replace(found, maps=da.map_blocks(broken, found.maps, meta=meta))
    (tmp_path / "cells.csv").write_text("old")
    with pytest.raises(RuntimeError, match="no map"):
        write(bad, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["cells.csv"]
    assert (tmp_path / "cells.csv").read_text() == "old"
    with pytest.raises(RuntimeError, match="no map"):
        write(bad, tmp_path / "new" / "er")
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be(found, tmp_path):
    (tmp_path / "taken").touch()
    with pytest.raises(DualglandError, match="taken"):
        write(found, tmp_path / "taken")
    (tmp_path / "out" / "cells.csv").mkdir(parents=True)
    with pytest.raises(DualglandError, match=r"cells\.csv"):
        write(found, tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["cells.csv"]


def test_the_source_is_never_replaced(found, tmp_path):
    path = tmp_path / "maps.ome.tif"
    write(found.stack, path)
    before = path.read_bytes()
    with pytest.raises(DualglandError, match="source"):
        write(replace(found, stack=read(path)), tmp_path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_napari_opens_the_cells_and_the_maps(found, tmp_path):
    layers = pytest.importorskip("napari.layers")
    write(found, tmp_path)
    ((pixels, looks, kind),) = get_reader(str(tmp_path / "cells.tif"))("")
    cells = layers.Layer.create(pixels, looks, kind)
    assert isinstance(cells, layers.Labels)
    assert cells.name == "cells"
    np.testing.assert_array_equal(cells.data, found.cells)
    assert tuple(cells.scale) == (0.9, 0.24, 0.25)
    maps = [layers.Layer.create(*t) for t in get_reader(str(tmp_path / "maps.ome.tif"))("")]
    assert [layer.name for layer in maps] == [*CLASSES]
    for i, layer in enumerate(maps):
        assert tuple(layer.contrast_limits) == (0, 255)
        assert tuple(layer.scale) == (0.9, 0.24, 0.25)
        top = np.rint(layer.colormap.map([1.0])[0][:3] * 255).astype(int)
        assert "#{:02X}{:02X}{:02X}".format(*top) == COLORS[i]
        assert layer.visible == bool((np.asarray(found.maps)[:, i] >= 128 / 255).any())


def test_every_column_that_is_rounded_is_one_of_the_table(found):
    assert {*localization_writing._DECIMALS} <= {*found.table.columns}
