"""Reconstruction of what is missing, held against the prior.

The squared error differs by orders of magnitude between a dim and a bright crop and
between a scratch and a dead tile. Its ratio to the error of the prior does not: every
crop and family counts alike. (Its logarithm, the PSNR, was tried: nearly empty crops then
drown all others, and after 300 steps the network stood 0.1 dB behind the prior.)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dualgland_training.losses.means import weighted
from dualgland_training.losses.shapes import check_alike

NOISE_FLOOR = 1e-3
"""Mean squared error, normalised, added to the prior's own: below it there is little but
noise to gain."""


def squared_error(prediction: Tensor, target: Tensor, missing: Tensor) -> Tensor:
    """Return the mean squared error per image and channel over missing pixels.

    Parameters
    ----------
    prediction, target : torch.Tensor
        (B, C, H, W), normalised.
    missing : torch.Tensor
        (B, C, H, W), boolean.

    Returns
    -------
    torch.Tensor
        (B, C); 0 where nothing is missing.

    Raises
    ------
    ValueError
        If the shapes are others.
    """
    check_alike("B C H W", prediction=prediction, target=target, missing=missing)
    hole = missing.to(prediction.dtype)
    total = ((prediction - target).square() * hole).sum((2, 3))
    return total / hole.sum((2, 3)).clamp_min(1)


def reconstruction_loss(
    prediction: Tensor, log_sigma: Tensor, prior: Tensor, target: Tensor, missing: Tensor
) -> dict[str, Tensor]:
    """Return the terms of the reconstruction loss, each a scalar.

    Parameters
    ----------
    prediction, log_sigma : torch.Tensor
        (B, C, H, W): the estimate and the logarithm of its standard deviation.
    prior, target : torch.Tensor
        (B, C, H, W), the prior's fill and the intact image, normalised.
    missing : torch.Tensor
        (B, C, H, W), boolean.

    Returns
    -------
    dict
        Means per image, then over images, so that no image hangs on the others of its
        batch. ``relative``: mean squared error over that of the prior, per channel that
        lost pixels; 1 is no better than the prior. ``absolute``: mean absolute error.
        ``likelihood``: negative Laplace log-likelihood of the error under ``log_sigma``,
        whose tails one missed spot does not blow up; the error is detached, so that the
        estimate is never blurred to please its own uncertainty.

    Raises
    ------
    ValueError
        If the shapes are others.
    """
    given = {"prediction": prediction, "log_sigma": log_sigma, "prior": prior}
    check_alike("B C H W", **given, target=target, missing=missing)
    hurt = missing.flatten(2).any(2).to(prediction.dtype)
    mse = squared_error(prediction, target, missing)
    before = squared_error(prior, target, missing)
    error = prediction - target
    # A Laplace distribution of standard deviation σ has the scale σ / √2.
    likelihood = log_sigma + math.sqrt(2) * error.detach().abs() * torch.exp(-log_sigma)
    hole = missing.to(prediction.dtype)
    return {
        "relative": weighted(mse / (before + NOISE_FLOOR), hurt),
        "absolute": weighted(error.abs(), hole),
        "likelihood": weighted(likelihood, hole),
    }
