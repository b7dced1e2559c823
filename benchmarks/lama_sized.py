"""A network of the size and kind of LaMa with random weights: what one costs, not what it fills.

Built after the description of *big-lama* (Suvorov et al. 2022): three halvings to 512 channels,
18 residual blocks of two fast Fourier convolutions with three quarters of the channels global,
and three doublings; some 51 million parameters. It takes a picture whole, as LaMa does.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from napari_dualgland.typing import AnyArray, Float32Array

WIDTH = 64
LOCAL, GLOBAL = 128, 384
BLOCKS = 18
UNIT = 8
"""Three halvings: sides are a multiple of it."""


def _layers(convolution: nn.Module, channels: int) -> nn.Sequential:
    return nn.Sequential(convolution, nn.BatchNorm2d(channels), nn.ReLU(inplace=True))


class Spectral(nn.Module):
    """A convolution of the picture's spectrum, so that every pixel sees all others."""

    def __init__(self) -> None:
        super().__init__()
        half = GLOBAL // 2
        self.down = _layers(nn.Conv2d(GLOBAL, half, 1, bias=False), half)
        self.inner = _layers(nn.Conv2d(GLOBAL, GLOBAL, 1, bias=False), GLOBAL)
        self.up = nn.Conv2d(half, GLOBAL, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, GLOBAL, H, W) of the same."""
        x = self.down(x)
        spectrum = torch.fft.rfft2(x, norm="ortho")
        both = self.inner(torch.cat([spectrum.real, spectrum.imag], 1))
        real, imaginary = both.chunk(2, 1)
        there = torch.fft.irfft2(torch.complex(real, imaginary), s=x.shape[-2:], norm="ortho")
        total: Tensor = self.up(x + there)
        return total


class Fourier(nn.Module):
    """A fast Fourier convolution of local and global channels."""

    def __init__(self) -> None:
        super().__init__()

        def near(inside: int, outside: int) -> nn.Conv2d:
            return nn.Conv2d(inside, outside, 3, padding=1, padding_mode="reflect", bias=False)

        self.kept, self.told = near(LOCAL, LOCAL), near(LOCAL, GLOBAL)
        self.heard = near(GLOBAL, LOCAL)
        self.spectral = Spectral()
        self.local = nn.Sequential(nn.BatchNorm2d(LOCAL), nn.ReLU(inplace=True))
        self.wide = nn.Sequential(nn.BatchNorm2d(GLOBAL), nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, LOCAL + GLOBAL, H, W) of the same."""
        local, wide = x.split((LOCAL, GLOBAL), 1)
        near = self.local(self.kept(local) + self.heard(wide))
        return torch.cat([near, self.wide(self.told(local) + self.spectral(wide))], 1)


class Block(nn.Module):
    """Two of them, and what came in."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(Fourier(), Fourier())

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, LOCAL + GLOBAL, H, W) of the same."""
        total: Tensor = x + self.body(x)
        return total


def network(inputs: int = 5, outputs: int = 4) -> nn.Sequential:
    """Return it for four channels and their mask.

    Parameters
    ----------
    inputs, outputs : int
        Channels.

    Returns
    -------
    torch.nn.Sequential
        (B, inputs, H, W) → (B, outputs, H, W); sides are multiples of :data:`UNIT`.
    """
    widths = [WIDTH, 2 * WIDTH, 4 * WIDTH, 8 * WIDTH]
    first = nn.Conv2d(inputs, WIDTH, 7, padding=3, padding_mode="reflect", bias=False)
    parts: list[nn.Module] = [_layers(first, WIDTH)]
    for a, b in pairwise(widths):
        parts.append(_layers(nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False), b))
    parts += [Block() for _ in range(BLOCKS)]
    for a, b in pairwise(widths[::-1]):
        up = nn.ConvTranspose2d(a, b, 3, stride=2, padding=1, output_padding=1, bias=False)
        parts.append(_layers(up, b))
    last = nn.Conv2d(WIDTH, outputs, 7, padding=3, padding_mode="reflect")
    return nn.Sequential(*parts, last, nn.Sigmoid()).eval()


@torch.inference_mode()
def fill(made: nn.Module, image: AnyArray, missing: AnyArray) -> Float32Array:
    """Fill with it: nonsense, at the price of a fill.

    Parameters
    ----------
    made : torch.nn.Module
        By :func:`network`.
    image, missing : numpy.ndarray
        (4, Y, X), sides multiples of :data:`UNIT`.

    Returns
    -------
    numpy.ndarray
        (4, Y, X) float32.
    """
    picture = torch.from_numpy(np.where(missing, 0, image).astype(np.float32) / 255)
    lost = torch.from_numpy(missing.any(0, keepdims=True).astype(np.float32))
    out = made(torch.cat([picture, lost])[None])[0].numpy() * 255
    return np.where(missing, out, image).astype(np.float32)
