"""The bounds that finding missing pixels must keep on real fields of the atlas.

The figures of every field and family are in ``benchmarks/results/missing.md``; here a part
of them is held. The pixels are not in the repository: without them these tests are skipped.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from skimage.io import imread

from dualgland_training.data.damage import draw_damage
from napari_dualgland.missing import find_missing
from napari_dualgland.stack import ROLES, Channel, Stack

FIELDS = Path(__file__).parents[3] / "shared" / "data" / "hpa" / "fields"
NAMES = sorted({path.name.rpartition("_")[0] for path in FIELDS.glob("*_red.png")})

pytestmark = pytest.mark.skipif(not NAMES, reason="the atlas fields are not beside the repository")


def field(name: str) -> np.ndarray:
    """Return the (C, Y, X) pixels of a field in the order of ROLES."""
    suffixes = ("red", "green", "blue", "yellow")
    return np.stack([imread(FIELDS / f"{name}_{suffix}.png") for suffix in suffixes])


def found_in(image: np.ndarray) -> np.ndarray:
    return find_missing(Stack(image, "CYX", tuple(Channel(role) for role in ROLES)))


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_field_is_left_alone(name):
    part = field(name)[:, 300:1324, 300:1324]
    assert (found_in(part).mean(axis=(1, 2)) < 1e-3).all()


def test_a_whole_field_in_full_is_left_alone():
    assert (found_in(field(NAMES[-1])).mean(axis=(1, 2)) < 1e-3).all()


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("family", ["box", "scratches", "lines", "saturated"])
def test_damage_amid_signal_is_found(family, value):
    found, whole = [], []
    for seed, name in enumerate(NAMES[1::3]):
        part = field(name)[:, 400:1040, 400:1040]
        rng = np.random.default_rng(seed)
        mask = draw_damage(part.astype(np.float32), family, rng, scale=2.0)
        hurt = np.where(mask, np.uint8(value), part)
        flagged = found_in(hurt)
        for plane, lost, seen in zip(part, mask, flagged, strict=True):
            around = ndimage.uniform_filter(plane.astype(np.float32), 15)
            signal = around > 0.1 * np.percentile(plane, 99.9)
            found.append(seen[lost & signal])
            whole.append(seen[~lost])
    assert np.concatenate(found).mean() >= 0.95
    assert np.concatenate(whole).mean() < 0.01


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8, 0.89])
def test_scattered_pixels_amid_signal_are_found_however_many_are_lost(share):
    """Where most are lost they touch, and are one region of which hardly a rim is left."""
    found, whole = [], []
    for name in NAMES[::4]:
        part = field(name)[:, 400:1040, 400:1040]
        lost = np.random.default_rng(1).random(part.shape[1:]) < share
        flagged = found_in(np.where(lost, np.uint8(0), part))
        for plane, seen in zip(part, flagged, strict=True):
            around = ndimage.uniform_filter(plane.astype(np.float32), 15)
            signal = around > 0.2 * np.percentile(plane, 99.9)
            found.append(seen[lost & signal])
            whole.append(seen[~lost & signal])
    assert np.concatenate(found).mean() >= 0.8
    assert np.concatenate(whole).mean() < 0.02
