"""One door for pixel sizes: what no microscope has is unknown, and said, whoever says it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_dualgland import DualglandError, PixelSize, Stack, read, stack_from_layers
from napari_dualgland.errors import Kind
from napari_dualgland.io.pixel_sizes import believed, believed_step
from napari_dualgland.stack import Channel

NAMES = ["tubulin", "antibody", "DAPI", "ER"]
FIELD = np.random.default_rng(0).integers(1, 255, (4, 24, 32), np.uint8)


def ome(folder: Path, size: float, unit: str) -> Stack:
    said = {"PhysicalSizeX": size, "PhysicalSizeY": size}
    said |= {"PhysicalSizeXUnit": unit, "PhysicalSizeYUnit": unit}
    metadata = {"axes": "CYX", "Channel": {"Name": NAMES}, **said}
    tifffile.imwrite(folder / "a.ome.tif", FIELD, photometric="minisblack", metadata=metadata)
    return read(folder / "a.ome.tif")


def imagej(folder: Path, size: float, unit: str) -> Stack:
    tifffile.imwrite(
        folder / "a.tif",
        FIELD,
        imagej=True,
        resolution=(1 / size, 1 / size),
        metadata={"axes": "CYX", "unit": unit, "Labels": NAMES},
    )
    return read(folder / "a.tif")


def zarr(folder: Path, size: float, unit: str) -> Stack:
    import zarr as library

    group = library.open_group(folder / "a.ome.zarr", mode="w", zarr_format=2)
    group.create_array("0", data=FIELD)
    axes = [{"name": "c", "type": "channel"}]
    axes += [{"name": a, "type": "space", "unit": unit} for a in "yx"]
    scale = [{"type": "scale", "scale": [1, size, size]}]
    image = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}
    group.attrs["multiscales"] = [{**image, "version": "0.4"}]
    group.attrs["omero"] = {"channels": [{"label": name, "color": "FFFFFF"} for name in NAMES]}
    return read(folder / "a.ome.zarr")


def layer(_: Path, size: float, unit: str) -> Stack:
    return stack_from_layers({"protein": plain_layer((size, size), (unit, unit))})


def plain_layer(scale: tuple[float, ...], units: tuple[str, ...]) -> Any:
    from napari.layers import Image as Layer

    return Layer(FIELD[0], name="protein", scale=scale, units=units)


SOURCES = (ome, imagej, zarr, layer)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("size", "unit"),
    [(352.78, "um"), (0.32, "m"), (0.32, "mm"), (1e-3, "nm"), (80.0, "um"), (0.08, "nm")],
)
def test_no_source_is_believed_what_no_microscope_has(
    tmp_path: Path, source: Callable[..., Stack], size: float, unit: str
) -> None:
    unit = {"um": "micrometer", "m": "meter", "mm": "millimeter", "nm": "nanometer"}[unit]
    if source is ome:
        unit = {"micrometer": "µm", "meter": "m", "millimeter": "mm", "nanometer": "nm"}[unit]
    stack = source(tmp_path, size, unit)
    assert stack.pixel_size is None
    (note,) = stack.notes
    assert "unknown" in note
    assert f"{size:.5g}" in note


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("size", "unit"), [(0.08, "µm"), (80, "nm"), (0.00008, "mm")])
def test_what_a_microscope_has_is_believed(
    tmp_path: Path, source: Callable[..., Stack], size: float, unit: str
) -> None:
    stack = source(tmp_path, size, unit.replace("µ", "u") if source is imagej else unit)
    assert stack.pixel_size is not None
    assert stack.pixel_size.x == pytest.approx(0.08, rel=1e-4)
    assert not stack.notes


@pytest.mark.parametrize("source", SOURCES)
def test_a_number_without_a_unit_is_remarked_on(
    tmp_path: Path, source: Callable[..., Stack]
) -> None:
    stack = source(tmp_path, 0.08, "pixel")
    assert stack.pixel_size is None
    assert "0.08" in stack.notes[0]
    assert "without a unit" in stack.notes[0]
    assert not source(tmp_path, 1.0, "pixel").notes  # which is no statement


def test_a_unit_that_is_not_known_is_remarked_on(tmp_path: Path) -> None:
    stack = imagej(tmp_path, 0.08, "furlong")
    assert (stack.pixel_size, len(stack.notes)) == (None, 1)
    assert "furlong" in stack.notes[0]


@pytest.mark.parametrize("dpi", [72, 96, 150, 300, 600, 1200])
def test_the_resolution_of_a_printer_is_said_and_left_out(tmp_path: Path, dpi: int) -> None:
    path = tmp_path / "f_blue.tif"
    tifffile.imwrite(path, FIELD[0], resolution=(dpi, dpi), resolutionunit="INCH")
    Image.fromarray(FIELD[0]).save(tmp_path / "g_blue.png", dpi=(dpi, dpi))
    for file in (path, tmp_path / "g_blue.png"):
        stack = read(file)
        assert stack.pixel_size is None
        assert any(f"{25400 / dpi:.5g}"[:4] in note for note in stack.notes), stack.notes


def test_the_distance_between_planes_has_a_range_of_its_own() -> None:
    size, notes = believed("x", {"Y": (0.08, "um"), "X": (0.08, "um"), "Z": (300, "um")})
    assert size == PixelSize(0.08, 0.08)
    assert len(notes) == 1
    assert "300" in notes[0]
    size, notes = believed("x", {"Y": (0.08, "um"), "X": (0.08, "um"), "Z": (20, "um")})
    assert (size, notes) == (PixelSize(0.08, 0.08, 20), ())


def test_pixels_far_from_square_are_remarked_on() -> None:
    size, notes = believed("x", {"Y": (0.1, "um"), "X": (0.4, "um")})
    assert size == PixelSize(0.1, 0.4)
    assert len(notes) == 1
    assert not believed("x", {"Y": (0.1, "um"), "X": (0.2, "um")})[1]


def test_one_axis_alone_is_no_pixel_size() -> None:
    size, notes = believed("x", {"X": (0.1, "um")})
    assert size is None
    assert len(notes) == 1


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "0", "0,08", "x" * 500, "1e-300", "9" * 400])
def test_what_is_no_number_is_said_on_a_short_line(value: str) -> None:
    size, (note,) = believed("x", {"Y": (value, "um"), "X": (value, "um")})
    assert size is None
    assert len(note) < 200
    assert "\n" not in note


def test_a_time_step_that_is_not_understood_is_remarked_on() -> None:
    assert believed_step("x", (30, "msec")) == (0.03, ())
    assert believed_step("x", (None, "s")) == (None, ())
    step, notes = believed_step("x", (30, "fortnight"))
    assert step is None
    assert "fortnight" in notes[0]


def test_a_person_states_it(tmp_path: Path) -> None:
    ome(tmp_path, 352.78, "µm")
    stack = read(tmp_path / "a.ome.tif", pixel_size=0.08)
    assert stack.pixel_size == PixelSize(0.08, 0.08)
    shown = plain_layer((0.3, 0.3), ("pixel", "pixel"))
    stack = stack_from_layers({"protein": shown}, pixel_size=0.16)
    assert (stack.pixel_size, stack.notes) == (PixelSize(0.16, 0.16), ())


@pytest.mark.parametrize("size", [0.0, -1.0, 352.78, 80.0, 1e-300, float("nan"), float("inf")])
def test_a_statement_has_the_same_range(tmp_path: Path, size: float) -> None:
    ome(tmp_path, 0.08, "µm")
    with pytest.raises(DualglandError) as error:
        read(tmp_path / "a.ome.tif", pixel_size=size)
    assert (error.value.kind, error.value.place) == (Kind.IMPLAUSIBLE, "pixel_size")
    with pytest.raises(DualglandError) as error:
        Stack(FIELD[0], "YX", (Channel("a"),), PixelSize(size, size), name="mine")
    assert (error.value.kind, error.value.place) == (Kind.IMPLAUSIBLE, "mine")


def test_imagej_says_the_unit_of_each_axis(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.stack([FIELD, FIELD]),
        imagej=True,
        resolution=(1 / 0.08, 1 / 0.08),
        metadata={"axes": "ZCYX", "unit": "micron", "spacing": 300, "zunit": "nm"},
    )
    stack = read(tmp_path / "a.tif", {"protein": 0})
    assert stack.pixel_size is not None
    assert stack.pixel_size.z == pytest.approx(0.3)


def test_a_job_carries_what_is_stated(tmp_path: Path) -> None:
    from napari_dualgland.jobs import FileInput, ImputeJob, LocalizeJob

    given = FileInput(path=tmp_path / "a.ome.tif", pixel_size=0.08)
    for kind in (ImputeJob, LocalizeJob):
        job = kind(input=given)
        assert "--pixel-size 0.08" in job.as_command()
        assert "pixel_size=0.08" in job.as_python()
        assert kind.model_validate(json.loads(job.model_dump_json())) == job
        assert job.portable()["input"]["pixel_size"] == 0.08
