"""Evidence: couplings are measured where pixels are observed, and used where they are not."""

import numpy as np
import torch

from napari_dualgland.model.evidence import (
    _high_pass,
    couplings,
    detail_moments,
    gather_evidence,
)


def coupled_image(seed: int = 0, size: int = 96) -> torch.Tensor:
    """Four channels of which the protein is a mixture of microtubules and ER."""
    rng = np.random.default_rng(seed)
    image = rng.random((1, 4, size, size), dtype=np.float32)
    image[:, 1] = 0.2 + 0.6 * image[:, 0] + 0.3 * image[:, 3]
    return torch.from_numpy(image)


def hole(image: torch.Tensor, channels: list[int]) -> torch.Tensor:
    missing = torch.zeros_like(image, dtype=torch.bool)
    missing[:, channels, 30:60, 30:60] = True
    return missing


def test_couplings_find_the_mixture() -> None:
    image = coupled_image()
    beta = couplings(detail_moments(image, hole(image, [1])))
    # The ridge shrinks a little: a tenth of the variance.
    torch.testing.assert_close(beta[0, 1], torch.tensor([0.6, 0.0, 0.0, 0.3]), atol=0.08, rtol=0)
    assert torch.equal(beta[0].diagonal(), torch.zeros(4))


def test_couplings_do_not_look_under_the_mask() -> None:
    image = coupled_image()
    missing = hole(image, [1])
    spoiled = torch.where(missing, torch.full_like(image, 50.0), image)
    torch.testing.assert_close(
        gather_evidence(image, missing).stacked(), gather_evidence(spoiled, missing).stacked()
    )


def test_the_guided_prior_is_closer_where_channels_are_coupled() -> None:
    image = coupled_image()
    missing = hole(image, [1])
    evidence = gather_evidence(image, missing)

    def error(fill: torch.Tensor) -> float:
        return float((fill - image)[missing].square().mean())

    assert error(evidence.guided) < 0.2 * error(evidence.prior)
    assert torch.equal(evidence.guided[~missing], image[~missing])
    assert torch.equal(evidence.detail[missing], torch.zeros(int(missing.sum())))


def test_nothing_is_told_where_all_channels_are_lost() -> None:
    image = coupled_image()
    evidence = gather_evidence(image, hole(image, [0, 1, 2, 3]))
    assert torch.equal(evidence.guided, evidence.prior)
    assert not evidence.detail.any()


def test_an_absent_channel_gets_no_couplings() -> None:
    image = coupled_image()
    missing = torch.zeros_like(image, dtype=torch.bool)
    missing[:, 1] = True
    evidence = gather_evidence(image, missing)
    assert torch.equal(evidence.prior[:, 1], torch.zeros_like(image[:, 1]))
    assert torch.isfinite(evidence.stacked()).all()


def test_high_pass_takes_the_mean_of_observed_pixels() -> None:
    image = torch.full((1, 1, 40, 40), 3.0)
    observed = torch.ones_like(image)
    observed[..., 10:20, 10:20] = 0
    assert float(_high_pass(image, observed).abs().max()) < 1e-5
