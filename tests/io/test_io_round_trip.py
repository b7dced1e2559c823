"""What is written is what is read: pixels, axes, channels, sizes, mask, provenance."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ome_types import from_tiff

from napari_dualgland.errors import DualglandError
from napari_dualgland.io import read, write
from napari_dualgland.provenance import Provenance
from napari_dualgland.results import Imputation
from napari_dualgland.stack import (
    CANONICAL_AXES,
    ROLE_COLORS,
    ROLES,
    Channel,
    PixelSize,
    Stack,
    to_canonical,
)

DTYPES = ["uint8", "uint16", "uint32", "int8", "int16", "int32", "float32", "float64"]
PROVENANCE = Provenance(
    version="0.1.0",
    model="generator",
    model_sha256="ab" * 32,
    options={"tile": 256, "device": "auto", "µ": [1.5, None]},
    seed=7,
    device="cuda:0",
    date="2025-01-01T00:00:00Z",
    source="Größe µ.tif",
    missing_fraction={"antibody": 0.25, "DAPI": 0.0},
    notes=("channel er was absent", "smaller tiles"),
)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12)


def field(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        values = rng.normal(size=shape).astype(dtype)
        values[rng.random(shape) < 0.1] = np.nan
        return values
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)


@st.composite
def stacks(draw):
    letters = draw(st.sets(st.sampled_from("TZC"))) | {"Y", "X"}
    axes = "".join(draw(st.permutations(sorted(letters))))
    sizes = {"T": 2, "Z": 3, "C": draw(st.integers(1, 5))}
    sizes |= {a: draw(st.integers(1, 40)) for a in "YX"}
    shape = tuple(draw(st.integers(1, sizes[a])) if a in "TZ" else sizes[a] for a in axes)
    count = sizes["C"] if "C" in axes else 1
    roles = draw(st.permutations([*ROLES, None]))[:count]
    if not any(roles):
        roles = ["protein"]
    colors = st.none() | st.integers(0, 2**24 - 1).map(lambda n: f"#{n:06X}")
    width = draw(st.floats(0.02, 3))  # of a microscope: what no microscope has is not believed
    height = st.floats(0.5, 2.5).map(lambda ratio: width * ratio)
    depth = st.none() | st.floats(0.01, 50)
    return Stack(
        data=field(shape, draw(st.sampled_from(DTYPES)), draw(st.integers(0, 99))),
        axes=axes,
        channels=tuple(Channel(draw(TEXT), role, draw(colors)) for role in roles),
        pixel_size=draw(st.none() | st.builds(PixelSize, y=height, x=st.just(width), z=depth)),
        time_step=draw(st.none() | st.floats(1e-4, 1e3)),
        name=draw(TEXT),
    )


def in_ome_order(stack):
    return "".join(a for a in CANONICAL_AXES if a in stack.axes)


def assert_same(back, stack):
    assert back.axes == in_ome_order(stack)
    assert back.dtype == stack.dtype
    a, b = (np.ascontiguousarray(s.canonical()) for s in (back, stack))
    assert a.tobytes() == b.tobytes()  # bit for bit, NaN payloads too
    assert back.channels == stack.channels
    assert back.pixel_size == stack.pixel_size
    assert back.time_step == stack.time_step
    assert not back.notes


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(stack=stacks(), masked=st.booleans(), unsure=st.booleans(), lazy=st.booleans())
def test_read_after_write_is_identity(tmp_path, stack, masked, unsure, lazy):
    mask = np.random.default_rng(1).random(stack.shape) < 0.3
    result = stack
    if masked:
        uncertainty = np.where(mask, np.float32(0.5), np.float32(0)) if unsure else None
        as_given = replace(stack, data=da.from_array(stack.data)) if lazy else stack
        result = Imputation.of(as_given, mask, uncertainty, provenance=PROVENANCE)
    path = write(result, tmp_path / "result.ome.tif")
    back = read(path)
    assert_same(back, stack)
    again = read(write(back, tmp_path / "again.ome.tif"))
    assert_same(again, stack)
    for one in (back, again):
        assert one.provenance == (PROVENANCE if masked else None)
        assert (getattr(one, "uncertainty", None) is not None) == (masked and unsure)
        if masked:
            np.testing.assert_array_equal(
                to_canonical(one.imputed, one.axes), to_canonical(mask, stack.axes)
            )
        else:
            assert one.imputed is None
    assert sorted(os.listdir(tmp_path)) == ["again.ome.tif", "result.ome.tif"]


def four_channels(shape=(4, 60, 70), dtype="uint16", **kwargs):
    channels = tuple(Channel(f"µ-{r}", r, ROLE_COLORS[r]) for r in ROLES)
    return Stack(
        field(shape, dtype), "CYX", channels, PixelSize(0.08, 0.09, 0.3), 2.5, "Größe", **kwargs
    )


def imputed(stack, **kwargs):
    mask = np.random.default_rng(2).random(stack.shape) < 0.1
    uncertainty = np.where(mask, np.float32(3.5), np.float32(0))
    return Imputation.of(stack, mask, uncertainty, provenance=PROVENANCE, **kwargs)


def test_ome_types_finds_the_file_valid_and_complete(tmp_path):
    stack = four_channels()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ome = from_tiff(write(imputed(stack), tmp_path / "a.ome.tiff"), validate=True)
    image, missing, uncertainty = ome.images
    assert (image.name, missing.name, uncertainty.name) == ("Größe", "missing", "uncertainty")
    assert image.pixels.type.value == "uint16"
    assert missing.pixels.type.value == "uint8"
    assert uncertainty.pixels.type.value == "float"
    assert image.pixels.physical_size_x == 0.09
    assert image.pixels.physical_size_x_unit.value == "µm"
    assert image.pixels.time_increment == 2.5
    assert [c.name for c in image.pixels.channels] == [f"µ-{r}" for r in ROLES]
    assert image.pixels.channels[3].color.as_hex(format="long")[:7].upper() == "#FFFF00"
    said = {a.namespace: a for a in ome.structured_annotations.map_annotations}
    provenance = said["napari-dualgland:provenance"]
    assert dict(provenance.value)["model_sha256"] == "ab" * 32
    assert provenance.id in [ref.id for ref in image.annotation_refs]


def test_tifffile_reads_every_image(tmp_path):
    result = imputed(four_channels())
    path = write(result, tmp_path / "a.ome.tif")
    with tifffile.TiffFile(path) as tif:
        assert tif.is_ome
        assert [s.name for s in tif.series] == ["Größe", "missing", "uncertainty"]
        assert [s.axes for s in tif.series] == ["CYX"] * 3
        np.testing.assert_array_equal(tif.series[0].asarray(), result.stack.data)
        np.testing.assert_array_equal(tif.series[1].asarray(), result.missing * np.uint8(255))
        np.testing.assert_array_equal(tif.series[2].asarray(), result.uncertainty)
        assert tif.pages[0].compression == tifffile.COMPRESSION.ADOBE_DEFLATE
        assert tif.pages[0].get_resolution("MICROMETER")[0] == pytest.approx(1 / 0.09, rel=1e-3)


def test_estimates_of_an_earlier_run_stay_marked(tmp_path):
    first = np.zeros((4, 60, 70), bool)
    first[1, :5] = True
    result = imputed(Imputation.of(four_channels(), first))
    back = read(write(result, tmp_path / "a.ome.tif"))
    np.testing.assert_array_equal(back.imputed, result.missing | first)


def test_the_provenance_of_an_earlier_run_is_kept_apart(tmp_path):
    first = read(write(imputed(four_channels()), tmp_path / "a.ome.tif"))
    later = PROVENANCE.model_copy(update={"model": "prior", "seed": 8})
    path = write(Imputation.of(first, first.imputed, provenance=later), tmp_path / "b.ome.tif")
    assert read(path).provenance == later
    said = from_tiff(path, validate=True).structured_annotations.map_annotations
    earlier = {a.namespace: dict(a.value) for a in said}["napari-dualgland:provenance:earlier"]
    assert earlier["model"] == "generator"
    again = from_tiff(write(read(path), tmp_path / "c.ome.tif"), validate=True)
    assert len(again.structured_annotations.map_annotations) == len(said)


def test_bigtiff_where_it_is_needed(tmp_path, monkeypatch):
    stack = four_channels()
    with tifffile.TiffFile(write(stack, tmp_path / "a.ome.tif")) as tif:
        assert not tif.is_bigtiff
    monkeypatch.setattr("napari_dualgland.io.tiff_writing._BIGTIFF_ABOVE", 10_000)
    path = write(stack, tmp_path / "b.ome.tif")
    with tifffile.TiffFile(path) as tif:
        assert tif.is_bigtiff
    assert_same(read(path), stack)


def test_pyramid_where_a_side_exceeds_4096(tmp_path):
    stack = Stack(
        field((2, 300, 4101), "uint8"), "CYX", (Channel("DAPI", "nucleus"), Channel("ER", "er"))
    )
    mask = np.zeros(stack.shape, bool)
    mask[0, 7, 9] = True
    path = write(Imputation.of(stack, mask, provenance=PROVENANCE), tmp_path / "a.ome.tif")
    from_tiff(path, validate=True)
    with tifffile.TiffFile(path) as tif:
        shapes = [level.shape for level in tif.series[0].levels]
        assert shapes == [(2, 300, 4101), (2, 150, 2051), (2, 75, 1026), (2, 38, 513)]
        half = tif.series[0].levels[1].asarray()
        blocks = stack.data[:, :, :4100].reshape(2, 150, 2, 2050, 2).mean((2, 4))
        np.testing.assert_allclose(half[:, :, :2050], blocks, atol=0.5)
        assert tif.series[1].levels[3].asarray().max() == 255  # a lone pixel is not lost
    np.testing.assert_array_equal(read(path).data, stack.data)
    np.testing.assert_array_equal(read(path).imputed, mask)


def test_no_pyramid_below(tmp_path):
    stack = Stack(field((4096, 8), "uint8"), "YX", (Channel("DAPI", "nucleus"),))
    with tifffile.TiffFile(write(stack, tmp_path / "a.ome.tif")) as tif:
        assert len(tif.series[0].levels) == 1


@pytest.mark.parametrize("limit", [0, 2**28])
def test_a_lazy_result_is_computed_once_and_never_whole(tmp_path, monkeypatch, limit):
    monkeypatch.setattr("napari_dualgland.io.frame_store.FRAME_BYTES", limit)
    computed, alive = [], []
    values = field((3, 2, 4, 1100, 600), "uint16")

    def chunk(block_info=None):
        where = block_info[None]["array-location"]
        computed.append(tuple(where))
        alive.append(where[0][0] * 2 + where[1][0])
        return values[tuple(slice(*w) for w in where)]

    chunks = ((1,) * 3, (1,) * 2, (4,), (300, 300, 500), (600,))
    lazy = da.map_blocks(chunk, chunks=chunks, dtype="uint16", meta=np.empty((0,) * 5, "uint16"))
    channels = tuple(Channel(r, r) for r in ROLES)
    stack = Stack(lazy, "TZCYX", channels)
    result = Imputation.of(stack, lazy > 60000, (lazy / 7).astype("float32"), provenance=PROVENANCE)
    back = read(write(result, tmp_path / "a.ome.tif"))
    assert len(computed) == len(set(computed)) == 18
    assert alive == sorted(alive)  # frame after frame
    np.testing.assert_array_equal(back.data, values)
    np.testing.assert_array_equal(back.imputed, values > 60000)
    np.testing.assert_array_equal(back.uncertainty, (values / 7).astype("float32"))
    assert os.listdir(tmp_path) == ["a.ome.tif"]


def test_a_pyramid_of_a_lazy_plane_by_way_of_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_dualgland.io.frame_store.FRAME_BYTES", 0)
    values = field((4500, 700), "float32")
    stack = Stack(da.from_array(values, chunks=(900, 700)), "YX", (Channel("DAPI", "nucleus"),))
    path = write(stack, tmp_path / "a.ome.tif")
    with tifffile.TiffFile(path) as tif:
        assert tif.series[0].levels[-1].shape == (563, 88)
    np.testing.assert_array_equal(read(path).data, values)
    assert os.listdir(tmp_path) == ["a.ome.tif"]


@pytest.mark.parametrize("dtype", ["int64", "uint64", "float16"])
def test_dtypes_that_ome_lacks_are_refused(tmp_path, dtype):
    stack = Stack(np.zeros((3, 3), dtype), "YX", (Channel("DAPI", "nucleus"),))
    with pytest.raises(DualglandError, match=f"cannot hold {dtype}; convert"):
        write(stack, tmp_path / "a.ome.tif")
    assert os.listdir(tmp_path) == []


def test_big_endian_data_are_written_natively(tmp_path):
    stack = Stack(field((5, 6), "uint16").astype(">u2"), "YX", (Channel("DAPI", "nucleus"),))
    np.testing.assert_array_equal(read(write(stack, tmp_path / "a.ome.tif")).data, stack.data)


def test_a_mask_of_another_shape_is_refused():
    stack = four_channels()
    with pytest.raises(DualglandError, match="must be the same"):
        Imputation.of(stack, np.zeros((60, 70), bool), provenance=PROVENANCE)


def test_control_characters_do_not_break_the_header(tmp_path):
    stack = Stack(np.zeros((3, 3), "u1"), "YX", (Channel("a\x00b\x1f", "nucleus"),), name="\x07")
    path = write(stack, tmp_path / "a.ome.tif")
    from_tiff(path, validate=True)
    assert read(path).channels[0].name == "a�b�"
