"""What happens on drop and on File > Save, by the manifest that napari reads."""

from __future__ import annotations

import os

import dask.array as da
import imagecodecs
import numpy as np
import pytest
import tifffile
from npe2 import PluginManager, PluginManifest
from npe2 import read as npe2_read
from npe2 import write as npe2_write
from test_io_hpa import FIELD, LITTER, write_member, write_set
from test_io_round_trip import PROVENANCE, field, four_channels, imputed

from napari_dualgland.errors import DualglandError
from napari_dualgland.io import read, write
from napari_dualgland.io.layer_tuples import contrast_limits, layers_of
from napari_dualgland.io.napari_io import get_reader, write_cells, write_layers
from napari_dualgland.io.tiff import look_at_tiff, read_tiff
from napari_dualgland.results import Imputation
from napari_dualgland.sample import sample_path
from napari_dualgland.stack import ROLES, Channel, PixelSize, Stack

napari_layers = pytest.importorskip("napari.layers")
PLUGIN = "napari-dualgland"


@pytest.fixture(autouse=True)
def _plugin():
    manager = PluginManager.instance()
    if PLUGIN not in manager:
        manager.register(PluginManifest.from_distribution(PLUGIN))


def drop(paths, stack=False):
    return npe2_read([str(p) for p in paths], stack=stack, plugin_name=PLUGIN)


def test_the_four_files_give_four_named_coloured_layers(tmp_path):
    write_set(tmp_path)
    together = drop(sorted(tmp_path.iterdir()), stack=True)
    folder = drop([tmp_path])
    one_by_one = [layer for f in sorted(tmp_path.iterdir()) for layer in drop([f])]
    for layers in (together, folder, one_by_one):
        shown = {looks["name"]: (pixels, looks) for pixels, looks, kind in layers}
        assert set(shown) == set(ROLES)
        assert {name: looks["colormap"] for name, (_, looks) in shown.items()} == {
            "microtubules": "red",
            "protein": "green",
            "nucleus": "blue",
            "er": "yellow",
        }
        for role, (pixels, looks) in shown.items():
            np.testing.assert_array_equal(pixels, FIELD[ROLES.index(role)])
            assert looks["blending"] == "additive"
            assert looks["metadata"]["dualgland"].field == "id"
            assert napari_layers.Layer.create(pixels, looks, "image").name == role


def test_what_systems_leave_beside_a_set_is_not_dropped_with_it(tmp_path):
    write_set(tmp_path)
    for name in LITTER:
        (tmp_path / name).write_bytes(b"\0\5\x16\7")
    together = get_reader([str(path) for path in sorted(tmp_path.iterdir())])
    for layers in (drop([tmp_path]), together(None)):
        assert {looks["name"] for _, looks, _ in layers} == set(ROLES)
    assert get_reader([str(tmp_path / "Thumbs.db")]) is None


@pytest.mark.parametrize("name", ["id_red.png", "id_red.tif", "a.tif", "a.ome.tif", "a"])
def test_pipes_are_left_to_others_and_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    assert get_reader(str(tmp_path / name)) is None
    assert get_reader([str(tmp_path / name)]) is None


def test_one_file_gives_its_layer(tmp_path):
    path = write_set(tmp_path)
    layers = drop([path])
    assert [looks["name"] for _, looks, _ in layers] == ["microtubules"]


def test_two_of_four_give_two(tmp_path):
    write_set(tmp_path)
    layers = drop([tmp_path / "id_blue.png", tmp_path / "id_red.png"], stack=True)
    assert [looks["name"] for _, looks, _ in layers] == ["microtubules", "nucleus"]


def test_scale_and_units(tmp_path):
    stack = Stack(
        np.zeros((2, 3, 4, 8, 9), "u1"),
        "TZCYX",
        tuple(Channel(r, r) for r in ROLES),
        PixelSize(0.08, 0.09, 0.3),
        5.0,
    )
    layers = drop([write(stack, tmp_path / "a.ome.tif")])
    layer = napari_layers.Layer.create(*layers[0])
    assert tuple(layer.scale) == (5.0, 0.3, 0.08, 0.09)
    assert [str(u) for u in layer.units] == ["second", "micrometer", "micrometer", "micrometer"]
    assert layer.axis_labels == ("t", "z", "y", "x")


def test_what_is_not_ours_is_declined(tmp_path):
    photo = np.random.default_rng(0).integers(0, 255, (30, 30, 3), np.uint8)
    (tmp_path / "photo.png").write_bytes(imagecodecs.png_encode(photo))
    (tmp_path / "car_red.png").write_bytes(imagecodecs.png_encode(photo))
    (tmp_path / "text.tif").write_text("hello")
    tifffile.imwrite(tmp_path / "rgb.tif", photo, photometric="rgb")
    tifffile.imwrite(tmp_path / "grey.tif", photo[..., 0])
    for name in ("photo.png", "car_red.png", "text.tif", "rgb.tif", "grey.tif", "absent.tif"):
        assert get_reader(str(tmp_path / name)) is None, name
    assert get_reader(str(tmp_path / "photo.png")) is None
    write_member(tmp_path / "id_red.png", FIELD[0])
    assert get_reader([str(tmp_path / "id_red.png"), str(tmp_path / "photo.png")]) is None
    (tmp_path / "folder").mkdir()
    assert get_reader(str(tmp_path / "folder")) is None


