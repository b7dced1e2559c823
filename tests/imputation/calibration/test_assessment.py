"""Assessment: what is stated of bright pixels holds there, however many dark ones there are."""

import numpy as np
import pytest
import torch

from napari_dualgland.imputation.calibration.assessment import Assessment, assess
from napari_dualgland.imputation.calibration.errors import HoldoutErrors

LEVEL = 1 / 200
"""A grey level, normalised."""

BRIGHT = 10 * LEVEL


def laplace(count: int, deviation: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).laplace(scale=deviation / np.sqrt(2), size=count)


def assessed(dark: int, bright: int, step: float, too_sure: float = 1.0) -> Assessment:
    """Dark pixels beside bright ones, which are off by 10 grey levels or so.

    A stack that rounds holds the dark ones exactly.
    """
    off = [np.zeros(dark) if step else laplace(dark, 0.05 * LEVEL, 0), laplace(bright, BRIGHT, 1)]
    said = np.repeat([0.05 * LEVEL, BRIGHT / too_sure], [dark, bright])
    error, sigma = torch.from_numpy(np.concatenate(off)), torch.from_numpy(said)
    none = torch.zeros(len(error))
    return assess(HoldoutErrors(none, none, error, sigma, none + 1), None, lambda x: x, step)


def inside(found: Assessment, level: float) -> float:
    """Return the share of fresh bright errors inside the interval that is stated of them."""
    wide = found.sigma_factor * BRIGHT * found.reach.half_width(level)
    return float(np.mean(np.abs(laplace(100_000, BRIGHT, 2)) <= wide))


@pytest.mark.parametrize("dark", [0, 30_000, 300_000])
def test_dark_pixels_do_not_narrow_the_intervals_of_bright_ones(dark: int) -> None:
    found = assessed(dark, 30_000, LEVEL)
    for level in (0.5, 0.9):
        assert inside(found, level) == pytest.approx(level, abs=0.02)
    assert found.sigma_factor == pytest.approx(1, abs=0.05)


def test_who_is_too_sure_of_bright_pixels_alone_is_corrected() -> None:
    found = assessed(300_000, 30_000, LEVEL, too_sure=4)
    assert found.sigma_factor == pytest.approx(4, rel=0.05)


def test_a_stack_that_does_not_round_counts_every_pixel() -> None:
    found = assessed(300_000, 300, 0.0)
    assert found.reach.half_width(0.5) == pytest.approx(np.log(2) / np.sqrt(2), rel=0.05)
    assert found.sigma_factor == pytest.approx(1, abs=0.1)
