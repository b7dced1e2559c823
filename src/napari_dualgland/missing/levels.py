"""Holes of one exact value: regions that hard rims enclose.

Damage often runs into natural background of the same value, so connected regions cannot
be judged as a whole. Instead every pixel of the region looks up, down, left and right to
where the region ends, and is missing if it sees hard rims on opposite sides.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_dualgland.missing.rims import Rim
from napari_dualgland.missing.windows import dilated
from napari_dualgland.typing import BoolArray

EIGHT = np.ones((3, 3), dtype=bool)
"""Pixels that touch at a corner belong together."""
BORDER_RUN = 9
"""Pixels; a hole no longer than this may end at the border of the image for a rim."""


def connected(mask: BoolArray, min_size: int) -> BoolArray:
    """Return a mask without its small connected regions.

    Parameters
    ----------
    mask : numpy.ndarray
        (Y, X), boolean.
    min_size : int
        Pixels; smaller regions are left out.

    Returns
    -------
    numpy.ndarray
        (Y, X), boolean.
    """
    labels, _ = ndimage.label(mask, EIGHT)
    keep = np.bincount(labels.ravel()) >= min_size
    keep[0] = False
    return np.asarray(keep[labels])


def _ends(region: BoolArray, axis: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return, for every pixel, where along ``axis`` its run inside the region ends.

    The position before the first and after the last pixel of the run: −1 and the length
    of the axis where the run reaches the border.
    """
    length = region.shape[axis]
    shape = [1, 1]
    shape[axis] = length
    position = np.arange(length, dtype=np.int32).reshape(shape)
    before = np.maximum.accumulate(np.where(region, np.int32(-1), position), axis=axis)
    outside = np.flip(np.where(region, np.int32(length), position), axis)
    after = np.flip(np.minimum.accumulate(outside, axis=axis), axis)
    return before, after


def _enclosed(region: BoolArray, rim: BoolArray) -> BoolArray:
    """Return the pixels of a region that see hard rims on opposite sides.

    The border of the image stands in for a rim where the run that ends there is short
    (a scratch that leaves the image).
    """
    between = []
    for axis in (0, 1):
        before, after = _ends(region, axis)
        length = region.shape[axis]
        first = np.take_along_axis(rim, np.minimum(before + 1, length - 1), axis)
        last = np.take_along_axis(rim, np.maximum(after - 1, 0), axis)
        at_start, at_end = before < 0, after >= length
        short = after - before <= BORDER_RUN
        seen_first = np.where(at_start, short & last & ~at_end, first)
        seen_last = np.where(at_end, short & first & ~at_start, last)
        between.append(seen_first & seen_last)
    return np.asarray(region & (between[0] | between[1]))


def holes(region: BoolArray, rim: Rim, reach: int, min_certain: int, share: float) -> BoolArray:
    """Return the missing part of a region of one value.

    Parameters
    ----------
    region : numpy.ndarray
        (Y, X), boolean.
    rim : Rim
        Where its rim is hard.
    reach : int
        Pixels; how far into the region a certain rim proves damage by itself, for damage
        of which only one side lies in signal.
    min_certain : int
        A hole needs this many pixels at certain rims.
    share : float
        Of a hole's pixels at likely rims, this share must be at certain ones.

    Returns
    -------
    numpy.ndarray
        (Y, X), boolean.
    """
    if np.count_nonzero(rim.certain) < min_certain:
        return np.zeros_like(region)
    # Noise interrupts a rim here and there; a ray may end at such a place.
    found = _enclosed(region, region & dilated(rim.likely, 5))
    found |= region & dilated(rim.certain & dilated(rim.touching, 3), 2 * reach + 1)
    labels, count = ndimage.label(found, EIGHT)
    flat = labels.ravel()
    certain = np.bincount(flat, rim.certain.ravel(), count + 1)
    likely = np.bincount(flat, rim.likely.ravel(), count + 1)
    good = (certain >= min_certain) & (certain >= share * likely)
    good[0] = False
    return np.asarray(good[labels])