def test_photographs_are_not_even_asked_about(tmp_path):
    """napari asks which plugin to use wherever two patterns match."""
    manager = PluginManager.instance()

    def readers(name):
        return [r.plugin_name for r in manager.iter_compatible_readers([str(tmp_path / name)])]

    assert PLUGIN not in readers("holiday.png")
    assert PLUGIN not in readers("holiday.jpg")
    for name in ("1_A3_2_blue.jpg", "id_yellow.PNG", "a.ome.tif", "id_red.tif.gz", "x.TIFF"):
        assert PLUGIN in readers(name)


@pytest.mark.parametrize("axes", ["CYX", "ZCYX", "YXC", "CTYX"])
def test_layers_saved_are_the_stack_that_was_read(tmp_path, axes):
    sizes = {"T": 2, "Z": 3, "C": 4, "Y": 20, "X": 25}
    mask_rng = np.random.default_rng(1)
    shape = tuple(sizes[a] for a in axes)
    stack = Stack(
        field(shape, "uint16"),
        axes,
        tuple(
            Channel(f"stain {r}", r, c)
            for r, c in zip(ROLES, ("#FF0000", "#00FF00", "#0000FF", "#FFFF00"), strict=True)
        ),
        PixelSize(0.08, 0.08, 0.3 if "Z" in axes else None),
        5.0 if "T" in axes else None,
    )
    mask = mask_rng.random(shape) < 0.2
    unsure = np.where(mask, np.float32(2), np.float32(0))
    first = read(
        write(Imputation.of(stack, mask, unsure, provenance=PROVENANCE), tmp_path / "a.ome.tif")
    )
    layers = [napari_layers.Layer.create(*t) for t in drop([tmp_path / "a.ome.tif"])]
    assert [layer._type_string for layer in layers] == ["image"] * 8 + ["labels"]
    out = str(tmp_path / "b.ome.tif")
    assert npe2_write(out, [layer.as_layer_data_tuple() for layer in layers]) == [out]
    second = read(out)
    np.testing.assert_array_equal(second.canonical(), first.canonical())
    assert second.channels == first.channels
    assert second.pixel_size == first.pixel_size
    assert second.time_step == first.time_step
    assert second.provenance == PROVENANCE
    assert second.axes == first.axes
    np.testing.assert_array_equal(second.imputed, first.imputed)
    np.testing.assert_array_equal(second.uncertainty, first.uncertainty)


def test_estimates_are_not_saved_without_their_mask(tmp_path):
    layers = list(layers_of(read(write(imputed(four_channels()), tmp_path / "a.ome.tif"))))
    with pytest.raises(DualglandError, match="select its 'missing' layer too"):
        write_layers(str(tmp_path / "b.ome.tif"), [t for t in layers if t[2] == "image"])


def images(*names, shape=(8, 9), dtype="u1"):
    return [(np.zeros(shape, dtype), {"name": name}, "image") for name in names]


def test_a_drawn_mask_means_all_channels(tmp_path):
    drawn = np.zeros((8, 9), int)
    drawn[2:4] = 1
    layers = [*images("tubulin", "DAPI", "brightfield"), (drawn, {"name": "missing"}, "labels")]
    write_layers(str(tmp_path / "a.ome.tif"), layers)
    back = read(tmp_path / "a.ome.tif")
    assert back.roles == {"microtubules": 0, "nucleus": 1}
    np.testing.assert_array_equal(back.imputed, np.broadcast_to(drawn > 0, (3, 8, 9)))


@pytest.mark.parametrize(
    ("layers", "match"),
    [
        (images("DAPI", "Hoechst"), "'DAPI' and 'Hoechst' are both nucleus"),
        (images("DAPI") + images("ER", shape=(8, 8)), "differ in shape"),
        (images("DAPI") + images("ER", dtype="u2"), "differ in dtype"),
        ([(np.zeros((8, 9, 3), "u1"), {"name": "photo", "rgb": True}, "image")], "is RGB"),
        ([*images("DAPI"), (np.zeros((8, 9), int), {"name": "cells"}, "labels")], "no place"),
        ([*images("DAPI"), (np.zeros((3, 9), int), {"name": "missing"}, "labels")], "does not fit"),
        ([(np.zeros((8, 9), int), {"name": "missing"}, "labels")], "no image layer"),
        (images("DAPI", shape=(1, 1, 1, 1, 2, 2)), "without names"),
    ],
)
def test_layers_that_are_no_field_are_refused(tmp_path, layers, match):
    with pytest.raises(DualglandError, match=match):
        write_layers(str(tmp_path / "a.ome.tif"), layers)
    assert list(tmp_path.iterdir()) == []


