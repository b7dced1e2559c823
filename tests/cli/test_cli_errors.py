"""Bad input and a bad machine: one clear line, a code that is not 0, nothing half-written."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pty
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from safetensors.numpy import save

from napari_dualgland.io import read, write

PRIOR = ("--model", "prior", "--device", "cpu", "--no-rehearse")


@pytest.fixture
def refuse(dualgland, out, nothing_written):
    """Run impute on what is bad, and return what is told of it."""

    def run(source, *options, says: str = "", kind: str | None = None):
        said = dualgland("impute", source, "--out", out, *PRIOR, *options)
        assert said.code == 2
        assert said.out == ""
        assert says in said.error
        assert nothing_written()
        as_json = dualgland("impute", source, "--out", out, *PRIOR, *options, "--json")
        told = as_json.result
        assert (as_json.code, told["exit_code"], told["error"]) == (2, 2, said.error)
        assert kind is None or told["kind"] == kind
        return told

    return run


def test_a_missing_file(refuse, tmp_path):
    refuse(tmp_path / "gone.tif", says="gone.tif")


def test_an_empty_file(refuse, tmp_path):
    (tmp_path / "empty.tif").touch()
    told = refuse(tmp_path / "empty.tif", kind="empty")
    assert told["place"] == str(tmp_path / "empty.tif")


def test_a_text_file_called_tif(refuse, tmp_path):
    (tmp_path / "notes.tif").write_text("field 3 has a scratch\n" * 40)
    refuse(tmp_path / "notes.tif", says="notes.tif")


def test_a_truncated_tiff(refuse, whole, tmp_path):
    short = tmp_path / "short.ome.tif"
    short.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    refuse(short, says="short.ome.tif")


def test_a_colour_picture(refuse, tmp_path):
    rgb = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    tifffile.imwrite(tmp_path / "rgb.tif", rgb, photometric="rgb")
    assert "--channels" in refuse(tmp_path / "rgb.tif", kind="ambiguous")["way_out"]


def test_two_channels(refuse, tmp_path):
    two = np.random.default_rng(0).integers(0, 255, (2, 64, 64), np.uint8)
    tifffile.imwrite(tmp_path / "two.tif", two, photometric="minisblack", metadata={"axes": "CYX"})
    assert "--channels" in refuse(tmp_path / "two.tif", kind="ambiguous")["way_out"]


def test_a_mask_of_the_wrong_shape(refuse, whole, tmp_path):
    tifffile.imwrite(tmp_path / "mask.tif", np.ones((50, 96), np.uint8))
    told = refuse(whole, "--missing", tmp_path / "mask.tif", says="50")
    assert "96" in told["error"]


def test_a_mask_that_is_not_there(refuse, whole, tmp_path):
    refuse(whole, "--missing", tmp_path / "gone.tif", says="gone.tif")


def test_everything_missing(refuse, whole, tmp_path):
    tifffile.imwrite(tmp_path / "all.tif", np.ones((96, 96), np.uint8))
    refuse(whole, "--missing", tmp_path / "all.tif", says="missing")


@pytest.mark.filterwarnings("ignore:.*writing zero-size")
def test_a_picture_without_pixels(refuse, tmp_path):
    tifffile.imwrite(tmp_path / "zero.tif", np.zeros((0, 64), np.uint8), photometric="minisblack")
    refuse(tmp_path / "zero.tif", says="zero.tif")


def test_an_unknown_device(refuse, whole):
    refuse(whole, "--device", "cuda:31", says="cuda:31")


def test_an_unknown_model(refuse, whole):
    refuse(whole, "--model", "unet", says="unet")


def test_a_damaged_weights_file(refuse, whole, mask, tmp_path):
    weights = tmp_path / "ours.safetensors"
    sound = save({"stem.weight": np.arange(64, dtype=np.float32)})
    card = {
        "name": "ours",
        "architecture": {"kind": "generator", "widths": [8, 8, 8], "depths": [1, 1, 1]},
        "sha256": hashlib.sha256(sound).hexdigest(),
    }
    weights.with_suffix(".json").write_text(json.dumps(card))
    weights.write_bytes(sound[:-1] + b"?")
    refuse(whole, "--missing", mask, "--model", weights, says=str(weights))


def test_an_output_of_another_kind(dualgland, whole, tmp_path):
    told = dualgland("impute", whole, "--out", tmp_path / "a.png", *PRIOR, "--json").result
    assert (told["kind"], told["place"]) == ("bad-value", str(tmp_path / "a.png"))


def test_an_output_in_a_folder_that_is_not_there(dualgland, whole, tmp_path):
    out = tmp_path / "gone" / "a.ome.tif"
    told = dualgland("impute", whole, "--out", out, *PRIOR, "--json").result
    assert (told["kind"], told["place"]) == ("not-there", str(out))


def test_the_input_is_never_overwritten(dualgland, whole, mask, tmp_path):
    before = whole.read_bytes()
    link = tmp_path / "link.ome.tif"
    link.symlink_to(whole)
    for out in (whole, link):
        words = ("impute", whole, "--out", out, "--missing", mask, *PRIOR, "--json")
        told = dualgland(*words).result
        assert (told["exit_code"], told["kind"], told["place"]) == (2, "conflict", str(out))
    assert whole.read_bytes() == before


def test_a_member_of_the_input_is_never_overwritten(dualgland, field, tmp_path):
    values = np.asarray(field().data)
    colors = ("red", "green", "blue", "yellow")
    for color, channel in zip(colors, values, strict=True):
        tifffile.imwrite(tmp_path / f"7_A1_{color}.tif", channel)
    member = tmp_path / "7_A1_red.tif"
    before = member.read_bytes()
    (tmp_path / "out.ome.tif").symlink_to(member)
    out = tmp_path / "out.ome.tif"
    told = dualgland("impute", tmp_path / "7_A1", "--out", out, *PRIOR, "--json").result
    assert (told["exit_code"], told["kind"]) == (2, "conflict")
    assert member.read_bytes() == before


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[bool]:
    """Mount a disk in memory; yield False where this machine does not let us."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_folder_that_cannot_be_written(dualgland, whole, mask, tmp_path):
    sealed = tmp_path / "sealed"
    with mounted(sealed, "ro") as read_only:
        if not read_only:
            sealed.chmod(0o555)
        if os.access(sealed, os.W_OK):
            pytest.skip("this user may write to every folder and not mount one read-only")
        said = dualgland("impute", whole, "--out", sealed / "a.ome.tif", "--missing", mask, *PRIOR)
        assert said.code == 2
        assert "cannot be written" in said.error
        assert not list(sealed.iterdir())


