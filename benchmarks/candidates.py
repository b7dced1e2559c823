"""Generators that were weighed against each other before one was shipped.

Kept so that the table of the bake-off (``benchmarks/bakeoff.py``) can be made again; the
plugin knows only the one that won.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_dualgland.model.blocks import PixelNorm
from napari_dualgland.model.generator import Generator


class GatedBlock(nn.Module):
    """A residual block whose features are gated (Yu et al. 2019): what to take, and where."""

    def __init__(self, width: int, dilation: int = 1) -> None:
        super().__init__()
        self.norm = PixelNorm(width)
        self.first = nn.Conv2d(width, 2 * width, 3, padding=dilation, dilation=dilation)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, width, H, W) to the same shape."""
        feature, gate = self.first(self.norm(x)).chunk(2, 1)
        out: Tensor = x + self.second(F.silu(feature) * torch.sigmoid(gate))
        return out


class FourierBlock(nn.Module):
    """A fast Fourier convolution (LaMa, Suvorov et al. 2022) around an identity.

    Half of what is added comes from a 1 × 1 convolution of the spectrum, which sees the
    whole tile at once, and half from a 3 × 3 convolution.
    """

    def __init__(self, width: int, dilation: int = 1) -> None:
        super().__init__()
        self.norm = PixelNorm(width)
        self.local = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation)
        self.enter = nn.Conv2d(width, width // 2, 1)
        self.spectral = nn.Conv2d(width, width, 1)
        self.second = nn.Conv2d(width + width // 2, width, 1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, width, H, W) to the same shape."""
        normed = self.norm(x)
        spectrum = torch.fft.rfft2(self.enter(normed).float(), norm="ortho")
        stacked = F.silu(self.spectral(torch.cat([spectrum.real, spectrum.imag], 1))).float()
        real, imaginary = stacked.chunk(2, 1)
        size = (x.shape[-2], x.shape[-1])
        wide = torch.fft.irfft2(torch.complex(real, imaginary), s=size, norm="ortho")
        both = torch.cat([F.silu(self.local(normed)), wide.to(normed.dtype)], 1)
        out: Tensor = x + self.second(both)
        return out


class GatedGenerator(Generator):
    """Gated convolutions throughout."""

    block = GatedBlock
    bottom_block = GatedBlock


class FourierGenerator(Generator):
    """Gated convolutions, and fast Fourier convolutions at the bottleneck."""

    block = GatedBlock
    bottom_block = FourierBlock


def candidates() -> dict[str, Generator]:
    """Return every candidate by name, untrained, with initial weights drawn from torch's seed."""
    return {
        "residual U-Net": Generator(draws=False),
        "residual U-Net, bands of the prior": Generator(draws=False, blurs=(0.6, 1.0, 1.6, 2.5)),
        "residual U-Net, refined at full resolution": Generator(refine=24, draws=False),
        "gated U-Net": GatedGenerator(draws=False),
        "gated U-Net, Fourier bottleneck": FourierGenerator(draws=False),
    }
