"""What a new file says of a channel or a plane is what the source says of that very one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from ome_types import from_tiff, model, to_xml

from napari_dualgland.io import read, write
from napari_dualgland.io.hpa import read_member
from napari_dualgland.io.layer_tag import metadata_of, tag_of
from napari_dualgland.io.layer_tuples import LayerTuple, layers_of
from napari_dualgland.io.layer_writing import as_layer, stack_of_layers
from napari_dualgland.stack import Channel, Stack

NAMES = ["tubulin", "antibody", "DAPI"]
ROLES = ["microtubules", "protein", "nucleus"]
T, Z = 4, 3


def exposure(t: int, z: int, c: int) -> float:
    return 1 + 100 * t + 10 * z + c


def source(folder: Path, names: list[str] = NAMES, **shape: int) -> Path:
    """Write a file that says something else of every channel and every plane."""
    frames = [(t, z, c) for t in range(T) for z in range(Z) for c in range(3)]
    where = {name: shape.get(name) for name in ("the_t", "the_z", "the_c")}
    point = model.Point(id="Shape:0", x=2, y=3, **where)
    pixels = model.Pixels(
        dimension_order="XYCZT",
        type="uint8",
        size_x=9,
        size_y=8,
        size_c=3,
        size_z=Z,
        size_t=T,
        channels=[
            model.Channel(
                id=f"Channel:0:{c}", name=n, fluor=f"dye {c}", emission_wavelength=500 + c
            )
            for c, n in enumerate(names)
        ],
        tiff_data_blocks=[model.TiffData(ifd=0, plane_count=len(frames))],
        planes=[
            model.Plane(
                the_t=t,
                the_z=z,
                the_c=c,
                exposure_time=exposure(t, z, c),
                delta_t=t,
                position_x=5,
                position_z=z,
                hash_sha1=bytes(20),
            )
            for t, z, c in frames
        ],
    )
    image = model.Image(
        pixels=pixels,
        stage_label=model.StageLabel(name="field 7", x=5),
        roi_refs=[model.ROIRef(id="ROI:0")],
    )
    rois = [model.ROI(id="ROI:0", union=model.ROI.Union(points=[point]))]
    xml = to_xml(model.OME(images=[image], rois=rois)).encode()
    values = np.random.default_rng(0).integers(0, 255, (T, Z, 3, 8, 9), np.uint8)
    path = folder / "a.ome.tif"
    tifffile.imwrite(path, values, photometric="minisblack", description=xml, metadata=None)
    return path


def said(stack: Stack, folder: Path) -> model.OME:
    return from_tiff(write(stack, folder / "out.ome.tif"), validate=True)


def wavelengths(ome: model.OME) -> dict[str, float | None]:
    return {c.name: c.emission_wavelength for c in ome.images[0].pixels.channels}


def exposures(ome: model.OME) -> dict[tuple[int, int, int], float]:
    planes = ome.images[0].pixels.planes
    return {(p.the_t, p.the_z, p.the_c): p.exposure_time for p in planes}


def expected(*channels: int | None) -> dict[tuple[int, int, int], float]:
    return {
        (t, z, c): exposure(t, z, at)
        for t in range(T)
        for z in range(Z)
        for c, at in enumerate(channels)
        if at is not None
    }


def chosen(stack: Stack, *names: str) -> list[LayerTuple]:
    layers = {looks["name"]: (data, looks, kind) for data, looks, kind in layers_of(stack)}
    return [layers[name] for name in names]


def test_of_a_whole_file_all_is_kept(tmp_path):
    stack = read(source(tmp_path, the_t=1, the_c=2))
    ome = said(stack, tmp_path)
    assert wavelengths(ome) == {"tubulin": 500, "antibody": 501, "DAPI": 502}
    assert exposures(ome) == expected(0, 1, 2)
    assert ome.images[0].stage_label.name == "field 7"
    assert (ome.rois[0].union.points[0].the_t, ome.rois[0].union.points[0].the_c) == (1, 2)
    # The pixels may be other ones by now.
    assert {plane.hash_sha1 for plane in ome.images[0].pixels.planes} == {None}


def test_some_layers_in_another_order_keep_their_own(tmp_path):
    stack = stack_of_layers(chosen(read(source(tmp_path, the_c=1)), "nucleus", "protein"))
    ome = said(stack, tmp_path)
    assert wavelengths(ome) == {"DAPI": 502, "antibody": 501}
    assert [c.fluor for c in ome.images[0].pixels.channels] == ["dye 2", "dye 1"]
    assert exposures(ome) == expected(2, 1)
    assert ome.rois[0].union.points[0].the_c == 1


def test_they_keep_them_on_the_way_through_an_ome_zarr(tmp_path):
    stack = stack_of_layers(chosen(read(source(tmp_path)), "nucleus", "protein"))
    again = read(write(stack, tmp_path / "b.ome.zarr"))
    ome = said(again, tmp_path)
    assert wavelengths(ome) == {"DAPI": 502, "antibody": 501}
    assert exposures(ome) == expected(2, 1)
    plane = read(write(again.plane(3, 2), tmp_path / "c.ome.zarr"))
    assert exposures(said(plane, tmp_path)) == {
        (0, 0, 0): exposure(3, 2, 2),
        (0, 0, 1): exposure(3, 2, 1),
    }


def test_layers_of_one_name_are_told_apart(tmp_path):
    roles = {role: i for i, role in enumerate(ROLES)}
    stack = read(source(tmp_path, ["x", "x", "DAPI"]), roles)
    ome = said(stack_of_layers(chosen(stack, "protein", "microtubules")), tmp_path)
    assert [c.emission_wavelength for c in ome.images[0].pixels.channels] == [501, 500]
    assert exposures(ome) == expected(1, 0)


def test_an_appended_channel_says_nothing(tmp_path):
    whole = read(source(tmp_path)).completed()
    ome = said(whole, tmp_path)
    assert wavelengths(ome)["er"] is None
    assert exposures(ome) == expected(0, 1, 2, None)
    er, protein = chosen(whole, "er", "protein")
    # A dock gives it the record of the first layer, and a channel and a role of its own.
    like = tag_of(as_layer(*chosen(whole, "microtubules")[0]))
    er[1]["metadata"] = metadata_of(like.model_copy(update={"channel": "er", "role": "er"}))
    ome = said(stack_of_layers([er, protein]), tmp_path)
    assert wavelengths(ome) == {"er": None, "antibody": 501}
    assert exposures(ome) == expected(None, 1)


def test_layers_of_two_files_are_not_mixed(tmp_path):
    (tmp_path / "b").mkdir()
    one = read(source(tmp_path))
    other = read(source(tmp_path / "b", ["antibody", "tubulin", "DAPI"]))
    layers = chosen(one, "nucleus") + chosen(other, "protein")
    assert wavelengths(said(stack_of_layers(layers), tmp_path)) == {"DAPI": 502, "antibody": None}


@pytest.mark.parametrize("described", [True, False])
def test_channels_that_somebody_has_put_elsewhere(tmp_path, described):
    stack = read(source(tmp_path))
    known = stack.channels if described else [Channel(c.name, c.role) for c in stack.channels]
    turned = replace(stack, data=stack.data[:, :, ::-1], channels=tuple(known[::-1]))
    ome = said(turned, tmp_path)
    assert wavelengths(ome) == {"DAPI": 502, "antibody": 501, "tubulin": 500}
    assert exposures(ome) == expected(2, 1, 0)


def test_of_channels_with_other_names_nothing_is_said(tmp_path):
    stack = read(source(tmp_path))
    for names in (["p", "q", "r"], ["tubulin", "tubulin", "r"], ["p", "q"]):
        channels = tuple(Channel(name) for name in names)
        other = replace(stack, data=stack.data[:, :, : len(names)], channels=channels)
        ome = said(other, tmp_path)
        assert {c.emission_wavelength for c in ome.images[0].pixels.channels} == {None}
        assert exposures(ome) == {}


def test_a_position_that_is_not_there_says_nothing(tmp_path):
    stack = read(source(tmp_path))
    channels = tuple(
        replace(c, described_at=at) for c, at in zip(stack.channels, (-1, 3, 1), strict=True)
    )
    ome = said(replace(stack, channels=channels), tmp_path)
    assert wavelengths(ome) == {"tubulin": None, "antibody": None, "DAPI": 501}


def test_a_plane_keeps_its_own(tmp_path):
    stack = read(source(tmp_path, the_t=3, the_z=2)).plane(3, 2)
    assert stack.plane().header == stack.header
    ome = said(stack, tmp_path)
    assert exposures(ome) == {(0, 0, c): exposure(3, 2, c) for c in range(3)}
    planes = ome.images[0].pixels.planes
    assert {(p.delta_t, p.position_x, p.position_z) for p in planes} == {(3, 5, 2)}
    point = ome.rois[0].union.points[0]
    assert (point.the_t, point.the_z) == (0, 0)


def test_a_region_of_another_plane_or_channel_is_left_out(tmp_path):
    first = said(read(source(tmp_path, the_z=2)).plane(3, 1), tmp_path)
    layers = chosen(read(source(tmp_path, the_c=0)), "nucleus", "protein")
    for ome in (first, said(stack_of_layers(layers), tmp_path)):
        assert (ome.rois, ome.images[0].roi_refs) == ([], [])


def test_of_frames_that_nobody_names_nothing_is_said(tmp_path):
    stack = read(source(tmp_path, the_z=1))
    for data in (stack.data[:, 1:], stack.data[1:], stack.data[2:3, 1:2]):
        ome = said(replace(stack, data=data), tmp_path)
        assert (exposures(ome), ome.rois) == ({}, [])
        assert wavelengths(ome)["DAPI"] == 502


def test_a_part_of_the_field_lies_elsewhere(tmp_path):
    stack = read(source(tmp_path))
    ome = said(replace(stack, data=stack.data[..., 4:, :]), tmp_path)
    assert exposures(ome) == expected(0, 1, 2)
    assert {p.position_x for p in ome.images[0].pixels.planes} == {None}
    assert (ome.images[0].stage_label, ome.rois) == (None, [])


def one_channel(path: Path, samples: int) -> Path:
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="9" SizeY="8" SizeZ="1" '
        f'SizeC="{samples}" SizeT="1"><Channel ID="Channel:0:0" SamplesPerPixel="{samples}" '
        'EmissionWavelength="500"/><TiffData/>'
        '<Plane TheC="0" TheZ="0" TheT="0" ExposureTime="2"/></Pixels></Image></OME>'
    )
    values = np.zeros((8, 9, samples)[: 2 + (samples > 1)], np.uint8)
    kind = "rgb" if samples > 1 else "minisblack"
    tifffile.imwrite(path, values, photometric=kind, description=xml, metadata=None)
    return path


def test_the_planes_of_a_picture_in_colours_are_of_all_its_components(tmp_path):
    ome = said(read(one_channel(tmp_path / "a.ome.tif", 3), {"protein": 1}), tmp_path)
    assert exposures(ome) == {(0, 0, c): 2 for c in range(3)}


def test_a_file_of_a_set_keeps_its_own_and_several_that_say_the_same_none(tmp_path):
    blue, red = (
        layers_of(read_member(one_channel(tmp_path / f"id_{color}.tif", 1)))
        for color in ("blue", "red")
    )
    ome = said(stack_of_layers(blue), tmp_path)
    assert (wavelengths(ome), exposures(ome)) == ({"nucleus": 500}, {(0, 0, 0): 2})
    ome = said(stack_of_layers([*blue, *red]), tmp_path)
    assert wavelengths(ome) == {"nucleus": None, "microtubules": None}
