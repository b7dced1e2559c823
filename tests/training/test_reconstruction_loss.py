"""The reconstruction loss against its formula, written as a plain loop."""

import math

import numpy as np
import torch

from dualgland_training.losses.reconstruction import (
    NOISE_FLOOR,
    reconstruction_loss,
    squared_error,
)


def scene(seed: int = 0) -> tuple[torch.Tensor, ...]:
    rng = torch.Generator().manual_seed(seed)
    prediction, prior, target = (torch.rand(2, 4, 6, 5, generator=rng) for _ in range(3))
    log_sigma = torch.rand(2, 4, 6, 5, generator=rng) - 2
    missing = torch.rand(2, 4, 6, 5, generator=rng) < 0.3
    missing[1, 2] = False
    return prediction, log_sigma, prior, target, missing


def test_terms_follow_the_formula() -> None:
    prediction, log_sigma, prior, target, missing = scene()
    terms = reconstruction_loss(prediction, log_sigma, prior, target, missing)
    images: dict[str, list[float]] = {name: [] for name in terms}
    for b in range(2):
        relative, absolute, likelihood = [], [], []
        for c in range(4):
            squares, before = [], []
            for y in range(6):
                for x in range(5):
                    if not missing[b, c, y, x]:
                        continue
                    error = float(prediction[b, c, y, x] - target[b, c, y, x])
                    sigma = math.exp(float(log_sigma[b, c, y, x]))
                    squares.append(error**2)
                    before.append(float(prior[b, c, y, x] - target[b, c, y, x]) ** 2)
                    absolute.append(abs(error))
                    likelihood.append(math.log(sigma) + math.sqrt(2) * abs(error) / sigma)
            if squares:
                relative.append(np.mean(squares) / (np.mean(before) + NOISE_FLOOR))
        images["relative"].append(np.mean(relative))
        images["absolute"].append(np.mean(absolute))
        images["likelihood"].append(np.mean(likelihood))
    for name, values in images.items():
        np.testing.assert_allclose(float(terms[name]), np.mean(values), rtol=1e-5)


def test_halves_of_a_batch_average_to_the_whole() -> None:
    parts = scene()
    whole = reconstruction_loss(*parts)
    halves = [reconstruction_loss(*(p[i : i + 1] for p in parts)) for i in range(2)]
    for name, value in whole.items():
        torch.testing.assert_close((halves[0][name] + halves[1][name]) / 2, value)


def test_observed_pixels_do_not_count() -> None:
    prediction, log_sigma, prior, target, missing = scene()
    spoiled = torch.where(missing, prediction, prediction + 9)
    assert torch.equal(
        squared_error(prediction, target, missing), squared_error(spoiled, target, missing)
    )
    prediction.requires_grad_()
    terms = reconstruction_loss(prediction, log_sigma, prior, target, missing)
    torch.stack(list(terms.values())).sum().backward()
    assert prediction.grad is not None
    assert not prediction.grad[~missing].any()
    assert torch.isfinite(prediction.grad).all()


def test_the_likelihood_does_not_move_the_estimate() -> None:
    prediction, log_sigma, prior, target, missing = scene()
    prediction.requires_grad_()
    log_sigma.requires_grad_()
    reconstruction_loss(prediction, log_sigma, prior, target, missing)["likelihood"].backward()
    assert prediction.grad is None
    assert log_sigma.grad is not None


def test_a_better_fit_is_a_smaller_loss() -> None:
    _, log_sigma, prior, target, missing = scene()
    exact = reconstruction_loss(target, log_sigma, prior, target, missing)
    near = reconstruction_loss(target + 0.05, log_sigma, prior, target, missing)
    far = reconstruction_loss(target + 0.2, log_sigma, prior, target, missing)
    for term in ("relative", "absolute", "likelihood"):
        assert exact[term] < near[term] < far[term]
