"""Backgrounds that somebody has cut away around a cell are no damage.

Single cells are often shared with everything around them set to one value, in every
channel alike. Such a background ends as abruptly as damage does, but it takes up much
of the image's border, which damage rarely does, and follows the outline of a cell; a
dead tile or a dead half of the sensor ends along straight lines.
"""

from __future__ import annotations

import numpy as np

from napari_dualgland.missing.regions import Regions
from napari_dualgland.missing.windows import dilated, running
from napari_dualgland.typing import BoolArray, IndexArray

OPENING = 15
"""Pixels; what is thinner is no background, but may be a scratch that runs into it."""
BORDER_SHARE = 0.25
"""Of the image's border, at least this share belongs to a background that was cut away."""
STRAIGHT_SHARE = 0.5
"""Of its outline, less than this share runs straight along rows or columns."""


def cut_away(common: BoolArray) -> BoolArray:
    """Return the part of a region that may have been cut away around a cell.

    Parameters
    ----------
    common : numpy.ndarray
        (Y, X), boolean: pixels at the floor in every channel.

    Returns
    -------
    numpy.ndarray
        (Y, X), boolean; empty where nothing looks like it. Whether it ends abruptly is
        for the caller to see.
    """
    border = _border(common)
    if np.count_nonzero(common.flat[border]) < BORDER_SHARE * len(border):
        return np.zeros_like(common)
    half = OPENING // 2
    wide = common
    for axis in (0, 1):
        wide = running(wide, np.logical_and, half, half, axis)
    wide = dilated(wide, OPENING)
    regions = Regions.of(wide, corners=False)
    on_border = np.bincount(regions.at(border[wide.flat[border]]), minlength=regions.count + 1)
    largest = int(on_border.argmax())
    if on_border[largest] < BORDER_SHARE * len(border):
        return np.zeros_like(common)
    background = regions.mask(np.arange(regions.count) == largest)
    if _straight_share(background) >= STRAIGHT_SHARE:
        return np.zeros_like(common)
    return background


def _border(image: BoolArray) -> IndexArray:
    """Return the pixels along the four sides of an image, counted row by row."""
    height, width = image.shape
    across, down = np.arange(width), np.arange(height) * width
    return np.concatenate([across, (height - 1) * width + across, down, down + width - 1])


def _straight_share(region: BoolArray) -> float:
    """Return how much of a region's outline runs straight for 15 pixels or more."""
    outline = straight = 0
    for axis in (0, 1):
        steps = np.diff(region, axis=axis)
        runs = running(steps, np.logical_and, OPENING - 1, 0, 1 - axis)
        runs = running(runs, np.logical_or, 0, OPENING - 1, 1 - axis)
        outline += int(np.count_nonzero(steps))
        straight += int(np.count_nonzero(runs))
    return straight / max(outline, 1)
