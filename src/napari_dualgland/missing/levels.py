"""Holes of one exact value: regions that hard rims enclose.

Damage often runs into natural background of the same value, so connected regions cannot
be judged as a whole. Instead every pixel of the region looks up, down, left and right to
where the region ends, and is missing if it sees hard rims on opposite sides.
"""

from __future__ import annotations

import numpy as np

from napari_dualgland.missing.heights import bands
from napari_dualgland.missing.regions import Regions, paint, runs, runs_down, spelt_out
from napari_dualgland.missing.rims import BLOCK, Rim
from napari_dualgland.missing.windows import blocks, dilated
from napari_dualgland.typing import BoolArray, IndexArray

COLUMNS = 256
"""Columns that are looked at in one go."""
BORDER_RUN = 9
"""Pixels; a hole shorter than this may end at the border of the image for a rim."""


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
    kept = mask.copy()
    # What leaves a band with its surroundings is larger, and what does not is all there.
    for outer, inner, band in bands(mask.shape, min_size - 1):
        regions = Regions.of(mask[outer])
        small = regions.mask(regions.area() < min_size)
        np.greater(kept[band], small[inner], out=kept[band])
    return kept


def _enclosed(region: BoolArray, rim: BoolArray) -> BoolArray:
    """Return the pixels of a region that see hard rims on opposite sides.

    The border of the image stands in for a rim where the run that ends there is short
    (a scratch that leaves the image).
    """
    height, width = region.shape
    found = np.zeros_like(region)
    for _, _, band in bands(region.shape, 0):
        if rim[band].any():
            row, start, stop = runs(region[band])
            left, right = start - row * width, stop - row * width - 1
            first, last = rim[band].take(start), rim[band].take(stop - 1)
            kept = _between(first, last, left, right, width)
            paint(found[band], start[kept], stop[kept])
    for x in range(0, width, COLUMNS):
        strip, hard = region[:, x : x + COLUMNS], rim[:, x : x + COLUMNS]
        if hard.any():
            column, top, bottom = runs_down(strip)
            kept = _between(hard[top, column], hard[bottom, column], top, bottom, height)
            column, top, bottom = column[kept], top[kept], bottom[kept]
            y = spelt_out(top, bottom + 1)
            found[y, np.repeat(x + column, bottom - top + 1)] = True
    return found


def _between(
    first: BoolArray, last: BoolArray, begin: IndexArray, end: IndexArray, length: int
) -> BoolArray:
    """Return which runs, from one pixel to another of a line, lie between rims.

    ``first`` and ``last`` say whether a run's first and last pixels are at one.
    """
    at_start, at_end = begin == 0, end == length - 1
    short = end - begin + 1 < BORDER_RUN
    seen_first = np.where(at_start, short & last & ~at_end, first)
    seen_last = np.where(at_end, short & first & ~at_start, last)
    return np.asarray(seen_first & seen_last)


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
    hard = np.zeros_like(region)
    for outer, _, _ in blocks(rim.likely, BLOCK, 2):
        hard[outer] |= region[outer] & dilated(rim.likely[outer], 5)
    found = _enclosed(region, hard)
    for outer, _, _ in blocks(rim.certain, BLOCK, reach + 1):
        inner = rim.certain[outer] & dilated(rim.touching[outer], 3)
        found[outer] |= region[outer] & dilated(inner, 2 * reach + 1)
    regions = Regions.of(found)
    certain, likely = regions.counted(rim.certain), regions.counted(rim.likely)
    return regions.mask((certain >= min_certain) & (certain >= share * likely))
