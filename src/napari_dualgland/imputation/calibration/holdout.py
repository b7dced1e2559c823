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

from napari_dualgland.imputation.channel_sets import SETS, sets_of
from napari_dualgland.imputation.frames import StackFrames
from napari_dualgland.imputation.tiling.boxes import (
    ALIGNMENT,
    Box,
    Mask,
    bands,
    lost_throughout,
)
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


class _Holes:
    """The missing pixels of a frame, as far as it takes to pick one of them.

    Attributes
    ----------
    any : bool
        Whether there are some.
    gone : numpy.ndarray
        (4,), boolean: channels that are lost throughout; they have no hole to be laid elsewhere.
    """

    def __init__(self, mask: Mask) -> None:
        self.mask = mask
        self.gone: BoolArray = lost_throughout(mask)
        counts = [
            np.zeros((0, len(SETS) + 1), np.int64),
            *(self._counted(*box.slices) for box in bands(mask.shape)),
        ]
        rows = np.concatenate(counts)
        areas = rows.sum(0)
        self._pixels = int(areas[1:].sum())
        self.any = bool(self.gone.any() or self._pixels)
        # Every kind of damage is to be rehearsed, and the larger the more often.
        self._worth = np.where(areas, 1 / np.sqrt(np.maximum(areas, 1)), 0)
        self._worth[0] = 0
        self._down_to = np.cumsum(rows @ self._worth)

    def _counted(self, rows: slice, columns: slice) -> npt.NDArray[np.int64]:
        """Return (h, 16): how many pixels of each row are missing in which set of channels."""
        cut = self._cut(rows, columns)
        y, x = np.nonzero(np.logical_or.reduce(cut))  # few, of many pixels
        kinds = len(SETS) + 1
        counts = np.bincount(y * kinds + sets_of(cut[:, y, x]), minlength=cut.shape[1] * kinds)
        return counts.reshape(-1, kinds)

    def _cut(self, rows: slice, columns: slice) -> BoolArray:
        """Return what is missing there, without channels that are lost throughout."""
        return np.asarray(self.mask[slice(None), rows, columns] & ~self.gone[:, None, None])

    def around_one(self, side: int, rng: np.random.Generator) -> tuple[slice, slice] | None:
        """Return a window around one of the missing pixels; None without any."""
        if not self._pixels:
            return None
        pick = (int(rng.integers(self._pixels)) + 0.5) / self._pixels * self._down_to[-1]
        row = int(np.searchsorted(self._down_to, pick))
        before = self._down_to[row - 1] if row else 0.0
        _, height, width = self.mask.shape
        sets = sets_of(self._cut(slice(row, row + 1), slice(0, width))[:, 0])
        along = np.cumsum(self._worth[sets])
        place = np.array([row, int(np.searchsorted(along, pick - before))]) - side // 2
        y, x = np.clip(place, 0, np.array([height, width]) - side)
        return slice(int(y), int(y) + side), slice(int(x), int(x) + side)


def holdout_windows(
    hidden: Sequence[Mask],
    every_hole: Sequence[Mask],
    count: int,
    longest: int,
    rng: np.random.Generator,
) -> Iterator[HoldoutWindow]:
    """Choose windows and lay holes over them.

    Parameters
    ----------
    hidden : sequence of numpy.ndarray or other Mask
        By frame, each (4, Y, X), boolean: what must not be looked at.
    every_hole : sequence of numpy.ndarray or other Mask
        As ``hidden``: what of it is copied.
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
    holes = {f: _Holes(mask) for f, mask in enumerate(every_hole)} if count else {}
    damaged = [f for f, of_frame in holes.items() if of_frame.any and not of_frame.gone.all()]
    for _ in range(count if damaged else 0):
        frame = damaged[int(rng.integers(len(damaged)))]
        mask, of_frame = hidden[frame], holes[frame]
        side = min(longest, *(s // ALIGNMENT * ALIGNMENT for s in mask.shape[1:]))
        if side < ALIGNMENT:
            continue
        shape = mask.shape[1:]
        # Anywhere, dark or bright: who learns in bright places alone lays a haze over dark
        # ones, and misses the hole's own surroundings by as much.
        y, x = (int(v) for v in rng.integers(0, np.array(shape) - side + 1))
        box = Box(y, y + side, x, x + side)
        hole = of_frame.around_one(side, rng)
        if hole is None:
            continue
        missing = mask[(slice(None), *box.slices)].copy()
        turned = np.rot90(mask[(slice(None), *hole)], int(rng.integers(4)), (1, 2))
        held_out = _thinned(turned & ~missing & ~of_frame.gone[:, None, None], rng)
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
