"""Intensities per channel and per stack, measured on observed pixels, inverted exactly.

A network must not know the exposure. Offset and scale are robust percentiles over the
whole stack, never over a tile, or neighbouring tiles would disagree along their seam.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from napari_dualgland.hot_pixels import without_hot_pixels
from napari_dualgland.intensities import DARK, WHITE, measurable
from napari_dualgland.typing import AnyArray, BoolArray, Float32Array, Float64Array

BRIGHTEST = 65504.0
"""No model is shown more, either way: the largest number of half precision, in which images are
kept for training. What a camera of 16 bits counts is not changed by it."""


@dataclass(frozen=True)
class Normalisation:
    """Offset and scale per channel, in the units of the intensities.

    Attributes
    ----------
    offset, scale : numpy.ndarray
        (C,), float64; the scale is positive.
    """

    offset: Float64Array
    scale: Float64Array

    def apply(self, image: AnyArray) -> Float32Array:
        """Return (C, H, W) intensities as normalised float32, within BRIGHTEST."""
        unit = image.astype(np.float64)
        unit -= self.offset[:, None, None]
        with np.errstate(over="ignore"):  # of a hardly varying channel; cut off next
            unit /= self.scale[:, None, None]
        return np.clip(unit, -BRIGHTEST, BRIGHTEST, out=unit).astype(np.float32)

    def shown(self, image: AnyArray, missing: BoolArray | None = None) -> Float32Array:
        """Return what a model is shown of (C, H, W) intensities: normalised, without hot pixels.

        Parameters
        ----------
        image : numpy.ndarray
            (C, H, W), in the units of the stack.
        missing : numpy.ndarray, optional
            (C, H, W) boolean: not looked at.

        Returns
        -------
        numpy.ndarray
            (C, H, W) float32.
        """
        known = image if missing is None else np.where(missing, 0, image)
        return without_hot_pixels(self.apply(known), missing)


def measure(samples: Iterable[AnyArray]) -> Normalisation:
    """Measure offset and scale from the observed pixels of each channel.

    Parameters
    ----------
    samples : iterable of numpy.ndarray
        One flat array of observed intensities per channel; an empty one for a channel
        of which nothing is observed.

    Returns
    -------
    Normalisation
        A channel without observed pixels gets the median offset and scale of the others:
        its level cannot be known, and that of its neighbours is the least surprising.
    """
    offsets, scales = [], []
    for values in samples:
        finite = values[measurable(values)].astype(np.float64)
        if finite.size == 0:
            offsets.append(np.nan)
            scales.append(np.nan)
            continue
        low, high = np.percentile(finite, [DARK, WHITE])
        if high <= low:
            low, high = finite.min(), finite.max()
        offsets.append(low)
        scales.append(high - low if high > low else 1.0)
    offset, scale = np.array(offsets), np.array(scales)
    known = ~np.isnan(offset)
    offset[~known] = np.median(offset[known]) if known.any() else 0.0
    scale[~known] = np.median(scale[known]) if known.any() else 1.0
    return Normalisation(offset, scale)
