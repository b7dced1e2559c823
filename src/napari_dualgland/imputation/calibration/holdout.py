"""Windows in which observed pixels are held out, under copies of a stack's own holes.

What is learned and what is checked inside an image needs holes like those that are to be
filled, over pixels that were observed. What is learned in one part of the field is checked
in others: within a hole every pixel is much like its neighbours, and one who has seen half
of it knows the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_dualgland.imputation.frames import StackFrames
from napari_dualgland.imputation.tiling.boxes import ALIGNMENT, Box
from napari_dualgland.typing import AnyArray, BoolArray

SIDE = 160
"""Side of a window in pixels."""

SIDE_DEEP = 320
"""Side of a window in pixels where holes are deep."""

PARTS = 3
"""Into how many parts the field is divided; each is checked by what the others teach."""

SQUARES = 4
"""Squares of one part or another along the shorter side of the field …"""

SQUARE = (40, 160)
"""… whose side in pixels is between these: larger than most structures, if possible."""

SCATTERED = 0.6
"""Share of missing pixels with an observed neighbour above which damage counts as scattered."""

ADDED = 0.25
"""Share of the observed pixels that a copy of scattered damage may take: taking as many as
the damage itself would leave a window far emptier than those that are to be filled."""


@dataclass(frozen=True)
class HoldoutWindow:
    """A window with a copied hole.

    Attributes
    ----------
    frame : int
        In which frame.
    box : Box
        Where in it.
    missing : numpy.ndarray
        (4, h, w), boolean: truly missing; never looked at.
    held_out : numpy.ndarray
        (4, h, w), boolean: observed, but to be filled as if missing.
    part : numpy.ndarray
        (h, w), int8: which part of the field each pixel belongs to.
    """

    frame: int
    box: Box
    missing: BoolArray
    held_out: BoolArray
    part: npt.NDArray[np.int8]


def holdout_windows(
    hidden: Sequence[BoolArray], count: int, longest: int, rng: np.random.Generator
) -> Iterator[HoldoutWindow]:
    """Choose windows and lay holes over them.

    Parameters
    ----------
    hidden : sequence of numpy.ndarray
        By frame, each (4, Y, X), boolean: what must not be looked at.
    count : int
        Windows to try.
    longest : int
        Side of a window in pixels, where the frame is as large.
    rng : numpy.random.Generator
        Decides which holes are laid where.

    Yields
    ------
    HoldoutWindow
        All of one size.
    """
    damaged = [f for f, mask in enumerate(hidden) if mask.any() and not mask.all()]
    for _ in range(count if damaged else 0):
        frame = damaged[int(rng.integers(len(damaged)))]
        mask = hidden[frame]
        side = min(longest, *(s // ALIGNMENT * ALIGNMENT for s in mask.shape[1:]))
        if side < ALIGNMENT:
            continue
        shape = mask.shape[1:]
        # Anywhere, dark or bright: who learns in bright places alone lays a haze over dark
        # ones, and misses the hole's own surroundings by as much.
        y, x = (int(v) for v in rng.integers(0, np.array(shape) - side + 1))
        box = Box(y, y + side, x, x + side)
        # A channel that is lost throughout has no hole to be laid elsewhere.
        gone = np.logical_and.reduce(mask, axis=(1, 2))
        hole = _around_a_hole(np.logical_or.reduce(mask[~gone], axis=0), side, rng)
        if hole is None:
            continue
        missing = mask[(slice(None), *box.slices)].copy()
        turned = np.rot90(mask[(slice(None), *hole)], int(rng.integers(4)), (1, 2))
        held_out = _thinned(turned & ~missing & ~gone[:, None, None], rng)
        if held_out.any():
            yield HoldoutWindow(frame, box, missing, held_out, _parts(box, shape))


def pixels_of(windows: Sequence[HoldoutWindow], frames: StackFrames) -> list[AnyArray]:
    """Read the pixels of windows, frame by frame, so that each frame is loaded once.

    Parameters
    ----------
    windows : sequence of HoldoutWindow
        In any order.
    frames : StackFrames
        Where they lie.

    Returns
    -------
    list of numpy.ndarray
        (4, h, w) in the units of the stack, in the order of the windows.
    """
    found: dict[int, AnyArray] = {}
    for number in sorted(range(len(windows)), key=lambda n: windows[n].frame):
        found[number] = frames.roles(windows[number].frame, windows[number].box)
    return [found[number] for number in range(len(windows))]


def _parts(window: Box, field: tuple[int, ...]) -> npt.NDArray[np.int8]:
    """Return to which part of a (Y, X) ``field`` the pixels of a window belong."""
    square = int(np.clip(min(field) // SQUARES, *SQUARE))
    rows = np.arange(window.y0, window.y1) // square
    columns = np.arange(window.x0, window.x1) // square
    return np.asarray((rows[:, None] + columns[None]) % PARTS, np.int8)


def _thinned(held_out: BoolArray, rng: np.random.Generator) -> BoolArray:
    """Return a copy of scattered damage with as few pixels as keep the window's density."""
    union = np.logical_or.reduce(held_out, axis=0)
    inner = union[1:-1, 1:-1]
    closed = inner & union[:-2, 1:-1] & union[2:, 1:-1] & union[1:-1, :-2] & union[1:-1, 2:]
    if inner.sum() == 0 or 1 - closed.sum() / inner.sum() < SCATTERED:
        return held_out
    density = float(union.mean())
    taken: BoolArray = held_out & (rng.random(union.shape) < min(1.0, ADDED / density))
    return taken


def _around_a_hole(
    missing: BoolArray, side: int, rng: np.random.Generator
) -> tuple[slice, slice] | None:
    """Return a window around one of the missing pixels of a (Y, X) mask; None without any."""
    rows, columns = np.nonzero(missing)
    if not rows.size:
        return None
    pick = int(rng.integers(rows.size))
    room = np.array(missing.shape) - side
    y, x = np.clip(np.array([rows[pick], columns[pick]]) - side // 2, 0, room)
    return slice(int(y), int(y) + side), slice(int(x), int(x) + side)
