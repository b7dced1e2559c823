"""The secretory prior: what the surrounding scales secrete into a missing pixel.

A pyramid of scales is built from observed pixels alone. From the coarsest level, where
no pixel is missing any more, each finer level starts from the one below and takes a few
accelerated descent steps on the squared Laplacian of the missing pixels. Stopping early
is what helps: a converged biharmonic surface overshoots in large holes. Plain tensor
code without weights: the fallback of every model and the baseline that one has to beat.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

STEP = 1 / 64
"""Step size of the descent: just inside its stability limit (the largest eigenvalue of
the squared Laplacian is 64)."""


def _laplacian(image: Tensor, out: Tensor | None = None) -> Tensor:
    """Return the 5-point Laplacian of (…, H, W) with mirrored borders (self-adjoint).

    With ``out`` nothing is allocated; on a CPU that is most of the time.
    """
    out = torch.mul(image, -4, out=out) if out is not None else image * -4
    out[..., 1:, :] += image[..., :-1, :]
    out[..., :-1, :] += image[..., 1:, :]
    out[..., :, 1:] += image[..., :, :-1]
    out[..., :, :-1] += image[..., :, 1:]
    out[..., 0, :] += image[..., 0, :]
    out[..., -1, :] += image[..., -1, :]
    out[..., :, 0] += image[..., :, 0]
    out[..., :, -1] += image[..., :, -1]
    return out


def _halve(image: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Average 2 × 2 pixels by weight; odd sides are completed with weightless pixels.

    Returns the averages (0 where no pixel has weight) and the mean weights, each
    (B, C, ⌈H/2⌉, ⌈W/2⌉).
    """
    pad = (0, image.shape[-1] % 2, 0, image.shape[-2] % 2)
    total = F.avg_pool2d(F.pad(weight, pad), 2)
    mean = F.avg_pool2d(F.pad(image * weight, pad), 2) / total.clamp_min(1e-12)
    return mean, total


def _double(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Upsample by two with a bicubic kernel, aligned with :func:`_halve`, cropped to ``size``."""
    larger = F.interpolate(image, scale_factor=2, mode="bicubic", align_corners=False)
    return larger[..., : size[0], : size[1]]


def _relax(image: Tensor, missing: Tensor, steps: int) -> Tensor:
    """Take Nesterov steps on |Δy|² over the missing pixels; observed ones stay as they are."""
    gain = STEP * missing
    previous, current, ahead = image.clone(), image.clone(), image.clone()
    first, second = torch.empty_like(image), torch.empty_like(image)
    for k in range(steps):
        _laplacian(_laplacian(ahead, first), second)
        torch.addcmul(ahead, gain, second, value=-1, out=current)
        torch.sub(current, previous, out=ahead)
        ahead.mul_(k / (k + 3)).add_(current)
        previous, current = current, previous
    return previous


def secretory_prior(
    image: Tensor,
    missing: Tensor,
    steps: int = 24,
    levels: int = 5,
    coarsest: Tensor | None = None,
    coarse_steps: int | None = None,
) -> Tensor:
    """Fill the missing pixels of every channel from that channel's own surroundings.

    Parameters
    ----------
    image : torch.Tensor
        (B, C, H, W), floating point, any units; missing pixels may hold anything finite.
    missing : torch.Tensor
        (B, C, H, W), boolean.
    steps : int
        Descent steps on the finest level.
    levels : int
        Levels with descent; coarser ones are plain push–pull.
    coarse_steps : int, optional
        Descent steps on each of the other levels; as many as ``steps`` if left out. More
        of both suit what is smooth throughout, such as a nucleus.
    coarsest : torch.Tensor, optional
        Start for the level number ``levels`` (0 is the finest), e.g. from a coarse pass
        over a whole field; (B, C, ⌈H/2^levels⌉, ⌈W/2^levels⌉).

    Returns
    -------
    torch.Tensor
        (B, C, H, W): observed pixels unchanged, missing ones filled. A channel without
        any observed pixel becomes 0.
    """
    observed = (~missing).to(image.dtype)
    pyramid = [(image * observed, observed)]
    while max(pyramid[-1][0].shape[-2:]) > 1 and (coarsest is None or len(pyramid) <= levels):
        pyramid.append(_halve(*pyramid[-1]))
    fill = pyramid[-1][0]
    if coarsest is not None:
        fill = torch.where(pyramid[-1][1] > 0, fill, coarsest)
    for level in range(len(pyramid) - 2, -1, -1):
        known, weight = pyramid[level]
        hole = weight <= 0
        size = (known.shape[-2], known.shape[-1])
        fill = torch.where(hole, _double(fill, size), known)
        if level < levels:
            count = steps if level == 0 or coarse_steps is None else coarse_steps
            fill = _relax(fill, hole.to(fill.dtype), count)
    return fill