@pytest.fixture
def noisy(field, tmp_path) -> Path:
    """An OME-TIFF that does not fit on the tiny disk, for noise does not compress."""
    stack = field(256)
    noise = np.random.default_rng(1).integers(1, 250, stack.shape, np.uint8)
    return write(replace(stack, data=noise), tmp_path / "noisy.ome.tif")


@pytest.mark.parametrize("missing", ["box", "nothing"])
def test_a_full_disk(dualgland, noisy, tmp_path, missing):
    lost = np.zeros((256, 256), np.uint8)
    lost[100:120, 100:120] = missing == "box"
    tifffile.imwrite(tmp_path / "mask.tif", lost)
    words = ("impute", noisy, "--missing", tmp_path / "mask.tif", *PRIOR)
    disk = tmp_path / "disk"
    with mounted(disk, "size=64k") as small:
        if not small:
            pytest.skip("no right to mount a small disk here; the next test limits the file size")
        said = dualgland(*words, "--out", disk / "a.ome.tif")
        assert said.code == 2
        assert "full" in said.error
        assert not list(disk.iterdir())


def test_a_file_that_may_not_grow(dualgland, noisy, tmp_path, out, nothing_written):
    lost = np.zeros((256, 256), np.uint8)
    lost[100:120, 100:120] = 1
    tifffile.imwrite(tmp_path / "mask.tif", lost)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, hard))
    try:
        words = ("impute", noisy, "--out", out, "--missing", tmp_path / "mask.tif", *PRIOR)
        said = dualgland(*words)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert said.code == 2
    assert str(out) in said.error
    assert nothing_written()


def read_until(terminal: int, word: bytes) -> bytes:
    """Read what a process draws on its terminal until a word comes; all of it if ``b""``."""
    drawn = b""
    with contextlib.suppress(OSError):  # Linux says EIO where the other end has closed
        while not word or word not in drawn:
            more = os.read(terminal, 4096)
            if not more:
                break
            drawn += more
    return drawn


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_midway(field, tmp_path, out, nothing_written, sent):
    """The signal comes when the progress bar is there: tiles are being imputed."""
    source = write(field(512), tmp_path / "large.ome.tif")
    lost = np.random.default_rng(0).random((512, 512)) < 0.5
    tifffile.imwrite(tmp_path / "mask.tif", lost.astype(np.uint8))
    words = ("impute", source, "--out", out, "--missing", tmp_path / "mask.tif", *PRIOR)
    terminal, its_end = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "napari_dualgland", *map(str, words), "--tile", "64"],
        stdout=subprocess.PIPE,
        stderr=its_end,
        env={**os.environ, "TERM": "xterm"},
    ) as running:
        os.close(its_end)
        assert b"imputing" in read_until(terminal, b"imputing")
        running.send_signal(sent)
        assert running.stdout.read() == b""
        last = read_until(terminal, b"").decode().strip().splitlines()[-1]
    os.close(terminal)
    assert running.returncode == 130
    assert last.endswith("dualgland: interrupted; no file was written")
    assert nothing_written()


def test_an_interrupt_amid_an_import_has_the_same_code(tmp_path):
    """Modules are run by Python's own ``-m``, which looks again for an interrupt at its end."""
    inside = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
    (tmp_path / "program.py").write_text(
        "import sys\nfrom napari_dualgland.cli.console import guarded\n"
        f"sys.exit(guarded(lambda: exec({inside!r}), as_json=False, debug=False))\n"
    )
    words = [sys.executable, "-m", "program"]
    ended = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 130
    assert ended.stderr.endswith("dualgland: interrupted; no file was written\n")


def test_an_unexpected_error_is_one_line_and_a_hint(dualgland, whole, mask, out, monkeypatch):
    def broken(*_words: object) -> None:
        raise ZeroDivisionError("no such luck")

    monkeypatch.setattr("napari_dualgland.jobs.impute.write", broken)
    words = ("impute", whole, "--out", out, "--missing", mask, *PRIOR)
    said = dualgland(*words)
    assert said.code == 1
    assert "ZeroDivisionError: no such luck" in said.error
    assert "DUALGLAND_DEBUG=1" in said.error
    monkeypatch.setenv("DUALGLAND_DEBUG", "1")
    assert "Traceback" in dualgland(*words).err


def test_the_mask_of_another_run_is_still_a_fill(dualgland, whole, mask, out, tmp_path):
    """An existing result may be replaced: the same command can be run twice."""
    for _ in range(2):
        said = dualgland("impute", whole, "--out", out, "--missing", mask, *PRIOR)
        assert said.code == 0, said.err
    assert read(out).imputed is not None
