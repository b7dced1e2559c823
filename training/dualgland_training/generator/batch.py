"""Crops with what is known of their missing pixels: laid out once, turned at every use."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from napari_dualgland.model.compartments import soft_compartments
from napari_dualgland.model.evidence import Evidence, couplings, detail_moments, gather_evidence
from napari_dualgland.typing import BoolArray, IndexArray


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


class Drawn(NamedTuple):
    """Crops and what they lost, as workers draw them: the attributes of :class:`Batch`.

    What follows from them is laid out where the network is, on a GPU in a fraction of the time.
    """

    target: Tensor
    missing: Tensor
    seed: Tensor
    known: Tensor
    distance: Tensor


EXPOSED = ("target", "prior", "smooth", "guided", "detail")
"""What scales with the exposure of a channel."""


def lay_out(drawn: Drawn, each: int) -> Batch:
    """Return crops with what is known of their missing pixels.

    Couplings between channels are measured over all crops of a source, as the plugin
    measures them over a whole field.

    Parameters
    ----------
    drawn : Drawn
        On any device.
    each : int
        Crops of a source.

    Returns
    -------
    Batch
        Whole, on that device.
    """
    target, missing = drawn.target, drawn.missing
    moments = detail_moments(target.masked_fill(missing, 0), missing)
    together = moments.unflatten(0, (-1, each)).sum(1)
    evidence = gather_evidence(target, missing, couplings(together).repeat_interleave(each, 0))
    return Batch(
        target,
        missing,
        drawn.seed,
        drawn.known,
        evidence.prior,
        evidence.smooth,
        evidence.guided,
        evidence.detail,
        drawn.distance,
        soft_compartments(target),
    )


def turned(drawn: Batch, quarters: IndexArray, mirrored: BoolArray, gain: Tensor) -> Batch:
    """Return crops turned and mirrored, each by itself, and exposed anew.

    Parameters
    ----------
    drawn : Batch
        As it was laid out.
    quarters, mirrored : numpy.ndarray
        (B,): turns of 90°, and whether left and right are exchanged after them.
    gain : torch.Tensor
        (B, 4): by which channels are multiplied.

    Returns
    -------
    Batch
        Of the same crops.
    """
    parts = drawn._asdict()
    ways = np.stack([quarters, mirrored], 1)
    alike = [
        (turns, flip, torch.from_numpy(np.flatnonzero((ways == (turns, flip)).all(1))))
        for turns, flip in np.unique(ways, axis=0).tolist()
    ]
    gain = gain[..., None, None].to(drawn.target)
    for name, part in parts.items():
        if part.ndim < 4:
            continue
        new = torch.empty_like(part)
        for turns, flip, places in alike:
            here = places.to(part.device, non_blocking=True)
            seen = torch.rot90(part[here], turns, (2, 3))
            new[here] = seen.flip(3) if flip else seen
        parts[name] = new.mul_(gain) if name in EXPOSED else new
    return Batch(**parts)


def draw_noise(batch: Batch, channels: int, salt: int = 0) -> Tensor:
    """Draw standard normal noise, each crop from its own seed.

    The noise is the same in any number of processes. It is drawn on the device of the crops: from
    a CPU, it would take longer than the step.

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
    shape, device = (channels, *batch.target.shape[2:]), batch.target.device
    source = torch.Generator(device)
    planes = [
        torch.randn(shape, generator=source.manual_seed((seed + salt) % 2**63), device=device)
        for seed in batch.seed.tolist()
    ]
    return torch.stack(planes)
