"""How each channel is shared among the compartments of a cell, held against what was learned.

The set points are those of :func:`napari_dualgland.model.compartments.set_points`, taken over
each cell by itself and over the whole field. Pixels that were not measured are left out; a
compartment of which too little was measured has no set point.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_dualgland.classes import COMPARTMENTS
from napari_dualgland.compartments.blocks import Sums
from napari_dualgland.typing import Float32Array, Float64Array

INNER = len(COMPARTMENTS) - 1
"""Compartments of a cell; the background is the last of all."""

EPSILON = 0.1
"""Part of the mean over the cell that is added to each mean; see ``set_points``."""

LEAST_UM2 = 0.64
"""Measured area of a compartment below which nothing is said of it: 25 blocks of 0.16 µm."""


def over_cells(soft: Float32Array, sums: Sums, rank: NDArray[np.int32], count: int) -> Float64Array:
    """Add up light and pixels of the compartments of each cell.

    Parameters
    ----------
    soft : numpy.ndarray
        (5, …) compartments of some blocks.
    sums : Sums
        (4, …) of these blocks.
    rank : numpy.ndarray
        (…) 0 for what is in no cell, else the number of the cell.
    count : int
        How many cells there are.

    Returns
    -------
    numpy.ndarray
        (2, N + 1, 4, 5): light and pixels; row 0 is of what is in no cell.
    """
    flat = rank.ravel()
    out = np.zeros((2, count + 1, len(sums.light), len(COMPARTMENTS)))
    for c, both in enumerate(zip(sums.light, sums.count, strict=True)):
        for part, values in enumerate(both):
            for k, share in enumerate(soft):
                weights = (share * values).ravel()
                out[part, :, c, k] = np.bincount(flat, weights=weights, minlength=count + 1)
    return out


def set_points_of(sums: Float64Array, area_um2: float) -> Float64Array:
    """Return h, (…, 4, 5), NaN where too little was measured.

    Parameters
    ----------
    sums : numpy.ndarray
        (2, …, 4, 5): light, in units in which dark is 0, and pixels.
    area_um2 : float
        Of a pixel.

    Returns
    -------
    numpy.ndarray
        h = log[(mean over A_k + ε m) / (mean over the cell + ε m)], with m the mean over the
        cell.
    """
    light, pixels = sums
    inside = pixels[..., :INNER].sum(-1, keepdims=True)
    cell = light[..., :INNER].sum(-1, keepdims=True) / np.maximum(inside, 1e-3)
    floor = EPSILON * cell + 1e-6
    held = np.log((light / np.maximum(pixels, 1e-3) + floor) / (cell + floor))
    enough = pixels * area_um2 >= LEAST_UM2
    return np.where(enough & (inside * area_um2 >= LEAST_UM2), held, np.nan)


def z_scores(held: Float64Array, expected: Sequence[Float64Array]) -> Float64Array:
    """Return by how many spreads set points are off.

    Parameters
    ----------
    held : numpy.ndarray
        (…, 4, 5).
    expected : sequence of numpy.ndarray
        θ and τ, (…, 4, 5).

    Returns
    -------
    numpy.ndarray
        (h − θ) / τ.
    """
    theta, tau = expected
    return np.asarray((held - theta) / tau)
