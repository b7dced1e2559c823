"""What half the resolution cannot do: place to the pixel, and tell noise from structure."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_dualgland.model.blocks import ResidualBlock, box_mean
from napari_dualgland.model.evidence import CHANNELS

NOISE_RADIUS = 8
"""Of the square over which it is averaged, in pixels of half the resolution."""


def noise_level(bands: Tensor, observed: Tensor) -> Tensor:
    """Return how strong bands are at the observed pixels around: log of the root mean square.

    Parameters
    ----------
    bands : torch.Tensor
        (B, 4 N, H, W): N bands of every channel, the first of all channels first.
    observed : torch.Tensor
        (B, 4, H, W), boolean.

    Returns
    -------
    torch.Tensor
        (B, 4 N, H / 2, W / 2): (ln(rms + 0.003) + 4) / 2, from about -1 (none, or nothing
        observed) over 0 (0.015) to 1 (0.13).
    """
    weight = F.avg_pool2d(observed.to(bands.dtype), 2)
    energy = F.avg_pool2d(bands.square() * observed.repeat(1, bands.shape[1] // 4, 1, 1), 2)
    around = box_mean(weight, NOISE_RADIUS).clamp_min(1e-6).repeat(1, bands.shape[1] // 4, 1, 1)
    return (torch.log((box_mean(energy, NOISE_RADIUS) / around).sqrt() + 3e-3) + 4) / 2


class Refinement(nn.Module):
    """Corrects at full resolution what a stem at half of it cannot place to the pixel.

    Parameters
    ----------
    coarser : int
        Channels that come from half the resolution.
    width : int
        Channels of its own.
    """

    def __init__(self, coarser: int, width: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(CHANNELS + coarser // 4, width, 3, padding=1)
        self.blocks = nn.Sequential(ResidualBlock(width), ResidualBlock(width))
        self.head = nn.Conv2d(width, 8, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, stacked: Tensor, fine: Tensor) -> Tensor:
        """Correct what comes from half the resolution.

        Parameters
        ----------
        stacked : torch.Tensor
            (B, 20, H, W), of :meth:`~napari_dualgland.model.evidence.Evidence.stacked`.
        fine : torch.Tensor
            (B, ``coarser``, H / 2, W / 2).

        Returns
        -------
        torch.Tensor
            (B, 8, H, W): what to add to the correction and to log sigma.
        """
        x = torch.cat([stacked, F.pixel_shuffle(fine, 2)], 1)
        out: Tensor = self.head(self.blocks(self.enter(x)))
        return out
