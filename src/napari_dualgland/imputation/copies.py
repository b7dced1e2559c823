"""Copies of a stack's own holes, laid where the truth is known.

What is learned and what is rehearsed inside an image needs holes like those that are to be
filled, over pixels that were observed. Learning and judging never share a pixel: the field
is divided into squares of which every third is kept for judging.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_dualgland.imputation.tiles import ALIGNMENT

SIDE = 160
"""Side of a window in pixels."""

TRIES = 3
"""Places among which the one with most signal is taken."""

SQUARE = 40
"""Side in pixels of the squares that part what is learned from what is judged: smaller than
most holes, so that both see every depth."""

SCATTERED = 0.6
"""Share of missing pixels with an observed neighbour above which damage counts as scattered."""

ADDED = 0.25
"""Share of the observed pixels that a copy of scattered damage may take: taking as many as
the damage itself would leave a window far emptier than those that are to be filled."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Scene:
    """A window with a copied hole.

    Attributes
    ----------
    pixels : numpy.ndarray
        (4, h, w), in the units of the stack.
    lost : numpy.ndarray
        (4, h, w), boolean: truly missing; never looked at.
    copied : numpy.ndarray
        (4, h, w), boolean: observed, but to be filled as if missing.
    judged : numpy.ndarray
        (h, w), boolean: squares that are kept for judging.
    """

    pixels: npt.NDArray[Any]
    lost: Mask
    copied: Mask
    judged: Mask


def _corners(mask: Mask, side: int, rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Yield corners of windows of a (4, Y, X) mask: first around a hole, then anywhere."""
    # A channel that is lost throughout has no hole to be laid elsewhere.
    gone = np.logical_and.reduce(mask, axis=(1, 2))
    rows, columns = np.nonzero(np.logical_or.reduce(mask[~gone], axis=0))
    room = np.array(mask.shape[1:]) - side
    if not rows.size:
        return
    pick = int(rng.integers(rows.size))
    hole = np.clip(np.array([rows[pick], columns[pick]]) - side // 2, 0, room)
    yield int(hole[0]), int(hole[1])
    for _ in range(TRIES):
        place = rng.integers(0, room + 1)
        yield int(place[0]), int(place[1])


def kept_for_judging(y: int, x: int, height: int, width: int) -> Mask:
    """Return which pixels of a window at (y, x) of the field lie in squares kept for judging."""
    rows, columns = (
        np.arange(start, start + size) // SQUARE for start, size in ((y, height), (x, width))
    )
    return np.asarray((rows[:, None] + columns[None]) % 3 == 0)


def _thinned(copied: Mask, rng: np.random.Generator) -> Mask:
    """Return a copy of scattered damage with as few pixels as keep the window's density."""
    union = np.logical_or.reduce(copied, axis=0)
    inner = union[1:-1, 1:-1]
    closed = inner & union[:-2, 1:-1] & union[2:, 1:-1] & union[1:-1, :-2] & union[1:-1, 2:]
    if inner.sum() == 0 or 1 - closed.sum() / inner.sum() < SCATTERED:
        return copied
    density = float(union.mean())
    taken: Mask = copied & (rng.random(union.shape) < min(1.0, ADDED / density))
    return taken


def scenes(
    frames: Sequence[Any], masks: Sequence[Mask], count: int, rng: np.random.Generator
) -> Iterator[Scene]:
    """Yield up to ``count`` windows with copied holes.

    Parameters
    ----------
    frames : sequence of array
        Each (4, Y, X), in the order of ROLES.
    masks : sequence of numpy.ndarray
        Each (4, Y, X), boolean: what must not be looked at.
    count : int
        Windows to try.
    rng : numpy.random.Generator
        Decides which holes are laid where.
    """
    hurt = [f for f, mask in enumerate(masks) if mask.any() and not mask.all()]
    for _ in range(count if hurt else 0):
        frame = hurt[int(rng.integers(len(hurt)))]
        mask = masks[frame]
        side = min(SIDE, *(s // ALIGNMENT * ALIGNMENT for s in mask.shape[1:]))
        if side < ALIGNMENT:
            continue
        corners = list(_corners(mask, side, rng))
        boxes = [(slice(None), slice(y, y + side), slice(x, x + side)) for y, x in corners]
        if not boxes:
            continue
        hole, *places = boxes
        # Of a few places the one with most to see: on empty background all models agree.
        pixels = [np.asarray(frames[frame][place]) for place in places]
        seen = [
            float(np.nanstd(np.where(mask[place], np.nan, p.astype(np.float64))))
            for p, place in zip(pixels, places, strict=True)
            if not mask[place].all()
        ]
        if len(seen) < len(places):
            continue
        best = int(np.argmax(seen))
        lost = mask[places[best]]
        gone = np.logical_and.reduce(mask, axis=(1, 2))[:, None, None]
        turned = np.rot90(mask[hole], int(rng.integers(4)), (1, 2))
        copied = _thinned(turned & ~lost & ~gone, rng)
        if copied.any():
            y, x = corners[1 + best]
            yield Scene(pixels[best], lost, copied, kept_for_judging(y, x, side, side))
