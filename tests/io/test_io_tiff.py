"""TIFF dialects: axes, sizes and units, names, what else the file says, and lazy reading."""

from __future__ import annotations

import pickle

import dask.array as da
import numpy as np
import pytest
import tifffile
from ome_types import from_tiff, from_xml, model, to_xml

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io import read, write
from napari_dualgland.io.tiff import read_tiff
from napari_dualgland.stack import ROLES, Channel, PixelSize, Stack

NAMES = ["alpha-tubulin", "HPA antibody", "DAPI", "calreticulin"]
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("axes", ["CYX", "ZCYX", "CZYX", "TCYX", "TZCYX", "TCZYX", "CZTYX"])
def test_ome_axes_in_any_order(tmp_path, axes):
    sizes = {"T": 2, "Z": 3, "C": 4, "Y": 20, "X": 25}
    values = RNG.integers(0, 65535, [sizes[a] for a in axes], np.uint16)
    tifffile.imwrite(
        tmp_path / "a.ome.tif",
        values,
        metadata={
            "axes": axes,
            "Channel": {"Name": NAMES},
            "PhysicalSizeX": 80,
            "PhysicalSizeXUnit": "nm",
            "PhysicalSizeY": 0.00009,
            "PhysicalSizeYUnit": "mm",
            "PhysicalSizeZ": 0.3,
            "PhysicalSizeZUnit": "µm",
            "TimeIncrement": 500,
            "TimeIncrementUnit": "ms",
        },
    )
    stack = read(tmp_path / "a.ome.tif")
    assert stack.axes == axes
    np.testing.assert_array_equal(stack.data, values)
    assert list(stack.roles) == list(ROLES)
    assert stack.pixel_size.x == pytest.approx(0.08)
    assert stack.pixel_size.y == pytest.approx(0.09)
    assert stack.pixel_size.z == 0.3
    assert stack.time_step == 0.5


@pytest.mark.parametrize("unit", ["pixel", "reference frame"])
def test_sizes_without_a_length_are_unknown(tmp_path, unit):
    metadata = {"axes": "CYX", "Channel": {"Name": NAMES}, "PhysicalSizeX": 1.0}
    metadata |= {"PhysicalSizeY": 1.0, "PhysicalSizeXUnit": unit, "PhysicalSizeYUnit": unit}
    tifffile.imwrite(tmp_path / "a.ome.tif", np.zeros((4, 9, 9), "u1"), metadata=metadata)
    assert read(tmp_path / "a.ome.tif").pixel_size is None


def test_atlas_colours_tell_the_roles(tmp_path):
    colors = [int(f"{c}FF", 16) for c in ("0000FF", "FFFF00", "FF0000", "00FF00")]
    signed = [c - 2**32 if c >= 2**31 else c for c in colors]
    metadata = {"axes": "CYX", "Channel": {"Name": list("abcd"), "Color": signed}}
    tifffile.imwrite(tmp_path / "a.ome.tif", np.zeros((4, 9, 9), "u1"), metadata=metadata)
    stack = read(tmp_path / "a.ome.tif")
    assert [c.role for c in stack.channels] == ["nucleus", "er", "microtubules", "protein"]


@pytest.mark.parametrize("unit", ["micron", "um", "\\u00B5m"])
def test_imagej_hyperstack(tmp_path, unit):
    values = RNG.integers(0, 255, (2, 3, 4, 20, 25), np.uint8)
    tifffile.imwrite(
        tmp_path / "a.tif",
        values,
        imagej=True,
        resolution=(1 / 0.08, 1 / 0.1),
        metadata={
            "axes": "TZCYX",
            "unit": unit,
            "spacing": 0.5,
            "finterval": 3.0,
            "Labels": NAMES * 6,
            "Info": "objective: 63x\nday: Größe",
        },
    )
    stack = read(tmp_path / "a.tif")
    assert stack.axes == "TZCYX"
    np.testing.assert_array_equal(stack.data, values)
    assert [c.name for c in stack.channels] == NAMES
    assert stack.pixel_size.x == pytest.approx(0.08, rel=1e-4)
    assert stack.pixel_size.y == pytest.approx(0.1, rel=1e-4)
    assert stack.pixel_size.z == 0.5
    assert stack.time_step == 3.0
    back = read(write(stack, tmp_path / "b.ome.tif"))
    from_tiff(tmp_path / "b.ome.tif", validate=True)
    assert back.header.imagej["Info"] == "objective: 63x\nday: Größe"
    again = read(write(back, tmp_path / "c.ome.tif"))
    assert again.header.imagej == back.header.imagej


