"""What is known of a missing pixel before the network looks: fills and couplings.

Three fills are laid before the generator: the secretory prior, its smooth push–pull
start, and the *guided* prior, which adds what the channels observed there tell. The
couplings between channels are measured in the image at hand and never learned from a
training set, because they differ between antibodies and cell lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from napari_dualgland.model.blocks import box_mean
from napari_dualgland.model.prior import Pyramid, fill_together

CHANNELS = 20
"""Of :meth:`Evidence.stacked`."""

HIGH_PASS_RADIUS = 12
"""Radius in pixels of the box average under which detail counts as detail."""

RIDGE = 0.1
"""Ridge penalty of the couplings, relative to the mean variance of the detail."""

STEPS = (24, 24)
"""Descent steps of the prior on the finest and on the coarser levels."""

NUCLEUS, NUCLEUS_STEPS = 2, (120, 400)
"""A stained nucleus is smooth from rim to rim: relaxed further, its prior gains 1 to 1.5 dB
in boxes, while microtubules, protein and ER lose by it."""


class Evidence(NamedTuple):
    """Fills of a batch and what they were made from; each (B, 4, H, W), normalised.

    Attributes
    ----------
    prior : torch.Tensor
        Observed pixels and the secretory prior.
    smooth : torch.Tensor
        Observed pixels and the push–pull fill.
    guided : torch.Tensor
        Observed pixels and the prior with the other channels' detail added.
    detail : torch.Tensor
        What a channel shows in the holes of the others: its observed pixels minus its
        own fill of that hole; 0 outside.
    missing : torch.Tensor
        Boolean.
    """

    prior: Tensor
    smooth: Tensor
    guided: Tensor
    detail: Tensor
    missing: Tensor

    def stacked(self) -> Tensor:
        """Return the (B, 20, H, W) input of the generator."""
        return torch.cat(
            [
                self.prior,
                self.missing.to(self.prior.dtype),
                self.smooth - self.prior,
                self.guided - self.prior,
                self.detail,
            ],
            dim=1,
        )


def _high_pass(image: Tensor, observed: Tensor, radius: int = HIGH_PASS_RADIUS) -> Tensor:
    """Return observed pixels minus the mean of the observed pixels around them, else 0."""
    mean = box_mean(image * observed, radius) / box_mean(observed, radius).clamp_min(1e-6)
    return (image - mean) * observed


def detail_moments(image: Tensor, missing: Tensor) -> Tensor:
    """Take the sums from which :func:`couplings` are solved; those of tiles and planes add up.

    Parameters
    ----------
    image : torch.Tensor
        (B, 4, H, W), normalised; missing pixels may hold anything finite.
    missing : torch.Tensor
        (B, 4, H, W), boolean.

    Returns
    -------
    torch.Tensor
        (B, 4, 4, 2): sum of products of two channels' detail over the pixels where both are
        observed, and the number of those pixels.
    """
    observed = (~missing).to(image.dtype)
    detail = _high_pass(image, observed)
    products = torch.einsum("bchw,bdhw->bcd", detail, detail)
    counts = torch.einsum("bchw,bdhw->bcd", observed, observed)
    return torch.stack([products, counts], dim=-1)


def couplings(moments: Tensor) -> Tensor:
    """Solve for how much of each channel's detail shows in each other channel.

    Parameters
    ----------
    moments : torch.Tensor
        (B, 4, 4, 2), from :func:`detail_moments`.

    Returns
    -------
    torch.Tensor
        (B, 4, 4), β[b, c, j]: ridge regression of channel c's detail on that of the
        others j; 0 on the diagonal.
    """
    channels = moments.shape[1]
    # Products are set on their own pixel counts, for channels may be observed at
    # different places; float64 keeps the small systems well conditioned.
    covariance = (moments[..., 0] / moments[..., 1].clamp_min(1)).double()
    beta = torch.zeros_like(covariance)
    for c in range(channels):
        others = [j for j in range(channels) if j != c]
        inner = covariance[:, others][:, :, others]
        power = inner.diagonal(dim1=1, dim2=2).mean(dim=1)
        penalty = (RIDGE * power + 1e-9)[:, None, None] * torch.eye(channels - 1).to(inner)
        beta[:, c, others] = torch.linalg.solve(inner + penalty, covariance[:, others, c])
    return beta.to(moments.dtype)


class Shown(NamedTuple):
    """What is known of a batch of one size.

    Attributes
    ----------
    image : torch.Tensor
        (B, 4, H, W), normalised, in the order of ROLES; missing pixels may hold anything
        finite and are never looked at.
    missing : torch.Tensor
        (B, 4, H, W), boolean.
    beta : torch.Tensor, optional
        (B, 4, 4) couplings; measured in this batch, image by image, where left out.
    levels, coarsest
        As in :func:`~napari_dualgland.model.prior.secretory_prior`.
    """

    image: Tensor
    missing: Tensor
    beta: Tensor | None = None
    levels: int = 5
    coarsest: Tensor | None = None


class _Fills:
    """The fills of one batch: from pyramids of those (B, 4) planes that have holes."""

    def __init__(self, shown: Shown) -> None:
        self.missing = shown.missing
        self.image = shown.image.masked_fill(shown.missing, 0)
        beta = shown.beta
        self.beta = couplings(detail_moments(self.image, self.missing)) if beta is None else beta
        self.anywhere = shown.missing.any(1, keepdim=True).expand_as(shown.missing)
        self.own = shown.missing.flatten(2).any(2)
        self.nucleus = self.own.clone()
        self.nucleus[:, [c for c in range(4) if c != NUCLEUS]] = False
        self.others = self.own & ~self.nucleus
        # A channel is filled a second time only where another channel's hole is not its own.
        self.elsewhere = (self.anywhere != shown.missing).flatten(2).any(2)
        self.pyramid = self._pyramid(shown, self.missing, self.own)
        self.refilling = self._pyramid(shown, self.anywhere, self.elsewhere)

    def _pyramid(self, shown: Shown, missing: Tensor, planes: Tensor) -> Pyramid:
        start = None if shown.coarsest is None else shown.coarsest[planes].unsqueeze(1)
        image, hole = self.image[planes].unsqueeze(1), missing[planes].unsqueeze(1)
        return Pyramid(image, hole, shown.levels, start)

    def of(self, planes: Tensor) -> Pyramid:
        """Return the pyramid of some of the planes that have holes."""
        return self.pyramid.of(planes[self.own])

    def evidence(self, others: Tensor, nucleus: Tensor, smooth: Tensor, refill: Tensor) -> Evidence:
        """Lay the fills of (P, 1, H, W) planes out over the batch."""
        prior = self._laid(self._laid(self.image, self.others, others), self.nucleus, nucleus)
        refilled = self._laid(self.image, self.elsewhere, refill)
        aside = self.anywhere & ~self.missing
        detail = torch.where(aside, self.image - refilled, torch.zeros_like(self.image))
        told = torch.einsum("bcj,bjhw->bchw", self.beta, detail)
        guided = torch.where(self.missing, prior + told, prior)
        return Evidence(
            prior, self._laid(self.image, self.own, smooth), guided, detail, self.missing
        )

    @staticmethod
    def _laid(under: Tensor, planes: Tensor, fills: Tensor) -> Tensor:
        if not planes.any():
            return under
        out = under.clone()
        out[planes] = fills.squeeze(1)
        return out


def gather_evidences(batches: Sequence[Shown]) -> list[Evidence]:
    """Lay out what is known of every missing pixel, for batches of several sizes at once.

    Parameters
    ----------
    batches : sequence of Shown
        What is known; the more at once, the less each of them costs.

    Returns
    -------
    list of Evidence
        Of the same sizes.
    """
    every = [_Fills(shown) for shown in batches]
    count = len(every)
    usual = fill_together([f.of(f.others) for f in every] + [f.refilling for f in every], *STEPS)
    nucleus = fill_together([f.of(f.nucleus) for f in every], *NUCLEUS_STEPS)
    smooth = fill_together([f.pyramid for f in every], 0)
    parts = zip(every, usual[:count], nucleus, smooth, usual[count:], strict=True)
    return [fills.evidence(*laid) for fills, *laid in parts]


def gather_evidence(
    image: Tensor,
    missing: Tensor,
    beta: Tensor | None = None,
    levels: int = 5,
    coarsest: Tensor | None = None,
) -> Evidence:
    """Lay out what is known of every missing pixel of one batch.

    Parameters
    ----------
    image, missing, beta, levels, coarsest
        As of :class:`Shown`.

    Returns
    -------
    Evidence
        Of the same sizes.
    """
    return gather_evidences([Shown(image, missing, beta, levels, coarsest)])[0]
