"""Hot pixels: what a camera counts where hardly any light fell.

They stay in the stack as they were measured. But a fill beside one would be far too bright,
among pixels that are held out it would outweigh ten thousand others, and to a localizer a few
of them look like vesicles; so no model is shown them.
"""

from __future__ import annotations

import numpy as np

from napari_dualgland.intensities import DARK, WHITE
from napari_dualgland.typing import AnyArray, BoolArray, Float32Array, IndexArray

HOT = 4.0
"""A pixel is hot if it is more than so many times as bright as white, and as what lies around it
at a distance of two pixels. Optics spread light further: only spots of less than 2.8 pixels (full
width at half maximum), and so bright, would be taken for hot; in the atlas one pixel in three
million is."""

SAMPLED = 1024
"""Dark and white are read off so many pixels along a plane's longer side, and as many again."""

AROUND = tuple((y, x) for y in range(5) for x in range(5) if {y, x} & {0, 4})
"""Rows and columns of what lies around the middle of 5 × 5 pixels."""

BRIGHTER = 2
"""So many pixels around a hot one may be hot as well, or part of something brighter."""


Where = tuple[IndexArray, IndexArray, IndexArray]


def hot_pixels(unit: Float32Array, missing: BoolArray | None = None) -> tuple[Where, Float32Array]:
    """Return where hot pixels are, and what is usual around them.

    Parameters
    ----------
    unit : numpy.ndarray
        (C, H, W), normalised: 0 is dark and 1 is white; no NaN.
    missing : numpy.ndarray, optional
        (C, H, W) boolean: not looked at.

    Returns
    -------
    where : tuple of numpy.ndarray
        (N,) each: channels, rows and columns.
    usual : numpy.ndarray
        (N,) float32, 0 at least.
    """
    bright = unit > HOT
    if missing is not None:
        bright &= ~missing
    c, y, x = np.nonzero(bright)
    if not len(c):
        return (c, y, x), np.zeros(0, np.float32)
    seen = unit if missing is None else np.where(missing, 0, unit)
    padded = np.pad(seen, [(0, 0), (2, 2), (2, 2)])
    around = np.stack([padded[c, y + down, x + across] for down, across in AROUND])
    usual = np.maximum(np.sort(around, 0)[-1 - BRIGHTER], 0)
    hot = unit[c, y, x] > HOT * np.maximum(usual, 1)
    return (c[hot], y[hot], x[hot]), usual[hot]


def without_hot_pixels(unit: Float32Array, missing: BoolArray | None = None) -> Float32Array:
    """Make hot pixels of an image, in place, as bright as is usual around them, and return it.

    Parameters
    ----------
    unit, missing
        As :func:`hot_pixels` takes them.

    Returns
    -------
    numpy.ndarray
        ``unit``.
    """
    where, usual = hot_pixels(unit, missing)
    unit[where] = usual
    return unit


def hot_in_plane(
    plane: AnyArray, known: BoolArray
) -> tuple[tuple[IndexArray, IndexArray], Float32Array]:
    """Return where hot pixels of a plane are, and what is usual around them, in its own units.

    Parameters
    ----------
    plane : numpy.ndarray
        (Y, X), any real dtype.
    known : numpy.ndarray
        (Y, X) boolean: finite, and looked at.

    Returns
    -------
    where : tuple of numpy.ndarray
        (N,) each: rows and columns.
    usual : numpy.ndarray
        (N,) float32.
    """
    every = max(1, max(plane.shape) // SAMPLED)
    some = plane[::every, ::every][known[::every, ::every]]
    dark, white = np.percentile(some, [DARK, WHITE]) if some.size else (0.0, 0.0)
    span = float(white - dark)
    if not span > 0 or not plane.max(where=known, initial=some.min()) > dark + HOT * span:
        none = np.zeros(0, np.intp)
        return (none, none), np.zeros(0, np.float32)
    unit = np.where(known, (plane - dark) / span, 0).astype(np.float32)
    (_, rows, columns), usual = hot_pixels(unit[None], ~known[None])
    return (rows, columns), (dark + span * usual).astype(np.float32)
