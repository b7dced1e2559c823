"""Reconstruction of what is missing, measured as the gain over the prior.

The squared error differs by orders of magnitude between a dim and a bright crop and
between a scratch and a dead tile. Its logarithm does not: it is the PSNR up to a factor,
so every crop and family counts alike and a gain of one decibel is worth the same anywhere.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

NOISE_FLOOR = 1e-4
"""Mean squared error, normalised, below which a better fit is worth nothing."""


def squared_error(prediction: Tensor, target: Tensor, missing: Tensor) -> Tensor:
    """Return the mean squared error per image and channel over missing pixels, (B, C)."""
    hole = missing.to(prediction.dtype)
    total = ((prediction - target).square() * hole).sum((2, 3))
    return total / hole.sum((2, 3)).clamp_min(1)


def reconstruction_loss(
    prediction: Tensor, log_sigma: Tensor, target: Tensor, missing: Tensor
) -> dict[str, Tensor]:
    """Return the terms of the reconstruction loss, each a scalar.

    Parameters
    ----------
    prediction, log_sigma : torch.Tensor
        (B, C, H, W): the estimate and the logarithm of its standard deviation.
    target : torch.Tensor
        (B, C, H, W), the intact image, normalised.
    missing : torch.Tensor
        (B, C, H, W), boolean.

    Returns
    -------
    dict
        ``decibel``: 10 log₁₀ of the mean squared error per image and channel, averaged
        over those that lost pixels. ``absolute``: mean absolute error. ``likelihood``:
        negative Laplace log-likelihood of the error under ``log_sigma``, whose tails one
        missed spot does not blow up; the error is detached, so that the estimate is never
        blurred to please its own uncertainty.
    """
    hurt = missing.flatten(2).any(2)
    mse = squared_error(prediction, target, missing)[hurt]
    error = (prediction - target)[missing]
    scatter = log_sigma[missing]
    # A Laplace distribution of standard deviation σ has the scale σ / √2.
    likelihood = scatter + math.sqrt(2) * error.detach().abs() * torch.exp(-scatter)
    return {
        "decibel": (10 / math.log(10)) * torch.log(mse + NOISE_FLOOR).mean(),
        "absolute": error.abs().mean(),
        "likelihood": likelihood.mean(),
    }
