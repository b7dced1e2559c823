"""The game of generator and discriminator, and what steadies it.

Hinge losses on the patches that hold missing pixels, the gradient penalty R1 (Mescheder et
al. 2018) on measured pictures, and feature matching: a drawn picture should stir every
level of a network as the measured one does.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from dualgland_training.losses.means import weighted
from dualgland_training.losses.shapes import check_alike


def discriminator_loss(measured: Tensor, drawn: Tensor, weights: Tensor) -> Tensor:
    """Return the hinge loss of the discriminator.

    Parameters
    ----------
    measured, drawn : torch.Tensor
        (B, 1, h, w): logits of patches of measured and of drawn pictures.
    weights : torch.Tensor
        (B, 1, h, w): the share of each patch that is missing, from 0.

    Returns
    -------
    torch.Tensor
        Scalar, the mean over images.

    Raises
    ------
    ValueError
        If the shapes are others.
    """
    check_alike("B 1 h w", measured=measured, drawn=drawn, weights=weights)
    return weighted(F.relu(1 - measured) + F.relu(1 + drawn), weights)


def generator_loss(drawn: Tensor, weights: Tensor) -> Tensor:
    """Return what the generator wants of the same: to be taken for measured.

    Parameters
    ----------
    drawn : torch.Tensor
        (B, 1, h, w): logits of patches of drawn pictures.
    weights : torch.Tensor
        (B, 1, h, w): the share of each patch that is missing, from 0.

    Returns
    -------
    torch.Tensor
        Scalar, the mean over images.

    Raises
    ------
    ValueError
        If the shapes are others.
    """
    check_alike("B 1 h w", drawn=drawn, weights=weights)
    return weighted(-drawn, weights)


def gradient_penalty(logits: Tensor, picture: Tensor, weights: Tensor) -> Tensor:
    """Return R1: the mean over images of the squared gradient of the weighted logits.

    Parameters
    ----------
    logits : torch.Tensor
        (B, 1, h, w), computed from the picture.
    picture : torch.Tensor
        (B, C, H, W), requires a gradient.
    weights : torch.Tensor
        (B, 1, h, w): the share of each patch that is missing, from 0.

    Returns
    -------
    torch.Tensor
        Scalar, the mean over images.

    Raises
    ------
    ValueError
        If the shapes are others.
    """
    check_alike("B 1 h w", logits=logits, weights=weights)
    check_alike("B C H W", picture=picture)
    per_image = (logits * weights).flatten(1).sum(1) / weights.flatten(1).sum(1).clamp_min(1e-6)
    (slope,) = torch.autograd.grad(per_image.sum(), picture, create_graph=True)
    return slope.square().flatten(1).sum(1).mean()


def feature_distance(
    drawn: Sequence[Tensor], measured: Sequence[Tensor], missing: Tensor
) -> Tensor:
    """Return the mean absolute difference of feature maps where something is missing.

    Parameters
    ----------
    drawn, measured : sequence of torch.Tensor
        Feature maps of one network, each (B, F, h, w) of any size.
    missing : torch.Tensor
        (B, 4, H, W), boolean.

    Returns
    -------
    torch.Tensor
        Scalar, the mean over images.

    Raises
    ------
    ValueError
        If the shapes are others.
    """
    check_alike("B 4 H W", missing=missing)
    for ours, truth in zip(drawn, measured, strict=True):
        check_alike("B F h w", drawn=ours, measured=truth)
        if len(ours) != len(missing):
            raise ValueError(
                f"drawn {tuple(ours.shape)} and missing {tuple(missing.shape)} must be of one batch"
            )
    hole = missing.any(1, keepdim=True).float()
    terms = []
    for ours, truth in zip(drawn, measured, strict=True):
        weights = F.adaptive_avg_pool2d(hole, (ours.shape[-2], ours.shape[-1]))
        truth = truth.detach().float()
        apart = (ours.float() - truth).abs().mean(1, keepdim=True)
        # Levels differ in the size of their features; each counts relative to its own.
        size = truth.abs().mean((1, 2, 3), keepdim=True).clamp_min(1e-2)
        terms.append(weighted(apart / size, weights))
    return torch.stack(terms).mean()
