"""From a volume of light to an 8-bit picture: sectioning, blur, noise and exposure.

A confocal microscope sees the slab in focus sharply and its neighbours dim and blurred.
The camera counts photons over a faint background; the atlas then subtracts a black
level, so that empty glass is 0, and stretches the rest so that few pixels are clipped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from napari_dualgland.typing import BoolArray, ByteArray, Float32Array, FloatArray

SECTION = 0.6
"""Distance from focus at which the detected light has fallen to half, in µm."""

CONE = 0.22
"""Growth of the blur with the distance from focus, in µm per µm."""


@dataclass(frozen=True)
class Exposure:
    """How one channel is taken.

    Attributes
    ----------
    psf : float
        Standard deviation of the point spread function in focus, in µm.
    full_scale : float
        Photons that become the grey value 255.
    background : float
        Photons per pixel where there is nothing.
    read_noise : float
        Standard deviation of the detector's own noise, in photons.
    black : float
        Photons that become the grey value 0.
    clipped : float
        Share of the pixels that carry signal which the exposure saturates.
    """

    psf: float
    full_scale: float
    background: float
    read_noise: float
    black: float
    clipped: float


EXPOSURES: tuple[Exposure, ...] = (
    Exposure(0.11, 190.0, 1.0, 1.2, 5.0, 0.004),
    Exposure(0.11, 110.0, 1.0, 1.2, 4.0, 0.003),
    Exposure(0.11, 800.0, 1.0, 1.2, 8.0, 0.0),
    Exposure(0.12, 120.0, 1.0, 1.2, 4.0, 0.003),
)
"""Exposure of every channel, in the order of the roles."""


def focus_on(
    volume: Float32Array,
    slabs: FloatArray,
    height: float,
    psf: float,
    pixel_size: float,
) -> Float32Array:
    """Return the picture that a microscope focused at ``height`` sees.

    Parameters
    ----------
    volume : numpy.ndarray
        Light, float32, shape (slabs, Y, X).
    slabs : numpy.ndarray
        Heights of the slabs above the glass, in µm.
    height : float
        Focal plane, in µm.
    psf : float
        Standard deviation of the point spread function in focus, in µm.
    pixel_size : float
        In µm.

    Returns
    -------
    numpy.ndarray
        float32, shape (Y, X).
    """
    seen = np.zeros(volume.shape[1:], np.float32)
    for light, slab in zip(volume, slabs, strict=True):
        away = abs(slab - height)
        blur = np.hypot(psf, CONE * away) / pixel_size
        seen += ndimage.gaussian_filter(light, blur) / np.float32(1 + (away / SECTION) ** 2)
    return seen


def brightest(light: Float32Array, exposure: Exposure, signal: BoolArray) -> float:
    """Return the light that becomes 255: what few of the pixels that carry signal exceed.

    Parameters
    ----------
    light : numpy.ndarray
        (Y, X), arbitrary units.
    exposure : Exposure
        Of the channel.
    signal : numpy.ndarray
        (Y, X) boolean: pixels that carry signal.

    Returns
    -------
    float
        In the unit of ``light``; 1 where no pixel carries signal.
    """
    values = light[signal]
    if values.size == 0:
        return 1.0
    if exposure.clipped == 0:
        return float(np.quantile(values, 0.999)) * 1.15
    return float(np.quantile(values, 1 - exposure.clipped))


def expose(
    light: Float32Array, white: float, exposure: Exposure, rng: np.random.Generator
) -> ByteArray:
    """Count photons and turn them into grey values.

    Parameters
    ----------
    light : numpy.ndarray
        float32, shape (Y, X), arbitrary units.
    white : float
        Light that becomes 255.
    exposure : Exposure
        Of the channel.
    rng : numpy.random.Generator
        Source of the noise.

    Returns
    -------
    numpy.ndarray
        uint8, shape (Y, X).
    """
    mean = light * np.float32(exposure.full_scale / white) + np.float32(exposure.background)
    photons = rng.poisson(mean) + exposure.read_noise * rng.standard_normal(
        light.shape, dtype=np.float32
    )
    grey = (photons - exposure.black) * (255 / (exposure.full_scale - exposure.black))
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)
