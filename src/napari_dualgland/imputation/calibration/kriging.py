"""Kriging: the best linear estimate of missing pixels, by the image's own power spectrum.

Of a stationary field whose covariance is known, the missing pixels x of a picture are expected
where Q·x is 0 at each of them, Q being the inverse of the covariance (Rue and Held, *Gaussian
Markov Random Fields*, 2005, theorem 2.3). Q is a convolution with the inverse of the power
spectrum, which is measured in the image: how far its structures reach, which way they run, how
much of what is observed is noise. It is done with square roots of intensities: photon noise
grows with the light, and that of the root does not (Bartlett 1936). No image is stationary all
the same, so this is no fill but features: what is learned inside the image finds out where it
holds.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from scipy.fft import next_fast_len
from torch import Tensor

from napari_dualgland.model.prior import Pyramid, fill_together

SIDE = 32
"""Side in pixels of the squares in which the spectrum is measured."""

STEPS = (6, 32)
"""So many steps from the model's estimate on: soon what is next to observed pixels is near
where it leads, and only then what is deeper."""

CONDITION = 800.0
"""Ratio of the largest to the least eigenvalue that the steps are made for: what spans many
pixels stays as the model has it."""

SHALLOW = 0.5
"""Share of the mean power at a frequency and those beside it that a dip must keep: what few
squares show there is chance."""

LEAST = 1e-9
"""Power below which there is nothing to tell; normalised intensities are about 0 to 1."""

DARK = 1e-3
"""Of the range, added before roots are taken: darker than this, noise no longer falls."""


def rooted(light: Tensor) -> Tensor:
    """Return the square root of normalised intensities, whose noise is the same everywhere."""
    return (light.clamp_min(0) + DARK).sqrt()


def _squares(image: Tensor, side: int) -> Tensor:
    """Return (C, N, side, side): the squares of a (C, H, W) image, every half side."""
    half = max(1, side // 2)
    return image.unfold(1, side, half).unfold(2, side, half).flatten(1, 2)


def _mirrored(length: int, reach: int, device: torch.device) -> Tensor:
    """Return which of ``length`` pixels stands for each of more of them, mirrored at both ends,
    from ``reach`` in front of the first one to at least as far behind the last."""
    places = torch.arange(next_fast_len(length + 2 * reach, real=True), device=device) - reach
    places = places % (2 * length)
    return torch.minimum(places, 2 * length - 1 - places)


class Kriging:
    """How the pixels of each channel hang together in an image.

    Parameters
    ----------
    spectrum : torch.Tensor
        (C, S, S): power of each channel at each frequency of a square of S² pixels, as of
        :func:`torch.fft.fft2`.
    """

    def __init__(self, spectrum: Tensor) -> None:
        power = spectrum.double()
        beside = F.avg_pool2d(F.pad(power[None], (1, 1, 1, 1), mode="circular"), 3, stride=1)[0]
        inverse = 1 / torch.maximum(power, SHALLOW * beside).clamp_min(LEAST)
        # How bright a place is on the whole tells nothing.
        inverse[:, 0, 0] = 0
        unit = inverse.mean((1, 2), keepdim=True)  # what one pixel has by itself
        self.precision = inverse / unit

    @classmethod
    def of(cls, windows: Iterable[tuple[Tensor, Tensor]]) -> Kriging:
        """Measure the power spectrum of an image (Welch 1967, in two dimensions).

        Parameters
        ----------
        windows : iterable of tuple of torch.Tensor
            Pixels, (C, H, W), normalised, and which of them are missing, boolean. All of
            one size.

        Returns
        -------
        Kriging
        """
        total, count = torch.zeros(1), 0.0
        for image, missing in windows:
            # Any smooth fill will do: few pixels of an image are missing.
            filled = fill_together([Pyramid(image[None], missing[None])], 0)[0][0]
            squares = _squares(filled, min(SIDE, *image.shape[1:]))
            along = torch.hann_window(squares.shape[-1] + 2, periodic=False)[1:-1]
            taper = along[:, None] * along
            squares = squares - (squares * taper).sum((-2, -1), keepdim=True) / taper.sum()
            total = total + torch.fft.fft2(squares * taper).abs().square().sum(1)
            count += squares.shape[1] * float(taper.square().sum())
        return cls(total / count)

    def departures(self, channel: int, estimate: Tensor, missing: Tensor) -> Tensor:
        """Return by how much pixels depart from an estimate after some steps to the best fill.

        Chebyshev's iteration (Golub and Varga 1961): as its steps do not hang on the pixels,
        a tile and the whole agree.

        Parameters
        ----------
        channel : int
            Which.
        estimate : torch.Tensor
            (B, H, W), normalised: observed pixels, and an estimate of the missing ones.
        missing : torch.Tensor
            (B, H, W), boolean.

        Returns
        -------
        torch.Tensor
            (B, N, H, W) for the N of :data:`STEPS`; 0 where a pixel is observed.
        """
        height, width = estimate.shape[-2:]
        reach = self.precision.shape[-1] // 2
        rows, columns = (_mirrored(n, reach, estimate.device) for n in (height, width))
        shape = (len(rows), len(columns))
        hole = missing[:, rows[:, None], columns].to(estimate.dtype)
        largest = float(self.precision[channel].amax())
        gain = self._gain(channel, shape, largest).to(hole)

        # Into the same memory again and again: that of a tile is not had for nothing.
        waves = torch.empty(len(hole), shape[0], shape[1] // 2 + 1, dtype=torch.complex64)
        waves, convolved = waves.to(hole.device), torch.empty_like(hole)

        def times_precision(x: Tensor) -> Tensor:
            torch.fft.rfft2(x, out=waves)
            torch.fft.irfft2(waves.mul_(gain), s=shape, out=convolved)
            return convolved.mul_(hole)

        least = largest / CONDITION
        middle, half = (largest + least) / 2, (largest - least) / 2
        residual = -times_precision(estimate[:, rows[:, None], columns])
        departure, step, size = torch.zeros_like(residual), residual.clone(), 1 / middle
        found = []
        for done in range(1, STEPS[-1] + 1):
            departure.add_(step, alpha=size)
            if done in STEPS:
                found.append(departure[:, reach : reach + height, reach : reach + width].clone())
            if done < STEPS[-1]:
                residual.sub_(times_precision(step), alpha=size)
                turn = (half * size / 2) ** 2 * (2 if done == 1 else 1)
                step.mul_(turn).add_(residual)
                size = 1 / (middle - turn / size)
        return torch.stack(found, 1)

    def _gain(self, channel: int, shape: tuple[int, int], largest: float) -> Tensor:
        """Return what a convolution with the precision does to the frequencies of a picture."""
        kernel = torch.fft.ifft2(self.precision[channel]).real
        around = torch.fft.fftfreq(len(kernel), 1 / len(kernel)).long()
        spread = kernel.new_zeros(shape)
        spread[around[:, None] % shape[0], around % shape[1]] = kernel
        # Between the frequencies that were measured the kernel may overshoot a little.
        gain: Tensor = torch.fft.rfft2(spread).real
        return gain.clamp(0, largest)
