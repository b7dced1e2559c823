"""Every format and every fault of a disk: one clear sentence, and what was there stays."""

from __future__ import annotations

import os
import shutil
import subprocess

import numpy as np
import pytest
from napari.layers import Image as Layer
from test_io_atomic import small_disk  # noqa: F401
from test_writing import ENDINGS, files_in, imputation_of, opened, stack_of

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io import read, write
from napari_dualgland.io.atomic_folder import replacing_folder
from napari_dualgland.io.layer_tag import LayerTag, set_tag
from napari_dualgland.io.layer_writing import stack_of_layers
from napari_dualgland.io.layers import stack_from_layers
from napari_dualgland.io.mask_writing import write_mask
from napari_dualgland.io.writing import plan
from napari_dualgland.results import Imputation
from napari_dualgland.stack import ROLES, Channel, Stack

NOISE = np.random.default_rng(0).integers(0, 255, (4, 300, 300), np.uint8)  # does not compress


def noise():
    return Stack(NOISE, "CYX", tuple(Channel(r, r) for r in ROLES), name="noise")


def small():
    return Stack(np.zeros((4, 4, 4), np.uint8), "CYX", noise().channels)


def content(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def refused(kind, result, path, way_out=True):
    with pytest.raises(DualglandError) as told:
        write(result, path)
    said = told.value
    assert said.kind == kind
    assert "\n" not in str(said)
    assert not way_out or said.way_out
    return str(said)


def mounted(*words):
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("mounting needs root")
    if subprocess.run(["mount", *words], capture_output=True, check=False).returncode:
        pytest.skip("mounting is not permitted here")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_full_disk(small_disk, ending):  # noqa: F811
    path = small_disk / f"a{ending}"
    write(small(), path)
    before = content(small_disk)
    said = refused(Kind.NO_SPACE, noise(), path)
    assert "full" in said
    assert content(small_disk) == before


@pytest.mark.skipif(os.name != "posix", reason="limits are POSIX")
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_limit_on_the_size_of_files(tmp_path, ending):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
    try:
        refused(Kind.NO_SPACE, noise(), tmp_path / f"a{ending}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not files_in(tmp_path)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_folder_that_may_only_be_read(tmp_path, ending):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk))
    try:
        path = disk / f"a{ending}"
        write(small(), path)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        refused(Kind.UNWRITABLE, small(), path)
        with pytest.raises(DualglandError):
            plan(small(), path)
        assert opened(path).shape == (4, 4, 4)
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_that_is_open_elsewhere(tmp_path, ending):
    """What another mount holds cannot be replaced, as an open file cannot be on Windows."""
    path = tmp_path / f"a{ending}"
    write(small(), path)
    held = tmp_path / "a_red.png" if ending == ".png" else path
    copy = tmp_path / "elsewhere"
    (shutil.copytree if held.is_dir() else shutil.copyfile)(held, copy)
    mounted("--bind", str(copy), str(held))
    try:
        before = content(tmp_path)
        said = refused(Kind.UNWRITABLE, imputation_of(stack_of()), path)
        assert "in use" in said
        assert content(tmp_path) == before
    finally:
        subprocess.run(["umount", held], check=True)
    write(imputation_of(stack_of()), path)
    assert isinstance(opened(path), Imputation)


@pytest.mark.parametrize("ending", ENDINGS)
def test_places_where_nothing_can_be_put(tmp_path, ending):
    before = files_in(tmp_path)
    refused(Kind.BAD_VALUE, small(), tmp_path / ("n" * 300 + ending), way_out=False)
    refused(Kind.NOT_THERE, small(), tmp_path / "no" / f"a{ending}")
    assert files_in(tmp_path) == before
    (tmp_path / f"a{ending}").mkdir()
    (tmp_path / f"a{ending}" / "thesis.txt").write_text("mine")
    (tmp_path / "a_red.png").mkdir()
    assert refused(
        Kind.CONFLICT if "zarr" in ending else Kind.NOT_A_FILE, small(), tmp_path / f"a{ending}"
    )
    assert (tmp_path / f"a{ending}" / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_source_is_never_replaced(tmp_path, ending):
    write(small(), tmp_path / f"a{ending}")
    before = content(tmp_path)
    stack = opened(tmp_path / f"a{ending}")
    for name in (f"a{ending}", f"../{tmp_path.name}/a{ending}"):
        refused(Kind.CONFLICT, stack, tmp_path / name)
    assert content(tmp_path) == before


def test_the_file_of_every_layer_is_a_source(tmp_path):
    for name in ROLES[:2]:
        write(small(), tmp_path / f"{name}.ome.tif")
    layers = {name: Layer(np.zeros((4, 4), np.uint8), name=name) for name in ROLES[:3]}
    for name in ROLES[:2]:  # the third layer lies in no file
        tag = LayerTag(role=name, path=str(tmp_path / f"{name}.ome.tif"))
        set_tag(layers[name], tag)
    before = content(tmp_path)
    saved = stack_of_layers([layer.as_layer_data_tuple() for layer in layers.values()])
    for stack in (stack_from_layers(layers), saved):
        for name in ROLES[:2]:
            refused(Kind.CONFLICT, stack, tmp_path / f"{name}.ome.tif")
    assert content(tmp_path) == before


def test_a_mask_does_not_replace_its_image(tmp_path):
    write(small(), tmp_path / "a.ome.tif")
    before, stack = content(tmp_path), read(tmp_path / "a.ome.tif")
    with pytest.raises(DualglandError, match="never overwritten"):
        write_mask(np.ones((4, 4, 4), bool), stack, tmp_path / "a.ome.tif", stack)
    assert content(tmp_path) == before


def test_a_folder_around_the_source_is_not_replaced(tmp_path):
    inner = tmp_path / "plate.ome.zarr" / "A" / "1" / "0"
    inner.parent.mkdir(parents=True)
    (tmp_path / "plate.ome.zarr" / "zarr.json").write_text("{}")
    write(small(), tmp_path / "f.ome.zarr")
    shutil.move(tmp_path / "f.ome.zarr", inner)
    refused(Kind.CONFLICT, read(inner), tmp_path / "plate.ome.zarr")
    refused(Kind.CONFLICT, small(), inner / "deeper.ome.zarr")


def test_what_a_killed_run_left_is_cleared_and_what_stepped_aside_comes_back(tmp_path):
    path = tmp_path / "a.ome.zarr"
    write(small(), path)
    before = content(path)
    hidden = f".a.ome.zarr.{'0' * 32}"
    path.rename(tmp_path / f"{hidden}.older")
    (tmp_path / f"{hidden}.filled").mkdir()
    with pytest.raises(RuntimeError, match="killed"), replacing_folder(path):
        raise RuntimeError("killed")
    assert files_in(tmp_path) == {"a.ome.zarr"}
    assert content(path) == before
