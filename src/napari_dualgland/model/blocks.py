"""The block of which generator and texture are built, and the blur that they share."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def gaussian_blur(x: Tensor, sigma: float) -> Tensor:
    """Return (B, C, H, W) under a Gaussian of ``sigma`` pixels, edges repeated."""
    reach = max(1, min(int(3 * sigma + 0.5), min(x.shape[2:]) - 1))
    offsets = torch.arange(-reach, reach + 1, device=x.device, dtype=x.dtype)
    kernel = torch.exp(-0.5 * (offsets / max(sigma, 1e-3)).square())
    kernel = kernel / kernel.sum()
    planes = x.reshape(-1, 1, *x.shape[2:])
    with torch.autocast(x.device.type, enabled=False):
        wide = F.pad(planes, (reach, reach, 0, 0), mode="replicate")
        tall = F.pad(
            F.conv2d(wide, kernel.view(1, 1, 1, -1)), (0, 0, reach, reach), mode="replicate"
        )
        return F.conv2d(tall, kernel.view(1, 1, -1, 1)).reshape(x.shape)


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
