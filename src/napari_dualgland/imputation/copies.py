"""Copies of a stack's own holes, laid where the truth is known.

What is learned and what is rehearsed inside an image needs holes like those that are to be
filled, over pixels that were observed. What is learned in one part of the field is judged in
others: within a hole every pixel is much like its neighbours, and one who has seen half of
it knows the rest.
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

SIDE_DEEP = 320
"""Side of a window in pixels where holes are deep."""

PARTS = 3
"""Into how many parts the field is divided; each is judged by what the others teach."""

SQUARES = 4
"""Squares of one part or another along the shorter side of the field …"""

SQUARE = (40, 160)
"""… whose side in pixels is between these: larger than most structures, if possible."""

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
    part : numpy.ndarray
        (h, w), int8: which part of the field each pixel belongs to.
    """

    pixels: npt.NDArray[Any]
    lost: Mask
    copied: Mask
    part: npt.NDArray[np.int8]


def parts_of(y: int, x: int, side: int, field: tuple[int, ...]) -> npt.NDArray[np.int8]:
    """Return to which part of a (Y, X) ``field`` the pixels of a window at (y, x) belong."""
    square = int(np.clip(min(field) // SQUARES, *SQUARE))
    rows, columns = (np.arange(start, start + side) // square for start in (y, x))
    return np.asarray((rows[:, None] + columns[None]) % PARTS, np.int8)


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
    frames: Sequence[Any],
    masks: Sequence[Mask],
    count: int,
    longest: int,
    rng: np.random.Generator,
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
    longest : int
        Side of a window in pixels, where the frame is as large.
    rng : numpy.random.Generator
        Decides which holes are laid where.
    """
    hurt = [f for f, mask in enumerate(masks) if mask.any() and not mask.all()]
    for _ in range(count if hurt else 0):
        frame = hurt[int(rng.integers(len(hurt)))]
        mask = masks[frame]
        side = min(longest, *(s // ALIGNMENT * ALIGNMENT for s in mask.shape[1:]))
        if side < ALIGNMENT:
            continue
        shape = mask.shape[1:]
        # Anywhere, dark or bright: who learns in bright places alone lays a haze over dark
        # ones, and misses the hole's own surroundings by as much.
        y, x = (int(v) for v in rng.integers(0, np.array(shape) - side + 1))
        place = (slice(None), slice(y, y + side), slice(x, x + side))
        # A channel that is lost throughout has no hole to be laid elsewhere.
        gone = np.logical_and.reduce(mask, axis=(1, 2))
        hole = _around_a_hole(np.logical_or.reduce(mask[~gone], axis=0), side, rng)
        if hole is None:
            continue
        lost = mask[place]
        turned = np.rot90(mask[(slice(None), *hole)], int(rng.integers(4)), (1, 2))
        copied = _thinned(turned & ~lost & ~gone[:, None, None], rng)
        if copied.any():
            pixels = np.asarray(frames[frame][place])
            yield Scene(pixels, lost, copied, parts_of(y, x, side, shape))


def _around_a_hole(
    missing: Mask, side: int, rng: np.random.Generator
) -> tuple[slice, slice] | None:
    """Return a window around one of the missing pixels of a (Y, X) mask; None without any."""
    rows, columns = np.nonzero(missing)
    if not rows.size:
        return None
    pick = int(rng.integers(rows.size))
    room = np.array(missing.shape) - side
    y, x = np.clip(np.array([rows[pick], columns[pick]]) - side // 2, 0, room)
    return slice(int(y), int(y) + side), slice(int(x), int(x) + side)
