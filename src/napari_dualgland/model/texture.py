"""What an estimate leaves out: the deviation of a plausible picture from it.

The estimate is a mean over all pictures that would fit, and a mean is smoother than any
picture. Texture is copied from the image at hand
(:mod:`napari_dualgland.imputation.texture`); where there is nothing to copy, this network
draws, from noise and from what the generator saw, a deviation that is 0 on average and 1 in
spread; the stated standard deviation gives it its size. It reads the generator's features and
never changes them, so that no game for good looks can worsen the estimate.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_dualgland.model.blocks import ResidualBlock

COARSER = (4, 8)
"""Sides in pixels over which noise is pooled beside the noise of every pixel: deviations
reach as far as the structures that are missing."""

NOISE_CHANNELS = 4


class Texture(nn.Module):
    """Draws standardised deviations.

    Parameters
    ----------
    features : int
        Channels of the generator's features.
    width : int
        Channels of its own, at half the resolution.
    """

    def __init__(self, features: int, width: int = 48) -> None:
        super().__init__()
        noise = NOISE_CHANNELS * (4 + len(COARSER))
        self.mix = nn.Conv2d(features + noise, width, 1)
        self.blocks = nn.Sequential(*(ResidualBlock(width, dilation) for dilation in (1, 2, 1)))
        self.head = nn.Conv2d(width, 4 * 4, 3, padding=1)

    def forward(self, features: Tensor, noise: Tensor) -> Tensor:
        """Draw one deviation.

        Parameters
        ----------
        features : torch.Tensor
            (B, F, H / 2, W / 2), of :class:`~napari_dualgland.model.generator.Estimate`.
        noise : torch.Tensor
            (B, 4, H, W), standard normal; H and W multiples of 8.

        Returns
        -------
        torch.Tensor
            (B, 4, H, W), float32: in units of the stated standard deviation.
        """
        drawn = [F.pixel_unshuffle(noise, 2)]
        size = [features.shape[-2], features.shape[-1]]
        for side in COARSER:
            # The mean of side² independent numbers, brought back to a spread of 1.
            pooled = F.avg_pool2d(noise, side) * side
            drawn.append(F.interpolate(pooled, size, mode="bilinear", align_corners=False))
        x = torch.cat([features.detach(), *drawn], 1)
        x = x.contiguous(memory_format=torch.channels_last)
        return F.pixel_shuffle(self.head(self.blocks(self.mix(x))).float(), 2)