def test_pages_that_nobody_names_are_channels_when_told_so(tmp_path):
    values = RNG.integers(0, 255, (4, 20, 25), np.uint8)
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for page in values:
            tif.write(page, metadata=None, contiguous=False)
    with pytest.raises(DualglandError, match="cannot tell"):
        read(tmp_path / "a.tif")
    stack = read(tmp_path / "a.tif", {"nucleus": 2})
    np.testing.assert_array_equal(stack.data[stack.roles["nucleus"]], values[2])
    assert "taken as channels" in stack.notes[0]


def test_the_first_of_several_images_is_taken_and_said(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as tif:
        for size in (20, 30):
            tif.write(
                np.full((4, size, size), size, "u1"),
                photometric="minisblack",
                metadata={"axes": "CYX", "Channel": {"Name": NAMES}},
            )
    stack = read(tmp_path / "a.ome.tif")
    assert stack.shape == (4, 20, 20)
    assert stack.notes == ("the file holds 2 images; the first was taken",)


def test_what_the_source_says_survives(tmp_path):
    ome = model.OME(
        instruments=[
            model.Instrument(
                id="Instrument:0",
                objectives=[model.Objective(id="Objective:0", nominal_magnification=63)],
            )
        ],
        structured_annotations=model.StructuredAnnotations(
            comment_annotations=[model.CommentAnnotation(id="Annotation:0", value="slide 7")]
        ),
        images=[
            model.Image(
                id="Image:0",
                name="field 3",
                description="U-2 OS, µ",
                acquisition_date="2020-02-03T04:05:06",
                instrument_ref=model.InstrumentRef(id="Instrument:0"),
                objective_settings=model.ObjectiveSettings(id="Objective:0"),
                annotation_refs=[model.AnnotationRef(id="Annotation:0")],
                pixels=model.Pixels(
                    dimension_order="XYCZT",
                    type="uint8",
                    size_x=9,
                    size_y=8,
                    size_c=3,
                    size_z=1,
                    size_t=1,
                    channels=[
                        model.Channel(id=f"Channel:0:{i}", name=n, emission_wavelength=500 + i)
                        for i, n in enumerate(NAMES[:3])
                    ],
                    tiff_data_blocks=[model.TiffData(ifd=0, plane_count=3)],
                    planes=[model.Plane(the_c=0, the_z=0, the_t=0, position_x=12.5)],
                ),
            )
        ],
    )
    path = tmp_path / "a.ome.tif"
    pixels = RNG.integers(0, 255, (3, 8, 9), np.uint8)
    tifffile.imwrite(
        path, pixels, photometric="minisblack", description=to_xml(ome).encode(), metadata=None
    )
    stack = read(path).completed()
    out = write(write_again := stack, tmp_path / "b.ome.tif")
    assert write_again.absent_roles == ()
    written = from_tiff(out, validate=True)
    image = written.images[0]
    assert (image.name, image.description) == ("field 3", "U-2 OS, µ")
    assert image.acquisition_date == ome.images[0].acquisition_date
    assert written.instruments == ome.instruments
    assert image.objective_settings.id == "Objective:0"
    assert written.structured_annotations.comment_annotations[0].value == "slide 7"
    assert "Annotation:0" in [ref.id for ref in image.annotation_refs]
    assert [c.emission_wavelength for c in image.pixels.channels] == [500, 501, 502, None]
    assert image.pixels.channels[3].name == "er"
    assert image.pixels.planes[0].position_x == 12.5
    assert read(out).header.description == "U-2 OS, µ"


def test_an_invalid_header_costs_a_warning_and_not_the_image(tmp_path, caplog):
    path = tmp_path / "a.ome.tif"
    metadata = {"axes": "CYX", "Channel": {"Name": NAMES}}
    tifffile.imwrite(path, np.zeros((4, 9, 9), "u1"), metadata=metadata)
    xml = tifffile.tiffcomment(path).replace("<Pixels ", '<Nonsense a="1"/><Pixels Flavour="x" ')
    tifffile.tiffcomment(path, xml.encode())
    with pytest.raises(Exception):  # noqa: B017, PT011  the header is invalid indeed
        from_xml(xml, validate=True)
    back = read(write(read(path), tmp_path / "b.ome.tif"))
    assert [c.name for c in back.channels] == NAMES
    from_tiff(tmp_path / "b.ome.tif", validate=True)


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"tile": (32, 48)},
        {"tile": (32, 48), "compression": "zlib", "predictor": True},
        {"rowsperstrip": 7, "compression": "lzw"},
        {"rowsperstrip": 9},
        {"compression": "zstd", "bigtiff": True},
        {"imagej": True},
        {"planarconfig": "separate", "tile": (32, 48), "compression": "zlib"},
        {"planarconfig": "separate", "rowsperstrip": 8, "compression": "zlib"},
    ],
    ids=str,
)
def test_lazy_equals_eager(tmp_path, layout, dtype, byteorder):
    layout = dict(layout)
    if layout.get("imagej"):
        byteorder = ">"
    values = (RNG.random((2, 4, 75, 101)) * 250).astype(dtype)
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        values,
        byteorder=byteorder,
        metadata={"axes": "ZCYX"},
        photometric="minisblack",
        **layout,
    )
    lazy, eager = read_tiff(path, lazy=True), read_tiff(path, lazy=False)
    assert isinstance(lazy.data, da.Array)
    assert lazy.data.chunksize == (1, 1, 75, 101)
    assert lazy.dtype == eager.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(eager.data, values)
    np.testing.assert_array_equal(lazy.data.compute(), values)
    np.testing.assert_array_equal(
        lazy.data[1, 2, 33:70, 40:99].compute(), values[1, 2, 33:70, 40:99]
    )


