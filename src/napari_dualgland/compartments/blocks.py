"""A frame in blocks as fine as compartments need: what is in each, measured and imputed apart.

Compartments are half a micrometre wide and more. A field at full resolution would take a
gigabyte to tell them pixel by pixel; in blocks of 0.16 µm nothing of them is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_dualgland.imputation.normalise import measure
from napari_dualgland.localization.frames import Frame
from napari_dualgland.model.compartments import PIXEL_UM
from napari_dualgland.stack import ROLES
from napari_dualgland.typing import AnyArray, BoolArray, Float32Array

_SAMPLE = 2**20
"""Pixels of a channel that its range is told from."""


@dataclass(frozen=True)
class Sums:
    """Light and number of pixels per channel and block, (4, h, w) float32 each."""

    light: Float32Array
    count: Float32Array


@dataclass(frozen=True)
class Blocks:
    """A frame in blocks, channels in the order of ROLES.

    Attributes
    ----------
    step : int
        Pixels along a side of a block.
    pixel_um : float
        Micrometres along a side of a block.
    values : numpy.ndarray
        (4, h, w) float32: mean of what is known of a block, in the units of the stack; NaN
        where nothing is.
    unit : numpy.ndarray
        The same from 0 to 1 between the dark and the bright of each channel, 0 where not known.
    measured, imputed : Sums
        Light above the dark, in those units: of measured pixels, of estimated ones.
    """

    step: int
    pixel_um: float
    values: Float32Array
    unit: Float32Array
    measured: Sums
    imputed: Sums

    @property
    def area_um2(self) -> float:
        """Square micrometres of a pixel."""
        return (self.pixel_um / self.step) ** 2


def step_of(pixel_um: float) -> int:
    """Return how many pixels make a block."""
    return max(1, int(PIXEL_UM / pixel_um + 1e-6))


def in_blocks(frame: Frame, pixel_um: float) -> Blocks:
    """Sum a frame up block by block.

    Parameters
    ----------
    frame : Frame
        With NaN where pixels are missing.
    pixel_um : float
        Micrometres per pixel.

    Returns
    -------
    Blocks
    """
    step = step_of(pixel_um)
    shape = (len(ROLES), *(-(-n // step) for n in frame.shape))
    values = np.full(shape, np.nan, np.float32)
    unit, *sums = (np.zeros(shape, np.float32) for _ in range(5))
    for place, filled in zip(frame.at_hand, frame.imputed, strict=True):
        plane = frame.values[place]
        known = np.isfinite(plane)
        seen = known & ~filled
        offset, scale = _range(plane, seen if seen.any() else known)
        dark = np.where(known, plane, offset)
        count = _summed(known, step)
        mean = _summed(np.where(known, plane, 0), step) / np.maximum(count, 1)
        values[place] = np.where(count > 0, mean, np.nan)
        unit[place] = np.where(count > 0, (mean - offset) / scale, 0)
        light = ((dark - offset) / scale).clip(0)
        for kept, which in ((sums[:2], seen), (sums[2:], known & filled)):
            kept[0][place] = _summed(np.where(which, light, 0), step)
            kept[1][place] = _summed(which, step)
    return Blocks(step, pixel_um * step, values, unit, Sums(*sums[:2]), Sums(*sums[2:]))


def _range(plane: Float32Array, known: BoolArray) -> tuple[float, float]:
    samples = plane[known]
    samples = samples[:: max(1, samples.size // _SAMPLE)]
    found = measure([samples])
    return float(found.offset[0]), float(found.scale[0])


def _summed(plane: AnyArray, step: int) -> Float32Array:
    """Return the sums over blocks of a plane; those at the far borders may be cut."""
    if step == 1:
        return np.asarray(plane, np.float32)
    padded = np.pad(np.asarray(plane, np.float32), [(0, -n % step) for n in plane.shape])
    height, width = (n // step for n in padded.shape)
    return np.asarray(padded.reshape(height, step, width, step).sum((1, 3)), np.float32)


def coarse_labels(plane: AnyArray, step: int) -> AnyArray:
    """Return the label in the middle of each block.

    Parameters
    ----------
    plane : numpy.ndarray
        (Y, X).
    step : int
        Pixels along a side of a block.

    Returns
    -------
    numpy.ndarray
        (h, w).
    """
    rows, columns = (
        np.minimum(np.arange(-(-n // step)) * step + step // 2, n - 1) for n in plane.shape
    )
    return plane[np.ix_(rows, columns)]


def spread_out(plane: AnyArray, step: int, shape: tuple[int, int]) -> AnyArray:
    """Return (…, h, w) blocks as (…, Y, X) pixels.

    Parameters
    ----------
    plane : numpy.ndarray
    step : int
        Pixels along a side of a block.
    shape : tuple of int
        (Y, X).

    Returns
    -------
    numpy.ndarray
    """
    if step == 1:
        return plane
    wide = np.repeat(np.repeat(plane, step, -2), step, -1)
    return wide[..., : shape[0], : shape[1]]
