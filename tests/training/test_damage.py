"""Damage: every family hurts what it says, with the seed alone deciding how."""

import numpy as np
import pytest

from dualgland_training.data.damage import FAMILIES, draw_damage

ALL = [*FAMILIES, "saturated", "channel"]


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(0).random((4, 160, 192)).astype(np.float32)


@pytest.mark.parametrize("family", ALL)
def test_seeded_and_never_empty(family: str, image: np.ndarray) -> None:
    for seed in range(4):
        first, second = (draw_damage(image, family, np.random.default_rng(seed)) for _ in range(2))
        assert np.array_equal(first, second)
        assert first.any()
        assert first.shape == image.shape


@pytest.mark.parametrize("family", ALL)
def test_only_the_named_channels_are_hurt(family: str, image: np.ndarray) -> None:
    mask = draw_damage(image, family, np.random.default_rng(1), (1, 3))
    assert mask[[1, 3]].any((1, 2)).all()
    assert not mask[[0, 2]].any()


def test_families_differ_as_they_say(image: np.ndarray) -> None:
    shares = {
        family: np.mean(
            [draw_damage(image, family, np.random.default_rng(s)).mean() for s in range(8)]
        )
        for family in FAMILIES
    }
    assert 0.25 <= shares["random"] <= 0.9
    assert max(shares["thin"], shares["lines"], shares["scratches"]) < 0.15
    assert shares["box"] > shares["lines"]


def test_saturation_sits_on_bright_places() -> None:
    image = np.zeros((1, 128, 128), np.float32)
    image[0, 40:60, 70:90] = 1
    mask = draw_damage(image, "saturated", np.random.default_rng(0))
    rows, columns = np.nonzero(mask[0])
    assert 30 <= rows.mean() <= 70
    assert 60 <= columns.mean() <= 100


def test_unknown_family(image: np.ndarray) -> None:
    with pytest.raises(KeyError, match="moth"):
        draw_damage(image, "moth", np.random.default_rng(0))
