"""The block of which the networks are built, and the filters that they share."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def gaussian_blur(x: Tensor, sigma: float) -> Tensor:
    """Blur with a Gaussian, edges repeated.

    Shifted copies are summed: a convolution of single channels takes twenty times as long on
    a CPU.

    Parameters
    ----------
    x : torch.Tensor
        (B, C, H, W).
    sigma : float
        Standard deviation in pixels.

    Returns
    -------
    torch.Tensor
        (B, C, H, W).
    """
    reach = max(1, min(int(3 * sigma + 0.5), min(x.shape[2:]) - 1))
    heights = [math.exp(-0.5 * (offset / max(sigma, 1e-3)) ** 2) for offset in range(reach + 1)]
    total = heights[0] + 2 * sum(heights[1:])
    for axis, pad in ((3, (reach, reach, 0, 0)), (2, (0, 0, reach, reach))):
        padded, side = F.pad(x, pad, mode="replicate"), x.shape[axis]
        x = padded.narrow(axis, reach, side) * (heights[0] / total)
        for offset in range(1, reach + 1):
            for start in (reach - offset, reach + offset):
                x.add_(padded.narrow(axis, start, side), alpha=heights[offset] / total)
    return x


def box_mean(x: Tensor, radius: int) -> Tensor:
    """Average over squares, with zeros beyond the edges.

    Parameters
    ----------
    x : torch.Tensor
        (B, C, H, W).
    radius : int
        Pixels; the square has a side of 2 · radius + 1.

    Returns
    -------
    torch.Tensor
        (B, C, H, W).
    """
    for axis, pad in ((2, (0, 0, radius, radius)), (3, (radius, radius, 0, 0))):
        x = _running_sum(F.pad(x, pad), 2 * radius + 1, axis)
    return x / (2 * radius + 1) ** 2


def _running_sum(x: Tensor, count: int, axis: int) -> Tensor:
    """Return the sums of ``count`` neighbours, put together from sums of 1, 2, 4, … of them:
    a third of the time that pooling takes on a CPU."""
    size = x.shape[axis] - count + 1
    total, power, position, width = None, x, 0, 1
    while width <= count:
        if count & width:
            part = power.narrow(axis, position, size)
            total = part if total is None else total + part
            position += width
        if 2 * width <= count:
            left = power.shape[axis] - width
            power = power.narrow(axis, 0, left) + power.narrow(axis, width, left)
        width *= 2
    assert total is not None
    return total


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
