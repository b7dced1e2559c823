"""The classical fills: what they promise, against scikit-image and OpenCV called plainly."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
from scipy import ndimage
from skimage.restoration import inpaint_biharmonic

from dualgland_training.evaluate.methods import CLASSICAL
from napari_dualgland.classical import FILLS, biharmonic, fsr, mean, navier_stokes, telea
from napari_dualgland.errors import DualglandError, Kind


def smooth_frame(channels: int = 2, side: int = 96) -> np.ndarray:
    noise = np.random.default_rng(4).random((channels, side, side))
    frame = ndimage.gaussian_filter(noise, (0, 6, 6))
    frame -= frame.min()
    return (frame / frame.max() * 3000).astype(np.float32)


def box_mask(shape: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[..., 30:52, 40:66] = True
    return mask


@pytest.mark.parametrize("name", FILLS)
def test_observed_pixels_stay_and_the_hole_is_not_looked_at(name):
    truth = smooth_frame()
    missing = box_mask(truth.shape)
    missing[1] = np.roll(missing[1], 9, axis=0)
    damaged = np.where(missing, 60000, truth).astype(np.float32)
    spoiled = np.where(missing, np.nan, truth).astype(np.float32)
    filled = FILLS[name](damaged, missing)
    assert filled.dtype == np.float32
    np.testing.assert_array_equal(filled[~missing], truth[~missing])
    np.testing.assert_array_equal(filled, FILLS[name](spoiled, missing))
    assert filled.min() >= truth.min()
    assert filled.max() <= truth.max()


def test_every_method_beats_the_mean_on_a_smooth_frame():
    truth = smooth_frame()
    missing = box_mask(truth.shape)
    error = {n: np.abs(fill(truth, missing) - truth)[missing].mean() for n, fill in FILLS.items()}
    assert max(error["Telea"], error["Navier–Stokes"]) < 0.7 * error["mean"]
    assert error["FSR"] < 0.5 * error["mean"]
    assert error["biharmonic"] < 0.2 * error["mean"]


def test_mean_is_of_the_observed_pixels_of_the_channel():
    image = np.array([[[1, 3, 99]], [[10, 99, 20]]], np.float32)
    missing = np.array([[[0, 0, 1]], [[0, 1, 0]]], np.uint8)
    np.testing.assert_array_equal(mean(image, missing), [[[1, 3, 2]], [[10, 15, 20]]])


@pytest.mark.parametrize("fill", [telea, navier_stokes])
def test_opencv_fills_are_equivariant_to_exposure(fill):
    """The reason for the stretch: OpenCV's own float path is not."""
    truth = smooth_frame(1)
    missing = box_mask(truth.shape)
    once = fill(truth, missing)
    dim = fill(truth / 3000 + 7, missing)
    np.testing.assert_allclose((dim - 7) * 3000, once, atol=1.0)


@pytest.mark.parametrize("family", ["box", "scattered", "scratches"])
def test_biharmonic_in_pieces_equals_the_whole(family):
    truth = smooth_frame(1, 300)
    missing = box_mask(truth.shape)
    if family == "scattered":
        missing = np.random.default_rng(1).random(truth.shape) < 0.4
    if family == "scratches":
        missing[:] = False
        missing[:, 30::61] = True
        missing[:, 31::61] = True
    whole = inpaint_biharmonic(truth[0].astype(float), missing[0])
    np.testing.assert_allclose(biharmonic(truth, missing)[0], whole, atol=0.5)


@pytest.mark.parametrize("side", [17, 31, 50, 95])
def test_fsr_fills_to_the_last_pixel_of_a_frame_of_any_size(side):
    """OpenCV's own leaves what is beyond the last whole block, and reads past it."""
    y, x = np.mgrid[:side, : side + 3]
    truth = np.sin(y / 9)[None] * 900 + x * 7.0 + 1000
    missing = np.zeros(truth.shape, bool)
    missing[:, -1:, : side // 2] = missing[:, side // 2 :, -1:] = True
    error, plain = (np.abs(fill(truth, missing) - truth)[missing] for fill in (fsr, mean))
    assert error.max() < 0.35 * plain.max()


@pytest.mark.parametrize("shape", [(1, 1, 4), (2, 5, 3), (1, 64, 1)])
def test_fsr_fills_frames_smaller_than_its_blocks(shape):
    truth = np.random.default_rng(2).uniform(5, 9, shape)
    missing = np.zeros(shape, bool)
    missing[:, :, -1] = shape[2] > 1
    missing[:, -1] |= shape[1] > 1
    filled = fsr(truth, missing)
    assert filled.min() >= truth[~missing].min() - 1e-5
    assert filled.max() <= truth[~missing].max() + 1e-5


@pytest.mark.parametrize("name", ["Telea", "Navier–Stokes", "FSR"])
def test_without_opencv_or_with_one_that_lacks_a_part_it_says_what_to_install(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", types.ModuleType("cv2"))
    with pytest.raises(DualglandError, match=name) as refused:
        FILLS[name](smooth_frame(), box_mask((2, 96, 96)))
    assert (refused.value.kind, refused.value.place) == (Kind.NOT_INSTALLED, "OpenCV")


def test_the_evaluation_compares_with_every_fill():
    assert tuple(FILLS) == CLASSICAL


def test_a_channel_without_any_observed_pixel_comes_back_as_zero():
    truth = smooth_frame()
    missing = np.stack([np.ones(truth.shape[1:], bool), box_mask(truth.shape[1:])])
    for fill in FILLS.values():
        filled = fill(truth, missing)
        assert not filled[0].any()
        assert np.isfinite(filled).all()


def test_shapes_that_do_not_agree_are_refused():
    with pytest.raises(DualglandError, match=r"\(2, 96, 96\).* \(3, 96, 96\)") as refused:
        mean(smooth_frame(2), box_mask((3, 96, 96)))
    assert refused.value.kind == Kind.MISMATCH
