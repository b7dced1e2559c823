"""A full disk, Ctrl-C or a kill leaves the older file, or none, and no rubbish."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import dask.array as da
import numpy as np
import pytest

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io import read, write
from napari_dualgland.stack import Channel, Stack

NOISE = np.random.default_rng(0).integers(0, 255, (400, 400), np.uint8)  # does not compress


def noise_stack(data=NOISE):
    return Stack(data, "YX", (Channel("DAPI", "nucleus"),), name="noise")


def small_stack():
    return noise_stack(np.zeros((4, 4), np.uint8))


def refused(kind, place, do):
    with pytest.raises(DualglandError) as told:
        do()
    assert (told.value.kind, told.value.place) == (kind, str(place))


@pytest.fixture
def small_disk(tmp_path):
    """A tmpfs of 64 kB, where this user may mount one."""
    if os.name != "posix" or not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("mounting needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting is not permitted here")
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("lazy", [False, True])
def test_a_full_disk(small_disk, lazy, monkeypatch):
    path = write(small_stack(), small_disk / "a.ome.tif")
    before = path.read_bytes()
    data = NOISE
    if lazy:  # by way of a file beside, which does not fit either
        monkeypatch.setattr("napari_dualgland.io.frame_store.FRAME_BYTES", 0)
        data = da.from_array(NOISE)
    refused(Kind.NO_SPACE, path, lambda: write(noise_stack(data), path))
    assert os.listdir(small_disk) == ["a.ome.tif"]
    assert path.read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="limits are POSIX")
def test_a_limit_on_the_size_of_files(tmp_path):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
    path = tmp_path / "a.ome.tif"
    try:
        refused(Kind.NO_SPACE, path, lambda: write(noise_stack(), path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_not_there(tmp_path):
    path = tmp_path / "no" / "a.ome.tif"
    refused(Kind.NOT_THERE, path, lambda: write(small_stack(), path))


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are POSIX")
def test_a_folder_that_cannot_be_written(tmp_path):
    if os.geteuid() == 0:
        # Root may write anywhere but on a file system that is mounted read-only.
        mount = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", tmp_path]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("mounting is not permitted here")
    else:
        tmp_path.chmod(0o500)
    try:
        path = tmp_path / "a.ome.tif"
        refused(Kind.UNWRITABLE, path, lambda: write(small_stack(), path))
    finally:
        if os.geteuid() == 0:
            subprocess.run(["umount", tmp_path], check=True)
        else:
            tmp_path.chmod(0o700)


@pytest.mark.parametrize("name", ["a.jpg", "a", ".tif", "a.ome", "a.ome.tif.gz", "a.zarr.zip"])
def test_other_endings_are_refused(tmp_path, name):
    refused(Kind.BAD_VALUE, tmp_path / name, lambda: write(small_stack(), tmp_path / name))
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes are POSIX")
@pytest.mark.parametrize("make", [os.mkdir, getattr(os, "mkfifo", None)], ids=["folder", "pipe"])
def test_something_else_of_that_name(tmp_path, make):
    path = tmp_path / "a.ome.tif"
    make(path)
    refused(Kind.NOT_A_FILE, path, lambda: write(small_stack(), path))


@pytest.mark.parametrize(
    "raised",
    [KeyboardInterrupt(), MemoryError(), DualglandError(Kind.DAMAGED, "a source", "is damaged")],
    ids=lambda error: type(error).__name__,
)
def test_an_interruption_leaves_the_older_file(tmp_path, raised):
    path = write(small_stack(), tmp_path / "a.ome.tif")
    before = path.read_bytes()

    def stop(block, block_info=None):
        if block_info[None]["chunk-location"][0] == 1:
            raise raised
        return block

    data = da.from_array(np.stack([NOISE, NOISE]), chunks=(1, 400, 400)).map_blocks(
        stop, dtype=np.uint8
    )
    stack = Stack(data, "ZYX", (Channel("DAPI", "nucleus"),))
    with pytest.raises(type(raised)):
        write(stack, path)
    assert os.listdir(tmp_path) == ["a.ome.tif"]
    assert path.read_bytes() == before


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="signals are POSIX")
def test_a_kill_in_the_midst_leaves_no_file_of_that_name(tmp_path):
    code = f"""
        import sys, time
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import dask.array as da
        from test_io_atomic import NOISE, Channel, Stack, write

        def slow(block, block_info=None):
            time.sleep(0.05)
            return block

        lazy = da.concatenate([da.from_array(NOISE[None])] * 10_000).map_blocks(slow, dtype="u1")
        write(Stack(lazy, "ZYX", (Channel("DAPI", "nucleus"),)), {str(tmp_path / "a.ome.tif")!r})
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)])
    deadline = time.monotonic() + 60
    while not any(f.stat().st_size > 300_000 for f in tmp_path.iterdir()):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert not (tmp_path / "a.ome.tif").exists()
    assert read(write(noise_stack(), tmp_path / "a.ome.tif")).shape == (400, 400)
    # What the killed run had begun is gone too.
    assert os.listdir(tmp_path) == ["a.ome.tif"]


def test_the_file_has_the_rights_that_other_files_get(tmp_path):
    (tmp_path / "plain").touch()
    path = write(small_stack(), tmp_path / "a.ome.tif")
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode
