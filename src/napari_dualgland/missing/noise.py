"""How bright a place must be to stand above the noise of its channel.

Three kinds of noise count. Photon noise grows with the intensity; it decides whether a zero
amid signal can be natural. Noise of the camera is left of a background that was clipped
at 0 as scattered specks; what is no brighter than they are is no signal. And a coder
that has rounded the image leaves steps and another channel's grain (see :mod:`.jpeg`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from napari_dualgland.missing.heights import Between, bands
from napari_dualgland.missing.windows import box_sum
from napari_dualgland.typing import AnyArray, BoolArray, Float32Array, Float64Array

MANY_PIXELS = 1 << 20
"""The noise of larger planes is read off so many of their pixels, whole rows at a time."""
MIN_PAIRS = 64
"""Fewer neighbours that can be compared tell nothing."""
SPECK_WINDOW = 15
"""Side of the surroundings, in pixels, in which a speck stands nearly alone."""
SPECK_SHARE = 0.05
"""Specks are lit pixels in surroundings of which less than this share is lit."""


@dataclass(frozen=True)
class Noise:
    """The noise of one channel, in intensity units above its floor.

    Attributes
    ----------
    gain : float
        Variance of the photon noise per unit of intensity.
    speck : float
        Mean height of the specks in a clipped background; 0 where there are none.
    coder : float or numpy.ndarray
        What a coder has added, as a standard deviation; (Y, X) float32 where it differs
        from pixel to pixel.
    """

    gain: float
    speck: float
    coder: float | Float32Array = 0.0

    def at(self, where: Any) -> Noise:
        """Return the noise of some pixels of the channel."""
        if isinstance(self.coder, np.ndarray):
            return replace(self, coder=self.coder[where])
        return self

    def least(self, sigmas: float, alone: bool = False) -> Float32Array:
        """Return the least mean intensity that is so many standard deviations above 0.

        The variance is gain · mean, so mean / √(gain · mean) ≥ σ solves to σ² · gain.
        Heights of specks fall off exponentially, so their mean is their spread. A mean
        over a rim must only be as bright as specks are; one over neighbours that may
        themselves be specks (``alone``) must stand well above them.

        Parameters
        ----------
        sigmas : float
            Standard deviations.
        alone : bool
            Whether the mean is over neighbours that may be specks.

        Returns
        -------
        numpy.ndarray
            float32, in intensity units above the channel's floor; (Y, X), or one value
            where all pixels have the same noise.
        """
        light = max(sigmas**2 * self.gain, (1.2 if alone else 0.5) * sigmas * self.speck)
        return np.maximum(light, np.multiply(sigmas, self.coder), dtype=np.float32)

    def exceeded(self, height: AnyArray, sigmas: float, alone: bool = False) -> BoolArray:
        """Return which heights are more than :meth:`least`.

        Parameters
        ----------
        height : numpy.ndarray
            In intensity units above the channel's floor; of these pixels alone.
        sigmas, alone
            As of :meth:`least`.

        Returns
        -------
        numpy.ndarray
            Boolean, shape of ``height``.
        """
        least = self.least(sigmas, alone)
        if height.dtype == np.uint8 and least.ndim == 0:
            # An integer is above a number where it is above what that number is cut down to.
            least = np.minimum(least, 255).astype(np.uint8)
        return np.asarray(height > least)


def measure_noise(plane: AnyArray, observed: BoolArray, low: float, high: float) -> Noise | None:
    """Return the noise of a channel, read off the channel itself.

    Photon noise shows in the differences of neighbours at intermediate intensities,
    where neither the floor nor the ceiling clips it and texture (smoothed by the optics)
    adds little.

    Parameters
    ----------
    plane : numpy.ndarray
        (Y, X).
    observed : numpy.ndarray
        (Y, X), boolean: pixels that may be looked at.
    low, high : float
        The channel's floor and ceiling; pixels at either are left out.

    Returns
    -------
    Noise or None
        None where too few neighbours can be compared.
    """
    usable = Between(plane, observed, low, high)
    every = -(-plane.size // MANY_PIXELS)
    some, rows = usable[::every], plane[::every]
    pairs = some[:, 1:] & some[:, :-1]
    right = rows[:, 1:][pairs].astype(np.float64)
    left = rows[:, :-1][pairs].astype(np.float64)
    if right.size < MIN_PAIRS:
        return None
    step, level = np.abs(right - left), (right + left) / 2 - low
    top = np.percentile(level, 99.5)
    middle = (level > 0.15 * top) & (level < 0.6 * top)
    if np.count_nonzero(middle) >= MIN_PAIRS:
        step, level = step[middle], level[middle]
    # 1.05 = 1.4826 / √2 turns the median absolute difference into a standard deviation;
    # 1.3 makes up for zeros that clipping has taken out of the dim half.
    gain = float(np.median((1.05 * step) ** 2 / level)) * 1.3
    # In a nearly empty channel most neighbours are equal, and rounding is all the noise
    # there is; one grey level must not count as signal.
    gain = max(gain, _grey_level(right), 1e-9 * (high - low))
    return Noise(gain, _speck_height(plane, usable, low))


def _grey_level(values: Float64Array) -> float:
    """Return the smallest step between the values that occur, 0 where there is but one."""
    steps = np.diff(np.unique(values))
    return float(steps.min()) if steps.size else 0.0


def _speck_height(plane: AnyArray, lit: Between, low: float) -> float:
    """Return the mean height of lit pixels that stand nearly alone."""
    specks = []
    for outer, inner, band in bands(plane.shape, SPECK_WINDOW // 2):
        some = lit[outer]
        crowd = box_sum(some, SPECK_WINDOW)[inner]
        specks.append(plane[band][some[inner] & (crowd < SPECK_SHARE * SPECK_WINDOW**2)])
    alone = np.concatenate(specks)
    if alone.size < MIN_PAIRS:
        return 0.0
    return float(alone.astype(np.float64).mean() - low)
