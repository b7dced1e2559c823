"""Holes larger than the parts in which a frame is searched.

A part in the middle of such a hole sees no rim at all, and one at its side sees that side
alone. The frame is thinned until all of it can be looked at, and searched once more. There
nature looks abrupt too, so a wide hole is believed only where the parts have found its rim.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from napari_dualgland.missing.doubt import BORNE_OUT
from napari_dualgland.missing.field import search
from napari_dualgland.missing.jpeg import NO_GRID
from napari_dualgland.missing.params import MissingParams
from napari_dualgland.missing.parts import MARGIN, parts
from napari_dualgland.missing.regions import Regions
from napari_dualgland.missing.survey import Read, Survey
from napari_dualgland.missing.windows import dilated, running
from napari_dualgland.packed import PackedMask
from napari_dualgland.typing import AnyArray, BoolArray

SUPPORTED = 0.5
"""Of a hole's pixels that touch other values, this share must be beside some that parts found."""


def join(
    missing: PackedMask, doubtful: PackedMask, survey: Survey, read: Read, params: MissingParams
) -> None:
    """Add to what was found the rest of holes that were too large for the parts.

    Parameters
    ----------
    missing, doubtful : PackedMask
        What was found, and is in doubt; what is added to the one is not in the other.
    survey : Survey
        Of the frame.
    read : callable
        Gives its pixels.
    params : MissingParams
    """
    every = survey.every
    side = max(3, MARGIN // 2 // every)
    found = _thinned(missing, every)
    level = np.zeros_like(found)
    for plane, known, mask in zip(survey.thin, survey.known, level, strict=True):
        for value in (known.low, known.high):
            mask |= plane == value
    # Cheap first: damage is mostly small, and has been found.
    if not any(f.any() and _wide(m & ~f, side).any() for f, m in zip(found, level, strict=True)):
        return
    known_thin = [replace(known, grid=NO_GRID) for known in survey.known]
    whole, _ = search(survey.thin, params, known_thin, survey.spare)
    whole &= level
    sure = np.array([_supported(*masks) for masks in zip(whole, found, level, strict=True)])
    if params.across_channels:
        in_any = np.logical_or.reduce(sure)
        sure |= np.array([_borne_out(holes, in_any) for holes in whole])
    more = np.array([dilated(_wide(s & ~f, side), 3) for s, f in zip(sure, found, strict=True)])
    if more.any():
        _add(missing, doubtful, more, survey, read)


def _thinned(mask: PackedMask, every: int) -> BoolArray:
    """Return (C, y, x): every so many pixels of a mask, in each direction."""
    rows = range(0, mask.shape[1], every)
    lines = [mask[slice(None), slice(y, y + 1), slice(None)][:, :, ::every] for y in rows]
    return np.concatenate(lines, axis=1)


def _supported(holes: BoolArray, found: BoolArray, level: BoolArray) -> BoolArray:
    """Return the holes of a thinned plane of which the parts have found the rims."""
    regions = Regions.of(holes, corners=False)
    rim = holes & dilated(~level, 3)
    around, known = regions.counted(rim), regions.counted(rim & dilated(found, 3))
    return regions.mask((known >= SUPPORTED * around) & (known > 0))


def _borne_out(holes: BoolArray, sure: BoolArray) -> BoolArray:
    """Return the holes of a channel that are nearly all within some that are sure in any."""
    regions = Regions.of(holes, corners=False)
    return regions.mask(regions.counted(sure) >= BORNE_OUT * regions.area())


def _wide(mask: BoolArray, side: int) -> BoolArray:
    """Return what of a mask squares of that side cover."""
    for axis in (0, 1):
        mask = running(mask, np.logical_and, 0, side - 1, axis)
    for axis in (0, 1):
        mask = running(mask, np.logical_or, side - 1, 0, axis)
    return mask


def _add(
    missing: PackedMask, doubtful: PackedMask, more: BoolArray, survey: Survey, read: Read
) -> None:
    """Note the floor and the ceiling within a thinned mask as missing, beyond doubt."""
    for _, _, core in parts(missing.shape):
        y, x = (np.arange(where.start, where.stop) // survey.every for where in core)
        if not more[:, y[0] : y[-1] + 1, x[0] : x[-1] + 1].any():
            continue
        added = more[:, y[:, None], x] & _at_ends(read(*core), survey)
        for mask, put in ((missing, np.logical_or), (doubtful, np.greater)):
            mask.put(core[0].start, put(mask[slice(None), *core], added), core[1].start)


def _at_ends(planes: AnyArray, survey: Survey) -> BoolArray:
    """Return which pixels of some channels are at the floor or at the ceiling."""
    ends = [
        (plane == known.low) | (plane == known.high)
        for plane, known in zip(planes, survey.known, strict=True)
    ]
    return np.array(ends)
