"""The generator: starts at its prior, keeps what is observed, does not know tile borders."""

import pytest
import torch

from napari_dualgland.model.blocks import gaussian_blur
from napari_dualgland.model.evidence import gather_evidence
from napari_dualgland.model.generator import Generator, count_parameters
from napari_dualgland.model.refinement import noise_level


@pytest.fixture
def scene() -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    image = torch.rand(2, 4, 64, 64, generator=rng)
    missing = torch.zeros_like(image, dtype=torch.bool)
    missing[0, :, 20:40, 20:40] = True
    missing[1, 1, 10:50, 30:36] = True
    return image, missing


def test_an_untrained_generator_stands_near_its_prior(
    scene: tuple[torch.Tensor, torch.Tensor],
) -> None:
    image, missing = scene
    evidence = gather_evidence(image, missing)
    with torch.no_grad():
        said = Generator()(evidence)
    assert torch.equal(said.mean[~missing], image[~missing])
    lowest = torch.minimum(torch.minimum(evidence.prior, evidence.guided), evidence.smooth)
    highest = torch.maximum(torch.maximum(evidence.prior, evidence.guided), evidence.smooth)
    assert (said.mean >= lowest - 1e-5).all()
    assert (said.mean <= highest + 1e-5).all()
    assert float((said.mean - evidence.prior).abs().mean()) < 0.02


def test_every_part_learns(scene: tuple[torch.Tensor, torch.Tensor]) -> None:
    torch.manual_seed(0)
    image, missing = (part[:1, :, :48, :48] for part in scene)
    model = Generator((16, 24, 32), (1, 1, 1), refine=8)
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3)
    evidence = gather_evidence(image, missing)
    kinds = (image[:, 0] * 5).long().clamp(0, 4)
    losses = []
    for _ in range(60):
        said = model(evidence)
        error = (said.mean - image)[missing].square().mean()
        drawn = model.texture(said.features, torch.randn_like(image))
        optimiser.zero_grad()
        named = torch.nn.functional.cross_entropy(said.compartments, kinds)
        (error + 0.01 * named + 0.01 * (drawn.square().mean() - 1).square()).backward()
        optimiser.step()
        losses.append(float(error.detach()))
    assert losses[-1] < 0.5 * losses[0]
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_sides_that_do_not_fit_are_refused(scene: tuple[torch.Tensor, torch.Tensor]) -> None:
    image, missing = (part[..., :60] for part in scene)
    with pytest.raises(ValueError, match="multiples of 8, not 64 × 60"):
        Generator()(gather_evidence(image, missing))


def test_it_is_small_enough_to_ship() -> None:
    assert count_parameters(Generator()) <= 8_000_000


def test_texture_depends_on_its_noise_and_never_changes_the_features(
    scene: tuple[torch.Tensor, torch.Tensor],
) -> None:
    image, missing = scene
    model = Generator((16, 24, 32), (1, 1, 1))
    said = model(gather_evidence(image, missing))
    one, other = (
        torch.randn(image.shape, generator=torch.Generator().manual_seed(s)) for s in (1, 2)
    )
    assert model.texture is not None
    first, again, second = (model.texture(said.features, z) for z in (one, one, other))
    assert first.shape == image.shape
    assert torch.equal(first, again)
    assert float((first - second).detach().abs().mean()) > 0.01
    first.square().mean().backward()
    assert all(p.grad is None for p in model.up_fine.parameters())
    assert all(p.grad is not None for p in model.texture.parameters())


def test_the_noise_level_is_that_of_the_observed_pixels_around() -> None:
    rng = torch.Generator().manual_seed(0)
    band = 0.02 * torch.randn(1, 8, 128, 128, generator=rng)
    band[:, :, :, 64:] *= 5
    observed = torch.rand(1, 4, 128, 128, generator=rng) < 0.3
    band = torch.where(observed.repeat(1, 2, 1, 1), band, 9.0)  # what is missing may be anything
    level = (2 * noise_level(band, observed) - 4).exp()
    assert level.shape == (1, 8, 64, 64)
    torch.testing.assert_close(level[..., :20].mean(), torch.tensor(0.023), rtol=0.05, atol=0)
    torch.testing.assert_close(level[..., -20:].mean(), torch.tensor(0.103), rtol=0.05, atol=0)
    nothing = noise_level(band, torch.zeros_like(observed))
    assert torch.isfinite(nothing).all()


def test_bands_of_the_prior_can_sharpen_and_smooth_it(
    scene: tuple[torch.Tensor, torch.Tensor],
) -> None:
    image, missing = scene
    evidence = gather_evidence(image, missing)
    model = Generator((16, 24, 32), (1, 1, 1), blurs=(0.6, 1.0))
    plain = model(evidence).mean.detach()
    finest = evidence.prior - gaussian_blur(evidence.prior, 0.6)
    # The head's outputs: correction, log sigma, three fills, then the bands, four each.
    with torch.no_grad():
        model.head.bias[4 * 4 * 5 : 4 * 4 * 6] = -1.0
    smoothed = model(evidence).mean.detach()
    expected = torch.where(missing, plain - finest, plain)
    torch.testing.assert_close(smoothed, expected, rtol=1e-4, atol=1e-5)


def test_a_channel_without_any_pixel_departs_further(
    scene: tuple[torch.Tensor, torch.Tensor],
) -> None:
    torch.manual_seed(0)
    image, missing = scene
    missing = missing.clone()
    missing[:, 1] = True
    evidence = gather_evidence(image, missing)
    model = Generator((16, 24, 32), (1, 1, 1), lost_gain=3.0)
    torch.nn.init.normal_(model.head.weight, std=0.05)
    with torch.no_grad():
        trained, used = model(evidence), model.eval()(evidence)
    assert float(trained.mean[:, 1].abs().mean()) > 1e-3
    torch.testing.assert_close(used.mean[:, 1], 3 * trained.mean[:, 1])
    assert (used.log_sigma[:, 1] > trained.log_sigma[:, 1]).all()
    others = [0, 2, 3]
    assert torch.equal(used.mean[:, others], trained.mean[:, others])
    assert torch.equal(used.log_sigma[:, others], trained.log_sigma[:, others])
