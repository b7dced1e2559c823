"""Metrics held against plain loops, known answers and what they must and must not notice."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from dualgland_training import metrics
from dualgland_training.metrics.calibration import LEVELS, covered
from dualgland_training.metrics.sets import (
    embed,
    frechet_distance,
    inception_score,
    kernel_distance,
    manifold_precision_recall,
    pair_similarity,
)
from dualgland_training.perceptual.judge import load_judge
from dualgland_training.simulate import simulate_field
from napari_dualgland.errors import DualglandError


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    return np.asarray(simulate_field((64, 80), seed=2).data).astype(float)


@pytest.fixture
def missing(truth: np.ndarray) -> np.ndarray:
    mask = np.zeros(truth.shape, bool)
    mask[:3, 10:40, 20:60] = True
    return mask


ALL = (
    metrics.mean_squared_error,
    metrics.mean_absolute_error,
    metrics.pearson,
    metrics.texture_ratio,
    metrics.rim_jump,
)


def test_the_truth_is_perfect(truth, missing):
    assert metrics.mean_squared_error(truth, truth, missing) == metrics.FLOOR
    assert metrics.mean_absolute_error(truth, truth, missing) == 0
    assert metrics.rim_jump(truth, truth, missing) == 0
    assert metrics.pearson(truth, truth, missing) == pytest.approx(1)
    assert metrics.ssim(truth, truth, missing) == pytest.approx(1)
    assert metrics.texture_ratio(truth, truth, missing) == pytest.approx(1)


def test_noise_is_told_from_structure_and_measured_in_the_hole_alone(truth, missing):
    smooth = ndimage.gaussian_filter(truth, (0, 2, 2))
    noise = np.random.default_rng(0).normal(0, 6, truth.shape)
    assert metrics.noise_variance(smooth, missing) < 0.1
    assert metrics.noise_variance(smooth + noise, missing) == pytest.approx(36, rel=0.15)
    elsewhere = smooth + np.where(ndimage.binary_dilation(missing, iterations=8), 0, noise)
    assert metrics.noise_variance(elsewhere, missing) < 4


def test_blur_is_noticed_by_every_figure(truth, missing):
    blurred = np.where(missing, ndimage.gaussian_filter(truth, (0, 3, 3)), truth)
    assert metrics.mean_squared_error(blurred, truth, missing) > 1
    assert metrics.pearson(blurred, truth, missing) < 0.99
    assert metrics.ssim(blurred, truth, missing) < 0.99
    assert metrics.texture_ratio(blurred, truth, missing) < 0.5


@pytest.mark.parametrize("of", ALL[:3])
def test_observed_pixels_do_not_count(of, truth, missing):
    filled = np.where(missing, truth + 3, truth)
    elsewhere = np.where(missing, filled, 255 - truth)
    assert of(elsewhere, truth, missing) == of(filled, truth, missing)


def test_rim_jump_follows_its_formula(truth, missing):
    filled = np.where(missing, truth + np.random.default_rng(0).normal(0, 5, truth.shape), truth)
    steps = []
    for c, y, x in np.ndindex(*truth.shape):
        for other in ((c, y + 1, x), (c, y, x + 1)):
            inside = other[1] < truth.shape[1] and other[2] < truth.shape[2]
            if inside and missing[c, y, x] != missing[other]:
                gap = filled[other] - filled[c, y, x] - truth[other] + truth[c, y, x]
                steps.append(abs(gap))
    assert metrics.rim_jump(filled, truth, missing) == pytest.approx(np.mean(steps))


def test_psnr_of_a_known_error(truth, missing):
    filled = np.where(missing, truth + 5, truth)
    mse = metrics.mean_squared_error(filled, truth, missing)
    assert metrics.psnr(mse) == pytest.approx(10 * np.log10(255**2 / 25))


def test_set_points_do_not_see_exposure_and_see_a_shift(truth):
    unit = truth / truth.max()
    split = np.linspace(0, 1, truth.shape[2])[None].repeat(truth.shape[1], 0)
    compartments = np.stack([split, 1 - split, np.zeros_like(split)])
    one = metrics.set_points(unit, compartments, epsilon=0)
    np.testing.assert_allclose(one, metrics.set_points(3 * unit, compartments, epsilon=0))
    missing = np.zeros(truth.shape, bool)
    missing[1] = True
    flipped = np.where(missing, unit[:, :, ::-1], unit)
    assert metrics.set_point_error(unit, unit, missing, compartments) == 0
    assert metrics.set_point_error(flipped, unit, missing, compartments) > 0


def test_shapes_that_differ_are_refused(truth, missing):
    with pytest.raises(DualglandError, match="cut them alike"):
        metrics.pearson(truth[:2], truth, missing)


def test_laplace_errors_are_covered_as_stated():
    rng = np.random.default_rng(1)
    deviation = rng.uniform(1, 9, 200_000)
    error = rng.laplace(0, deviation / np.sqrt(2))
    shares = np.array(covered(error, np.zeros_like(error), deviation)) / error.size
    np.testing.assert_allclose(shares, LEVELS, atol=0.005)
    too_sure = np.array(covered(error, np.zeros_like(error), deviation / 3)) / error.size
    assert (too_sure < np.array(LEVELS) - 0.03).all()


def test_manifold_on_sets_apart_and_alike():
    torch.manual_seed(0)
    real = torch.randn(200, 3)
    assert manifold_precision_recall(real, real.clone()) == (1, 1)
    assert manifold_precision_recall(real, real + 100) == (0, 0)
    # A few modes alone: lifelike, not varied.
    precision, recall = manifold_precision_recall(real, real[:1] + 0.01 * torch.randn(200, 3))
    assert precision > 0.9
    assert recall < 0.2
    with pytest.raises(DualglandError, match="evaluate more cells"):
        manifold_precision_recall(real[:3], real)


def test_distances_grow_with_blur_and_scores_stay_in_bounds():
    field = np.asarray(simulate_field((256, 256), seed=3).data).astype(np.float32) / 255
    tiles = [field[:, y : y + 64, x : x + 64] for y in range(0, 193, 48) for x in range(0, 193, 48)]
    real = torch.from_numpy(np.stack(tiles))
    blurs = [torch.from_numpy(ndimage.gaussian_filter(real.numpy(), (0, 0, s, s))) for s in (1, 4)]
    judge = load_judge("judge")
    for distance in (frechet_distance, kernel_distance):
        near, far = (distance(judge, real, blurred) for blurred in blurs)
        assert far > near
        assert distance(judge, real, real) < near
    assert 1 <= inception_score(judge, real) <= 5
    torch.testing.assert_close(embed(judge, real)[:3], judge.embed(real[:3]), rtol=1e-3, atol=1e-3)


def test_pairs_are_of_one_class_and_counted():
    torch.manual_seed(1)
    one = torch.rand(1, 4, 176, 176)
    pictures = torch.cat([one, one, torch.rand(2, 4, 176, 176)])
    alike, pairs = pair_similarity(pictures, torch.tensor([0, 0, 1, 2]))
    assert pairs == 1
    assert alike == pytest.approx(1, abs=1e-4)
    mixed, pairs = pair_similarity(pictures, torch.tensor([0, 0, 0, 0]))
    assert pairs == 6
    assert mixed < alike
    with pytest.raises(DualglandError, match="176 pixels"):
        pair_similarity(torch.rand(2, 4, 64, 64), torch.tensor([0, 0]))
