"""A long run that is killed goes on where it was, and gives the bits of one that was not."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tifffile

import napari_dualgland as nd
from napari_dualgland.errors import DualglandError
from napari_dualgland.imputation.tiling.frame import Frame
from napari_dualgland.imputation.tiling.pieces import Piece
from napari_dualgland.io import shelf
from napari_dualgland.jobs import FileInput, ImputeJob, MaskFile
from napari_dualgland.progress import finish

RNG = np.random.default_rng(0)
TILE = 64
HOLES = np.zeros((192, 256), np.uint8)
HOLES[20:110, 30:120] = 1  # deep: it is filled from a coarse frame first
HOLES[::40, 130:] = 1
KILLED = """
import os, signal, sys
from napari_dualgland.io import shelf
from napari_dualgland.jobs import ImputeJob
from napari_dualgland.progress import finish
shelf.FEWEST = 1
put, count = shelf.Shelf.put, 0
def put_and_die(*piece):
    global count
    put(*piece)
    count += 1
    if count == 6:
        os.kill(os.getpid(), signal.SIGKILL)
shelf.Shelf.put = put_and_die
job = ImputeJob.model_validate_json(sys.argv[1])
job.save(finish(job.steps()))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("mosaic")
    pixels = RNG.integers(1, 60000, (4, *HOLES.shape), np.uint16)
    channels = tuple(nd.Channel(role, role) for role in nd.ROLES)
    nd.write(nd.Stack(pixels, "CYX", channels), made / "in.ome.tif")
    tifffile.imwrite(made / "mask.tif", HOLES)
    return made


def job(folder: Path, name: str, **options: object) -> ImputeJob:
    quick = {"rehearse": False, "adapt": False, "device": "cpu", "samples": 1, "tile": TILE}
    return ImputeJob(
        input=FileInput(path=folder / "in.ome.tif"),
        missing=MaskFile(path=folder / "mask.tif"),
        params=nd.ImputeParams(**quick | options),
        output=folder / name,
    )


def pieces(done: ImputeJob) -> list[Path]:
    return sorted(done.output.parent.glob(f".{done.output.name}.partial/*-*"))


def pages(done: ImputeJob) -> list[np.ndarray]:
    with tifffile.TiffFile(done.output) as file:
        return [page.asarray() for page in file.pages]


@pytest.fixture
def estimated(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Let every run be long enough; note the boxes that are estimated and not remembered."""
    made: list[object] = []
    estimate = Frame._estimates

    def noting(self: Frame, batch: Sequence[Piece], *looked: object) -> object:
        made.extend(piece.hole for piece in batch)
        return estimate(self, batch, *looked)

    monkeypatch.setattr(Frame, "_estimates", noting)
    monkeypatch.setattr(shelf, "FEWEST", 1)
    return made


def run(wanted: ImputeJob) -> None:
    wanted.save(finish(wanted.steps()))


@pytest.fixture(scope="module")
def left(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run has left that was killed after its sixth piece."""
    wanted = job(folder, "out.ome.tif")
    told = [sys.executable, "-c", KILLED, wanted.model_dump_json()]
    ended = subprocess.run(told, check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert not wanted.output.exists()
    assert len(pieces(wanted)) == 6
    return Path(shutil.move(pieces(wanted)[0].parent, tmp_path_factory.mktemp("left") / "all"))


@pytest.fixture
def killed(folder: Path, left: Path) -> ImputeJob:
    """A job of which a killed run has left something."""
    wanted = job(folder, "out.ome.tif")
    shutil.copytree(left, folder / ".out.ome.tif.partial", dirs_exist_ok=True)
    return wanted


def test_a_killed_run_goes_on_bit_for_bit(
    folder: Path, killed: ImputeJob, estimated: list[object]
) -> None:
    whole = job(folder, "whole.ome.tif")
    run(whole)
    count = len(estimated)
    assert count > 8
    estimated.clear()
    # One piece is cut short, another one has a bit turned: both are done again.
    short, turned, *_ = pieces(killed)
    short.write_bytes(short.read_bytes()[:-5])
    content = bytearray(turned.read_bytes())
    content[-3] ^= 4
    turned.write_bytes(content)
    run(killed)
    assert len(estimated) == count - 4
    for one, other in zip(pages(killed), pages(whole), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not list(folder.glob(".*"))


def test_what_another_run_has_left_is_not_used(
    folder: Path, killed: ImputeJob, estimated: list[object]
) -> None:
    for change in ("seed", "file", "mask"):
        left = pieces(killed)
        assert left
        other = job(folder, "out.ome.tif", seed=int(change == "seed"))
        if change == "file":
            (folder / "in.ome.tif").touch()
        if change == "mask":
            changed = HOLES.copy()
            changed[150, 20] = 1
            tifffile.imwrite(folder / "mask.tif", changed)
        estimated.clear()

        def has_begun(left: list[Path] = left) -> bool:
            there = set(pieces(killed))
            return bool(there) and there.isdisjoint(left)

        with pytest.raises(DualglandError):
            finish(other.steps(should_stop=has_begun))
        assert estimated
        assert set(left).isdisjoint(pieces(killed))


@pytest.mark.parametrize("given", ["set/in", "set"])
def test_a_set_by_its_prefix_or_beside_the_output_goes_on_too(
    tmp_path: Path, folder: Path, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "FEWEST", 1)
    (tmp_path / "set").mkdir()
    nd.write(nd.read(folder / "in.ome.tif"), tmp_path / "set" / "in.png")
    shutil.copy(folder / "mask.tif", tmp_path)
    plain = job(tmp_path, "set/out.ome.tif")
    wanted = plain.model_copy(update={"input": FileInput(path=tmp_path / given)})
    with pytest.raises(DualglandError):
        finish(wanted.steps(should_stop=lambda: bool(pieces(wanted))))
    left = pieces(wanted)
    assert left
    with pytest.raises(DualglandError):
        finish(wanted.steps(should_stop=lambda: not set(left).issuperset(pieces(wanted))))
    assert set(left) < set(pieces(wanted))


def test_a_short_run_leaves_no_trace(folder: Path) -> None:
    run(job(folder, "short.ome.tif", model="prior", samples=0))
    steps = job(folder, "stopped.ome.tif", model="prior", samples=0).steps()
    while next(steps).done == 0:
        pass
    steps.close()
    assert not [p for p in folder.glob(".*") if "out" not in p.name]
