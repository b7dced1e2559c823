"""The generator: a U-Net that corrects the secretory prior where it is wrong.

It starts at the level of its prior and learns a residual: per missing pixel a softmax
mixture of the fills in :mod:`~napari_dualgland.model.evidence` plus a correction, and the
logarithm of the standard deviation of what remains. A space-to-depth stem keeps it cheap
on a CPU. There is no norm over space, so that a tile and the whole field agree.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_dualgland.model.evidence import Evidence

STRIDE = 8
"""Sides of the input must be multiples of this."""

EVIDENCE_CHANNELS = 20
FILLS = 3


class Estimate(NamedTuple):
    """What the generator says; (B, 4, H, W) where nothing else is said, normalised.

    Attributes
    ----------
    mean : torch.Tensor
        The estimate; observed pixels are passed through.
    log_sigma : torch.Tensor
        Logarithm of the standard deviation of the estimate's error, which is taken to
        follow a Laplace distribution.
    features : torch.Tensor
        (B, F, H / 2, W / 2): what the network saw, for what is learned inside an image.
    """

    mean: Tensor
    log_sigma: Tensor
    features: Tensor


class PixelNorm(nn.Module):
    """Divide the features of each pixel by their root mean square over the channels.

    Without it the activations of this network grow a thousandfold within 1500 steps and
    its last layer dies; unlike batch or group norm it knows nothing of the tile's size.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, width, H, W) to the same shape."""
        last = x.permute(0, 2, 3, 1)
        # The floor keeps empty background, where features are next to nothing, quiet.
        normed = F.rms_norm(last, (last.shape[-1],), self.weight.to(x.dtype), eps=1e-3)
        return normed.permute(0, 3, 1, 2)


class ResidualBlock(nn.Module):
    """Norm and two 3 × 3 convolutions around an identity; starts as the identity."""

    def __init__(self, width: int, dilation: int = 1) -> None:
        super().__init__()
        self.norm = PixelNorm(width)
        self.first = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, width, H, W) to the same shape."""
        out: Tensor = x + self.second(F.silu(self.first(self.norm(x))))
        return out


def _stage(width: int, depth: int, dilations: tuple[int, ...] = (1,)) -> nn.Sequential:
    return nn.Sequential(
        *(ResidualBlock(width, dilations[i % len(dilations)]) for i in range(depth))
    )


class Generator(nn.Module):
    """Residual U-Net on a space-to-depth stem.

    Parameters
    ----------
    widths : tuple of int
        Channels at 1/2, 1/4 and 1/8 of full resolution.
    depths : tuple of int
        Residual blocks at each of them, on the way down and again on the way up.
    """

    residual_scale = 0.1

    def __init__(
        self, widths: tuple[int, int, int] = (48, 96, 192), depths: tuple[int, int, int] = (1, 2, 3)
    ) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.stem = nn.Conv2d(4 * EVIDENCE_CHANNELS, fine, 3, padding=1)
        self.down_fine = _stage(fine, depths[0])
        self.to_middle = nn.Conv2d(fine, middle, 2, stride=2)
        self.down_middle = _stage(middle, depths[1])
        self.to_coarse = nn.Conv2d(middle, coarse, 2, stride=2)
        self.bottom = _stage(coarse, depths[2], dilations=(1, 2))
        self.from_coarse = nn.Conv2d(coarse, middle, 1)
        self.up_middle = _stage(middle, depths[1])
        self.from_middle = nn.Conv2d(middle, fine, 1)
        self.up_fine = _stage(fine, depths[0])
        # Per pixel and channel: a correction, a log sigma, a weight for each fill.
        self.head = nn.Conv2d(fine, 4 * 4 * (2 + FILLS), 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, evidence: Evidence) -> Estimate:
        """Estimate the missing pixels.

        Parameters
        ----------
        evidence : Evidence
            (B, 4, H, W) each; H and W multiples of 8.

        Raises
        ------
        ValueError
            If H or W is not a multiple of 8.
        """
        height, width = evidence.prior.shape[-2:]
        if height % STRIDE or width % STRIDE:
            raise ValueError(f"sides must be multiples of {STRIDE}, not {height} × {width}")
        x = F.pixel_unshuffle(evidence.stacked(), 2)
        x = x.contiguous(memory_format=torch.channels_last)
        fine = self.down_fine(self.stem(x))
        middle = self.down_middle(self.to_middle(fine))
        coarse = self.bottom(self.to_coarse(middle))
        middle = self.up_middle(middle + F.interpolate(self.from_coarse(coarse), scale_factor=2))
        fine = self.up_fine(fine + F.interpolate(self.from_middle(middle), scale_factor=2))
        out = F.pixel_shuffle(self.head(fine).float(), 2)
        correction, log_sigma, *logits = torch.split(out, 4, dim=1)
        # A lead of 2 for the prior: the mixture starts close to it and can leave it.
        lead = out.new_tensor([2.0, 0.0, 0.0]).view(FILLS, 1, 1, 1, 1)
        share = torch.softmax(torch.stack(logits) + lead, dim=0)
        fills = torch.stack([evidence.prior, evidence.guided, evidence.smooth])
        mixed = (share * fills).sum(0)
        mean = mixed + self.residual_scale * correction
        mean = torch.where(evidence.missing, mean, evidence.prior)
        # From 0.01 to 0.6 of the range: a sharper claim is never warranted, and an error
        # that it missed would drown the rest of the loss.
        return Estimate(mean, log_sigma.clamp(-1.6, 2.5) - 3, fine)


def count_parameters(model: nn.Module) -> int:
    """Return the count of learned numbers."""
    return sum(p.numel() for p in model.parameters())
