"""The secretory prior: what the surrounding scales secrete into a missing pixel.

A pyramid of scales is built from observed pixels alone. From the coarsest level, where
no pixel is missing any more, each finer level starts from the one below and takes a few
accelerated descent steps on the squared Laplacian of the missing pixels. Stopping early
is what helps: a converged biharmonic surface overshoots in large holes. Plain tensor
code without weights: the fallback of every model and the baseline that one has to beat.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_dualgland.model.descent import relax


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


class Pyramid:
    """The observed pixels of images at every scale, from which several fills can be made.

    Parameters
    ----------
    image : torch.Tensor
        (B, C, H, W), floating point, any units; missing pixels may hold anything finite.
    missing : torch.Tensor
        (B, C, H, W), boolean.
    levels : int
        Levels with descent; coarser ones are plain push–pull.
    coarsest : torch.Tensor, optional
        Start for the level number ``levels`` (0 is the finest), e.g. from a coarse pass
        over a whole field; (B, C, ⌈H/2^levels⌉, ⌈W/2^levels⌉).
    """

    def __init__(
        self, image: Tensor, missing: Tensor, levels: int = 5, coarsest: Tensor | None = None
    ) -> None:
        observed = (~missing).to(image.dtype)
        scales = [(image * observed, observed)]
        while max(scales[-1][0].shape[-2:]) > 1 and (coarsest is None or len(scales) <= levels):
            scales.append(_halve(*scales[-1]))
        self.levels = levels
        top, weight = scales.pop()
        self.top = top if coarsest is None else torch.where(weight > 0, top, coarsest)
        self.scales = [(known, weight <= 0) for known, weight in scales]

    def of(self, images: Tensor) -> Pyramid:
        """Return the pyramid of some of B images, by number or by truth value."""
        some = copy(self)
        some.top = self.top[images]
        some.scales = [(known[images], hole[images]) for known, hole in self.scales]
        return some


def fill_together(
    pyramids: Sequence[Pyramid], steps: int, coarse_steps: int | None = None
) -> list[Tensor]:
    """Fill several pyramids from the coarsest level down; see :func:`secretory_prior`.

    Parameters
    ----------
    pyramids : sequence of Pyramid
        Of images of any sizes: the more at once, the less each of them costs.
    steps, coarse_steps
        Descent steps on the finest and on the other levels.

    Returns
    -------
    list of torch.Tensor
        (B, C, H, W) each.
    """
    fills = [pyramid.top for pyramid in pyramids]
    for level in reversed(range(max((len(p.scales) for p in pyramids), default=0))):
        count = steps if level == 0 or coarse_steps is None else coarse_steps
        here = [n for n, pyramid in enumerate(pyramids) if level < len(pyramid.scales)]
        for n in here:
            known, hole = pyramids[n].scales[level]
            size = (known.shape[-2], known.shape[-1])
            fills[n] = torch.where(hole, _double(fills[n], size), known)
        here = [n for n in here if level < pyramids[n].levels] if count else []
        holes = [pyramids[n].scales[level][1] for n in here]
        for n, relaxed in zip(here, relax([fills[n] for n in here], holes, count), strict=True):
            fills[n] = relaxed
    return fills


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
    return fill_together([Pyramid(image, missing, levels, coarsest)], steps, coarse_steps)[0]