@pytest.mark.parametrize(
    "layout", [{"tile": (64, 64), "compression": "zlib"}, {"rowsperstrip": 10}]
)
def test_large_planes_are_cut_along_their_tiles(tmp_path, monkeypatch, layout):
    monkeypatch.setattr("napari_dualgland.io.lazy._WHOLE", 300 * 300)
    monkeypatch.setattr("napari_dualgland.io.lazy._CHUNK", 150 * 150)
    values = RNG.integers(0, 255, (4, 500, 777), np.uint8)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, values, metadata={"axes": "CYX"}, photometric="minisblack", **layout)
    lazy = read_tiff(path, lazy=True).data
    assert max(lazy.numblocks[-2:]) > 1
    np.testing.assert_array_equal(lazy.compute(), values)


def test_lazy_above_64_mb(tmp_path, monkeypatch):
    path = tmp_path / "a.ome.tif"
    metadata = {"axes": "CYX", "Channel": {"Name": NAMES}}
    tifffile.imwrite(path, np.zeros((4, 50, 50), "u1"), metadata=metadata)
    assert isinstance(read(path).data, np.ndarray)
    monkeypatch.setattr("napari_dualgland.io.tiff.reading.LAZY_BYTES", 9_999)
    assert isinstance(read(path).data, da.Array)


def test_a_lazy_stack_travels_to_another_process(tmp_path):
    path = tmp_path / "a.tif"
    values = np.ones((4, 50, 50), "u1")
    tifffile.imwrite(
        path, values, compression="zlib", metadata={"axes": "CYX"}, photometric="minisblack"
    )
    lazy = read_tiff(path, lazy=True).data
    assert pickle.loads(pickle.dumps(lazy)).sum().compute() == 10_000


def test_damage_found_late_names_the_file(tmp_path):
    path = tmp_path / "a.tif"
    values = RNG.integers(0, 255, (4, 50, 50), np.uint8)
    tifffile.imwrite(
        path, values, compression="zlib", metadata={"axes": "CYX"}, photometric="minisblack"
    )
    lazy = read_tiff(path, lazy=True).data
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages[1].dataoffsets[0]
    content = bytearray(path.read_bytes())
    content[offset : offset + 500] = bytes(500)
    path.write_bytes(content)
    with pytest.raises(DualglandError) as error:
        lazy.compute()
    assert (error.value.kind, error.value.place) == (Kind.DAMAGED, str(path))
    assert error.value.part == "page 2"


def test_a_lazy_stack_is_written_over_another_file_but_not_over_its_source(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_dualgland.io.tiff.reading.LAZY_BYTES", 0)
    data = RNG.integers(0, 255, (20, 20), np.uint8)
    stack = Stack(data, "YX", (Channel("DAPI", "nucleus"),), PixelSize(0.1, 0.1))
    path = write(stack, tmp_path / "a.ome.tif")
    back = read(path)
    before = path.read_bytes()
    (tmp_path / "link.ome.tif").symlink_to(path)
    for target in (path, tmp_path / "link.ome.tif"):
        with pytest.raises(DualglandError, match="is the source"):
            write(back, target)
    assert path.read_bytes() == before
    np.testing.assert_array_equal(read(write(back, tmp_path / "b.ome.tif")).data, data)
