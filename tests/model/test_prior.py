"""The secretory prior: its formula, its promises, and that it is worth having."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_dualgland.model import descent
from napari_dualgland.model.descent import laplacian, relax
from napari_dualgland.model.prior import _double, _halve, secretory_prior


def slow_laplacian(image: np.ndarray) -> np.ndarray:
    """The 5-point Laplacian with mirrored borders, pixel by pixel."""
    out = np.zeros_like(image)
    height, width = image.shape
    for y in range(height):
        for x in range(width):
            for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                ny = min(max(y + dy, 0), height - 1)
                nx = min(max(x + dx, 0), width - 1)
                out[y, x] += image[ny, nx] - image[y, x]
    return out


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (6, 5), (9, 8)])
def test_laplacian_follows_the_formula(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).normal(size=shape)
    fast = laplacian(torch.from_numpy(image)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(fast, slow_laplacian(image), atol=1e-12)


def test_laplacian_is_self_adjoint() -> None:
    rng = torch.Generator().manual_seed(1)
    a, b = (torch.rand(1, 1, 9, 11, generator=rng, dtype=torch.float64) for _ in range(2))
    torch.testing.assert_close((laplacian(a) * b).sum(), (a * laplacian(b)).sum())


def test_relax_descends_and_keeps_observed_pixels() -> None:
    rng = torch.Generator().manual_seed(2)
    image = torch.rand(1, 1, 32, 32, generator=rng)
    missing = torch.zeros_like(image, dtype=torch.bool)
    missing[..., 10:22, 8:20] = True
    inside = torch.nn.functional.max_pool2d(missing.float(), 3, 1, 1) > 0  # all that a step changes
    energy = [
        float(laplacian(relax([image], [missing], steps)[0])[inside].square().sum())
        for steps in (0, 5, 20, 80)
    ]
    assert energy == sorted(energy, reverse=True)
    assert energy[-1] < 0.3 * energy[0]
    kept = relax([image], [missing], 20)[0]
    assert torch.equal(kept[~missing], image[~missing])


@pytest.mark.parametrize("shape", [(2, 2), (3, 40), (31, 33)])
@pytest.mark.parametrize("share", [0.05, 0.5, 1.0])
@pytest.mark.parametrize("at_once", [1, 100, 10**6])
def test_missing_pixels_alone_give_what_whole_images_give(
    shape: tuple[int, int], share: float, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(4)
    image = torch.from_numpy(rng.random((2, 2, *shape)))
    missing = torch.from_numpy(rng.random((2, 2, *shape)) < share)
    monkeypatch.setattr(descent, "CROWDED", 1.0)
    monkeypatch.setattr(descent, "AT_ONCE", at_once)
    other = image[:1, :, : shape[0] - 1 or 1]
    alone = relax([image, other], [missing, missing[:1, :, : other.shape[2]]], 30)
    monkeypatch.setattr(descent, "CROWDED", -1.0)
    whole = relax([image, other], [missing, missing[:1, :, : other.shape[2]]], 30)
    torch.testing.assert_close(alone, whole)


def test_halve_averages_observed_pixels_alone() -> None:
    image = torch.tensor([[[[1.0, 99.0, 5.0], [3.0, 99.0, 7.0]]]])
    weight = torch.tensor([[[[1.0, 0.0, 1.0], [1.0, 0.0, 1.0]]]])
    mean, total = _halve(image, weight)
    torch.testing.assert_close(mean, torch.tensor([[[[2.0, 6.0]]]]))
    torch.testing.assert_close(total, torch.tensor([[[[0.5, 0.5]]]]))
    assert _double(mean, (2, 3)).shape == (1, 1, 2, 3)


@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=40, deadline=None)
def test_any_size_any_mask(height: int, width: int, share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = torch.from_numpy(rng.random((2, 3, height, width), dtype=np.float32))
    missing = torch.from_numpy(rng.random((2, 3, height, width)) < share)
    filled = secretory_prior(image, missing, steps=4)
    assert torch.equal(filled[~missing], image[~missing])
    assert torch.isfinite(filled).all()
    # What stands under the mask must not be looked at.
    hidden = torch.where(missing, torch.full_like(image, 1e3), image)
    assert torch.equal(secretory_prior(hidden, missing, steps=4), filled)


def test_a_plane_is_continued_through_a_hole() -> None:
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    plane = (0.3 * y - 0.2 * x)[None, None]
    missing = torch.zeros_like(plane, dtype=torch.bool)
    missing[..., 24:40, 24:40] = True
    filled = secretory_prior(plane, missing, steps=40)
    assert float((filled - plane).abs().max()) < 0.25


def test_exposure_does_not_matter() -> None:
    rng = torch.Generator().manual_seed(3)
    image = torch.rand(1, 1, 48, 48, generator=rng, dtype=torch.float64)
    missing = torch.zeros_like(image, dtype=torch.bool)
    missing[..., 10:30, 12:40] = True
    scaled = secretory_prior(7 * image + 100, missing)
    torch.testing.assert_close(scaled, 7 * secretory_prior(image, missing) + 100)


def test_a_coarse_start_reaches_a_hole_that_fills_the_window() -> None:
    image = torch.zeros(1, 1, 64, 64)
    missing = torch.ones_like(image, dtype=torch.bool)
    ramp = torch.linspace(0, 1, 16).expand(1, 1, 16, 16)
    filled = secretory_prior(image, missing, steps=8, levels=2, coarsest=ramp)
    assert float(filled[..., 32, 4]) < 0.15
    assert float(filled[..., 32, 60]) > 0.85