def test_a_large_file_is_shown_multiscale(tmp_path):
    values = field((2, 4200, 64), "uint8")
    stack = Stack(values, "CYX", (Channel("DAPI", "nucleus"), Channel("ER", "er")))
    layers = drop([write(stack, tmp_path / "a.ome.tif")])
    pixels, looks, _ = layers[0]
    assert looks["multiscale"]
    assert [level.shape for level in pixels] == [(4200, 64), (2100, 32), (1050, 16), (525, 8)]
    layer = napari_layers.Layer.create(*layers[1])
    np.testing.assert_array_equal(np.asarray(layer.data[0]), values[1])
    back = str(tmp_path / "b.ome.tif")
    write_layers(back, [napari_layers.Layer.create(*t).as_layer_data_tuple() for t in layers])
    np.testing.assert_array_equal(read(back).data, values)


@pytest.mark.parametrize(
    ("pixels", "limits"),
    [
        (np.zeros((5, 5), "u1"), (0, 1)),
        (np.full((5, 5), np.nan, "f4"), (0, 1)),
        (np.arange(10_001, dtype="u2")[None], (0, 9989.001)),
        (np.eye(100, dtype="u1") * (np.arange(100) == 0), (0, 1)),
        (da.ones((3, 5, 5), chunks=1) * 7, (7, 8)),
    ],
)
def test_contrast_limits(pixels, limits):
    assert contrast_limits(pixels) == pytest.approx(limits)


@pytest.mark.parametrize("name", ["whole", "damaged", "zstack"])
def test_a_look_at_a_tiff_tells_what_reading_it_tells(name):
    path = sample_path(f"dualgland_{name}.ome.tif")
    seen, known = look_at_tiff(path), read_tiff(path)
    assert seen.channels == known.channels
    assert (seen.axes, seen.shape, seen.dtype) == (known.axes, known.shape, known.dtype)
    assert (seen.kind, seen.pixel_size) == (known.kind, known.pixel_size)


@pytest.mark.parametrize("name", ["a.ome.tif", "a.tif", "a.ome.zarr", "a.png"])
def test_selected_layers_are_saved_in_every_format(tmp_path, name):
    result = imputed(four_channels())
    layers = [napari_layers.Layer.create(*layer) for layer in layers_of(result)]
    tuples = [layer.as_layer_data_tuple() for layer in layers]
    written = npe2_write(str(tmp_path / name), tuples, plugin_name=PLUGIN)
    assert {os.path.basename(path) for path in written} == set(os.listdir(tmp_path))
    back = read(tmp_path / name.removesuffix(".png"))
    assert isinstance(back, Imputation)
    np.testing.assert_array_equal(back.data, result.data)
    np.testing.assert_array_equal(back.missing, result.missing)
    assert back.provenance == PROVENANCE


def test_cells_are_saved_as_csv(tmp_path):
    marked = np.zeros((20, 20), np.uint8)
    marked[2:4, 5:8] = 9
    cells = napari_layers.Labels(marked, name="cells")
    npe2_write(str(tmp_path / "a.csv"), [cells.as_layer_data_tuple()], plugin_name=PLUGIN)
    head, row = (tmp_path / "a.csv").read_text().splitlines()
    told = dict(zip(head.split(","), row.split(","), strict=True))
    assert told == {"cell": "9", "area_px": "6", "y": "2.50", "x": "6.00"}


@pytest.mark.parametrize(
    ("features", "told"),
    [
        ({"index": [9, 4], "cell": [1, 2], "y": [7, 8]}, {"cell (layer)": "1", "y (layer)": "7"}),
        ({"index": ["9", "none"], "stage": ["G1", "S"]}, {"stage": "G1"}),
        ({"index": [None, 9.0, 9.0, 9.5], "stage": list("abcd")}, {"stage": "b"}),
        ({"index": ["nine"], "stage": ["G1"]}, {"stage": ""}),
    ],
)
def test_any_features_go_with_the_cells(tmp_path, features, told):
    marked = np.zeros((20, 20), np.uint8)
    marked[2:4, 5:8] = 9
    cells = napari_layers.Labels(marked, name="cells", features=features)
    write_cells(str(tmp_path / "a.csv"), marked, cells.as_layer_data_tuple()[1])
    head, row = (tmp_path / "a.csv").read_text().splitlines()
    own = {"cell": "9", "area_px": "6", "y": "2.50", "x": "6.00"}
    assert dict(zip(head.split(","), row.split(","), strict=True)) == own | told


@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_a_lone_picture_is_saved_by_napari_as_ever(tmp_path, name):
    manager = PluginManager.instance()
    lone = napari_layers.Image(np.zeros((9, 9), np.uint8))
    writer, _ = manager.get_writer(str(tmp_path / name), [lone._type_string], None)
    assert writer is None or writer.plugin_name != PLUGIN
