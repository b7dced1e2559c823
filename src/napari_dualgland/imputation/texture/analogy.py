"""Texture by analogy (after Hertzmann and others 2001): patches of residuals, copied and blended.

Patches lie on a grid that belongs to the field and overlap by half. Those that touch no other are
laid first, then those between them; each is taken, of some places that look alike, from the one
that goes best with what is laid already. So no patch depends on more than its near
neighbours, and a field that is drawn in parts is the same field.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from napari_dualgland.imputation.texture import looks
from napari_dualgland.imputation.texture.patches import Patches
from napari_dualgland.imputation.tiling.boxes import Box
from napari_dualgland.typing import BoolArray, Float32Array, IndexArray

TRIED = 6
"""Places, of those that look alike."""

TURNS = ((0, 0), (1, 1), (0, 1), (1, 0))
"""Parities of row and column in the grid, in the order in which patches are laid."""

INDEPENDENT = 0.8
"""How far overlapping patches add up as if they were independent (1) or the same (0): the first
lets a grid of brighter places show through, the second makes the overlaps too flat."""

LEAST = np.float32(1e-3)
"""Weight of all patches, under which a place is faded out."""

AT_ONCE = 256
"""Patches that are laid at once: what they are chosen from stays small."""


def reach(step: int) -> int:
    """Return from how many pixels around it depends what is drawn at a place."""
    return (2 + len(TURNS)) * step + looks.REACH


class Targets(NamedTuple):
    """Where M patches are to lie in a part of a field.

    Attributes
    ----------
    turn : numpy.ndarray
        (M, 2): parities in the grid of the field.
    centres : numpy.ndarray
        (M, 2), pixels, in the part.
    alike : numpy.ndarray
        (M, K): numbers of the patches that may be copied there.
    """

    turn: IndexArray
    centres: IndexArray
    alike: IndexArray


def targets_in(hole: BoolArray, box: Box, picture: Float32Array, patches: Patches) -> Targets:
    """Return where patches are to lie, so that they cover a hole.

    Parameters
    ----------
    hole : numpy.ndarray
        (h, w), boolean.
    box : Box
        The part of the field that it lies in; starts on multiples of the patches' step.
    picture : numpy.ndarray
        (4, h, w), normalised, filled.
    patches : Patches
        That may be copied.

    Returns
    -------
    Targets
    """
    step = patches.step
    touching = sliding_window_view(np.pad(hole, step), (2 * step, 2 * step))
    grid = np.argwhere(touching[::step, ::step].any((2, 3)))
    centres = grid * step
    y, x = np.minimum(centres, np.array(hole.shape) - 1).T
    seen = looks.looks(picture, hole)[y, x]
    first = np.array([box.y0, box.x0]) // step
    return Targets((grid + first) % 2, centres, patches.alike(seen))


def drawn(
    hole: BoolArray, targets: Targets, patches: Patches, chance: Float32Array
) -> Float32Array:
    """Draw a texture.

    Parameters
    ----------
    hole : numpy.ndarray
        (h, w), boolean.
    targets : Targets
        Where patches are to lie.
    patches : Patches
        That may be copied.
    chance : numpy.ndarray
        (h, w), 0 to 1: other numbers, another texture.

    Returns
    -------
    numpy.ndarray
        (N, h, w) float32, in the units of the patches: what the estimate lacks; 0 outside the
        hole.
    """
    (h, w), step = hole.shape, patches.step
    side, size = 2 * step, (h + 2 * step, w + 2 * step)
    total = np.zeros((patches.lacking.shape[1], *size), np.float32)
    squares, weights = np.zeros((2, *size), np.float32)
    slope = np.hanning(side + 2)[1:-1]
    window = np.outer(slope, slope).astype(np.float32)
    # Where a pixel was measured nothing is lacking: patches of a rim must go with that too.
    measured = np.pad(~hole, step)
    views = [sliding_window_view(a, (side, side), (-2, -1)) for a in (total, squares, weights)]
    kept = sliding_window_view(measured, (side, side))
    within, tried, last = np.arange(side), np.arange(TRIED), np.array([h, w]) - 1
    for turn in TURNS:
        due = np.flatnonzero((targets.turn == turn).all(1))
        for start in range(0, len(due), AT_ONCE):
            some = due[start : start + AT_ONCE]
            y, x = targets.centres[some].T
            sums, square, weight = (view[..., y, x, :, :] for view in views)
            sofar = np.moveaxis(sums, 0, 1) / _divisor(square, weight)[:, None]
            fixed = (square > 0) | kept[y, x]
            alike = targets.alike[some]
            # Which are tried is left to chance, or every seed would draw the same.
            ry, rx = np.minimum(targets.centres[some], last).T
            first = (chance[ry, rx] * alike.shape[1]).astype(int)
            alike = np.take_along_axis(
                alike, (first[:, None] + tried[: alike.shape[1]]) % alike.shape[1], 1
            )
            apart = (patches.lacking[alike] - sofar[:, None]) ** 2
            apart = np.einsum("mknyx,myx->mk", apart, fixed.astype(np.float32))
            chosen = np.take_along_axis(alike, apart.argmin(1)[:, None], 1)[:, 0]
            share = window * patches.laid[chosen]
            at = (y[:, None, None] + within[:, None], x[:, None, None] + within)
            # Patches of one turn do not overlap.
            laid = share[:, None] * patches.lacking[chosen]
            total[:, *at] += np.moveaxis(laid, 1, 0)
            squares[at] += share**2
            weights[at] += share
    inner = np.s_[..., step : step + h, step : step + w]
    texture = total / _divisor(squares, weights)
    return np.asarray(texture[inner] * hole, np.float32)


def _divisor(squares: Float32Array, weights: Float32Array) -> Float32Array:
    """Return what sums of patches are divided by; never 0."""
    apart, alike = np.maximum(squares, LEAST), np.maximum(weights, LEAST)
    return np.asarray(apart ** (INDEPENDENT / 2) * alike ** (1 - INDEPENDENT), np.float32)
