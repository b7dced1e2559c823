"""Crops with what is known of their missing pixels: laid out once, turned at every use."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from dualgland_training.data.crops import Rng
from dualgland_training.losses.salivary import distance_to_observed
from napari_dualgland.model.compartments import soft_compartments
from napari_dualgland.model.evidence import Evidence, couplings, detail_moments, gather_evidence


class Batch(NamedTuple):
    """Intact crops, what they lost, and what is known of it.

    Attributes
    ----------
    target : torch.Tensor
        (B, 4, H, W), normalised.
    missing : torch.Tensor
        (B, 4, H, W), boolean. A channel that the image does not have is missing all over.
    seed : torch.Tensor
        (B,), int64: a seed for each crop, the same in any number of processes.
    known : torch.Tensor
        (B, 4), boolean: whether there is a truth for the channel at all.
    prior, smooth, guided, detail : torch.Tensor
        (B, 4, H, W): of :class:`~napari_dualgland.model.evidence.Evidence`.
    distance : torch.Tensor
        (B, 4, H, W), pixels: how deep in its hole a pixel lies.
    compartments : torch.Tensor
        (B, 5, H, W): of the intact image.
    """

    target: Tensor
    missing: Tensor
    seed: Tensor
    known: Tensor
    prior: Tensor
    smooth: Tensor
    guided: Tensor
    detail: Tensor
    distance: Tensor
    compartments: Tensor

    @property
    def scored(self) -> Tensor:
        """Missing pixels whose truth is known, (B, 4, H, W): what losses may look at."""
        return self.missing & self.known[:, :, None, None]

    @property
    def evidence(self) -> Evidence:
        """What the generator is shown."""
        return Evidence(self.prior, self.smooth, self.guided, self.detail, self.missing)


EXPOSED = ("target", "prior", "smooth", "guided", "detail")
"""What scales with the exposure of a channel."""


def lay_out(target: Tensor, missing: Tensor, seed: Tensor, known: Tensor, each: int) -> Batch:
    """Return crops with what is known of their missing pixels.

    Couplings between channels are measured over all crops of a source, as the plugin
    measures them over a whole field.

    Parameters
    ----------
    target, missing, seed, known : torch.Tensor
        Of :class:`Batch`.
    each : int
        Crops of a source.

    Returns
    -------
    Batch
        Whole.
    """
    moments = detail_moments(target.masked_fill(missing, 0), missing)
    together = moments.unflatten(0, (-1, each)).sum(1)
    evidence = gather_evidence(target, missing, couplings(together).repeat_interleave(each, 0))
    return Batch(
        target,
        missing,
        seed,
        known,
        evidence.prior,
        evidence.smooth,
        evidence.guided,
        evidence.detail,
        distance_to_observed(missing),
        soft_compartments(target),
    )


def turned(drawn: Batch, rng: Rng, exposure: float) -> Batch:
    """Return crops turned and mirrored each by itself, and exposed anew all alike.

    Parameters
    ----------
    drawn : Batch
        As it was laid out.
    rng : numpy.random.Generator
        Draws how.
    exposure : float
        Standard deviation of the logarithm of a channel's gain.

    Returns
    -------
    Batch
        Of the same crops.
    """
    gain = torch.exp(torch.from_numpy(rng.normal(0, exposure, 4)).float())[:, None, None]
    ways = [(int(rng.integers(4)), bool(rng.integers(2))) for _ in drawn.target]
    parts = drawn._asdict()
    for name, part in parts.items():
        if part.ndim < 4:
            continue
        new = torch.empty_like(part)
        for crop, out, (quarters, mirrored) in zip(part, new, ways, strict=True):
            seen = torch.rot90(crop, quarters, (1, 2))
            out.copy_(seen.flip(2) if mirrored else seen)
        parts[name] = new.mul_(gain) if name in EXPOSED else new
    return Batch(**parts)


def draw_noise(batch: Batch, channels: int, salt: int = 0) -> Tensor:
    """Draw standard normal noise, each crop from its own seed.

    The noise is drawn on the CPU, so that it is the same on every device and in any number of
    processes.

    Parameters
    ----------
    batch : Batch
        For which it is.
    channels : int
        Of the noise.
    salt : int
        Tells several draws for the same batch apart.

    Returns
    -------
    torch.Tensor
        (B, channels, H, W).
    """
    shape = (channels, *batch.target.shape[2:])
    planes = [
        torch.randn(shape, generator=torch.Generator().manual_seed((int(seed) + salt) % 2**63))
        for seed in batch.seed.tolist()
    ]
    return torch.stack(planes).to(batch.target)
