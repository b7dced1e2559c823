"""Holes larger than the parts in which a frame is searched.

A part in the middle of such a hole sees no rim at all, and one at its side sees that side
alone. The frame is thinned until all of it can be looked at: what lies there between pixels
that were found, or within straight edges along which they were, was found in part.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_dualgland.intensities import measurable
from napari_dualgland.missing.edges import straight_edges
from napari_dualgland.missing.heights import Heights
from napari_dualgland.missing.levels import enclosed
from napari_dualgland.missing.measured import Measured
from napari_dualgland.missing.params import MissingParams
from napari_dualgland.missing.parts import MARGIN, parts
from napari_dualgland.missing.rectangles import rectangles
from napari_dualgland.missing.survey import Read, Survey
from napari_dualgland.missing.windows import dilated, running
from napari_dualgland.packed import PackedMask
from napari_dualgland.typing import AnyArray, BoolArray, IndexArray

ALONG = 0.5
"""Of an edge's pixels, this share was found."""


def join(
    missing: PackedMask, doubtful: PackedMask, survey: Survey, read: Read, params: MissingParams
) -> None:
    """Add to what was found what lies within it and was too large for the parts.

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
    for c, (plane, known) in enumerate(zip(survey.thin, survey.known, strict=True)):
        values = [known.high] * params.saturated
        values += [known.low] * (params.dark and not survey.spare)
        found = _thinned(missing, c, every)
        for value in values if found.any() and not known.says_nothing else ():
            larger = _larger(plane, value, found, known, every, params)
            if larger.any():
                _add(missing, doubtful, c, value, dilated(larger, 3), every, read)


def _thinned(mask: PackedMask, c: int, every: int) -> BoolArray:
    """Return (y, x): every so many pixels of a channel's mask, in each direction."""
    rows = range(0, mask.shape[1], every)
    lines = [mask[slice(c, c + 1), slice(y, y + 1), slice(None)][0, 0, ::every] for y in rows]
    return np.array(lines)


def _larger(
    plane: AnyArray,
    value: Any,
    found: BoolArray,
    known: Measured,
    every: int,
    params: MissingParams,
) -> BoolArray:
    """Return what is missing of a thinned plane, was not found, and is wide."""
    level = plane == value
    side = max(3, MARGIN // 2 // every)
    # Cheap first: most frames have no such place, or it lies in natural background.
    if not _wide(level & ~found, side).any():
        return np.zeros_like(level)
    whole = enclosed(level, level & found)
    if params.straight:
        finite = measurable(plane)
        heights = Heights(plane if finite.all() else np.where(finite, plane, value), value)
        edges = straight_edges(
            level, heights, finite, known.noise, params.step, params.noise, params.min_edge
        )
        edges = edges[[_share(edge, found) >= ALONG for edge in edges]] if len(edges) else edges
        if len(edges):
            whole |= rectangles(level, edges, round(1.6 * params.min_edge))
    return _wide(whole & ~found, side)


def _wide(mask: BoolArray, side: int) -> BoolArray:
    """Return what of a mask squares of that side cover."""
    for axis in (0, 1):
        mask = running(mask, np.logical_and, 0, side - 1, axis)
    for axis in (0, 1):
        mask = running(mask, np.logical_or, side - 1, 0, axis)
    return mask


def _share(edge: IndexArray, found: BoolArray) -> float:
    """Return along how much of an edge pixels were found."""
    _, top, bottom, left, right = edge.tolist()
    return float(found[top : bottom + 1, left : right + 1].mean())


def _add(
    missing: PackedMask,
    doubtful: PackedMask,
    c: int,
    value: Any,
    larger: BoolArray,
    every: int,
    read: Read,
) -> None:
    """Note the pixels of a value that lie in a thinned mask as missing, beyond doubt."""
    for _, _, core in parts(missing.shape):
        y, x = (np.arange(where.start, where.stop) // every for where in core)
        if not larger[y[0] : y[-1] + 1, x[0] : x[-1] + 1].any():
            continue
        more = larger[y[:, None], x] & (read(*core)[c] == value)
        for mask, put in ((missing, np.logical_or), (doubtful, np.greater)):
            whole = mask[slice(None), *core]
            put(whole[c], more, out=whole[c])
            mask.put(core[0].start, whole, core[1].start)
