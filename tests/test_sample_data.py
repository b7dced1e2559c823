"""The samples that ship: whole, honest about what is damaged, and open in napari."""

from __future__ import annotations

import hashlib
import runpy
from pathlib import Path

import numpy as np
import pytest

from napari_dualgland import sample
from napari_dualgland.errors import DualglandError
from napari_dualgland.io import read, read_mask
from napari_dualgland.io.layer_tag import DAMAGE
from napari_dualgland.stack import ROLE_COLORS, ROLES, PixelSize

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "sample_data"
STACKS = ("dualgland_whole", "dualgland_damaged", "dualgland_zstack")
MAX_BYTES = 5 * 10**6


def test_checksums_name_every_sample_and_agree():
    sums = dict(line.split()[::-1] for line in (FOLDER / "SHA256SUMS").read_text().splitlines())
    assert sorted(sums) == sorted(path.name for path in FOLDER.glob("*.tif"))
    for name, digest in sums.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest, name


def test_samples_are_small():
    assert sum(path.stat().st_size for path in FOLDER.glob("*.tif")) <= MAX_BYTES


def test_the_package_holds_the_same_files_once():
    link = ROOT / "src" / "napari_dualgland" / "sample_data"
    assert link.is_symlink()
    assert link.resolve() == FOLDER.resolve()


@pytest.mark.parametrize("name", STACKS)
def test_stacks_say_what_they_are(name):
    stack = read(FOLDER / f"{name}.ome.tif")
    assert tuple(stack.roles) == ROLES
    assert [c.color for c in stack.channels] == [ROLE_COLORS[role] for role in ROLES]
    assert stack.dtype == np.uint8
    zstack = name == "dualgland_zstack"
    assert (stack.axes, stack.shape) == (
        ("ZCYX", (5, 4, 256, 256)) if zstack else ("CYX", (4, 1024, 1024))
    )
    assert stack.pixel_size == PixelSize(0.16, 0.16, 0.8 if zstack else None)


def test_damage_is_where_the_mask_says_and_nowhere_else():
    whole, hurt = (np.asarray(read(FOLDER / f"{n}.ome.tif").data) for n in STACKS[:2])
    mask = np.asarray(read_mask(FOLDER / "dualgland_damaged_mask.tif"))
    assert (mask.shape, mask.dtype, set(np.unique(mask))) == (hurt.shape, np.uint8, {0, 255})
    missing = mask > 0
    assert np.array_equal(whole[~missing], hurt[~missing])
    assert set(np.unique(hurt[missing])) == {0, 255}
    assert 0.01 < missing.mean() < 0.06
    # Some places are lost in all channels, every channel has observed ones beside losses.
    assert missing.all(axis=0).any()
    assert (missing.any(axis=0) & ~missing.all(axis=0)).any()
    # Damage that hides nothing would show nothing.
    assert (whole[missing] > 5).mean() > 0.3


def test_zstack_has_whole_and_damaged_planes():
    stack = np.asarray(read(FOLDER / "dualgland_zstack.ome.tif").data)
    missing = np.asarray(read_mask(FOLDER / "dualgland_zstack_mask.tif")) > 0
    assert missing.shape == stack.shape
    assert [bool(plane.any()) for plane in missing] == [False, True, True, True, True]
    assert (stack[missing] == 0).all()


@pytest.fixture(scope="module")
def script():
    """The names that ``make_samples.py`` defines."""
    return runpy.run_path(str(FOLDER / "make_samples.py"))


def test_the_tables_of_the_script_are_the_damage(script):
    whole = np.asarray(read(FOLDER / "dualgland_whole.ome.tif").data)
    hurt, missing = script["damaged"](whole, script["FIELD_DAMAGE"])
    assert np.array_equal(hurt, read(FOLDER / "dualgland_damaged.ome.tif").data)
    assert np.array_equal(missing, np.asarray(read_mask(FOLDER / "dualgland_damaged_mask.tif")) > 0)


@pytest.mark.slow
def test_the_script_makes_the_samples_again(script, tmp_path):
    script["main"](tmp_path)
    for path in FOLDER.glob("*_mask.tif"):
        assert np.array_equal(read_mask(path), read_mask(tmp_path / path.name))
    for name in STACKS:
        ours = np.asarray(read(FOLDER / f"{name}.ome.tif").data).astype(int)
        again = np.asarray(read(tmp_path / f"{name}.ome.tif").data)
        # Another NumPy may round a photon differently; it does not draw other cells.
        assert (ours != again).mean() < 0.01, name


@pytest.mark.parametrize(
    ("opened", "ndim", "masked"),
    [
        (sample.whole_field, 2, False),
        (sample.damaged_field, 2, True),
        (sample.damaged_zstack, 3, True),
    ],
)
def test_open_sample_gives_coloured_layers(opened, ndim, masked):
    layers = opened()
    assert [looks["name"] for _, looks, _ in layers] == [*ROLES, *([DAMAGE] * masked)]
    images = [looks for _, looks, kind in layers if kind == "image"]
    assert [looks["colormap"] for looks in images] == ["red", "green", "blue", "yellow"]
    for pixels, looks, _ in layers:
        assert pixels.ndim == ndim
        assert looks["scale"] == ((0.8, 0.16, 0.16) if ndim == 3 else (0.16, 0.16))


def test_the_damage_layer_holds_a_bit_per_channel():
    codes, _, kind = sample.damaged_field()[-1]
    assert kind == "labels"
    mask = np.asarray(read_mask(FOLDER / "dualgland_damaged_mask.tif")) > 0
    for channel in range(len(ROLES)):
        assert np.array_equal(np.asarray(codes) >> channel & 1, mask[channel])


def test_the_widget_reads_the_damage_layer_channel_by_channel(make_napari_viewer_proxy):
    from napari_dualgland import mask_from_layer

    viewer = make_napari_viewer_proxy()
    viewer.open_sample("napari-dualgland", "damaged")
    layers = {role: viewer.layers[role] for role in ROLES}
    stack = read(FOLDER / "dualgland_damaged.ome.tif")
    marked = mask_from_layer(viewer.layers[DAMAGE], layers).fitted(stack)
    mask = np.asarray(read_mask(FOLDER / "dualgland_damaged_mask.tif")) > 0
    assert np.array_equal(np.asarray(marked), mask)


def test_a_sample_that_is_not_installed_is_named():
    with pytest.raises(DualglandError, match=r"dualgland_lost\.ome\.tif: the sample is not"):
        sample.sample_path("dualgland_lost.ome.tif")
