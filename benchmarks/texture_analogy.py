"""Texture by analogy: what an image itself has beyond its fills, copied to where it looks alike.

A rival that needs no training. Holes of the same kind are laid over measured pixels and filled;
what was measured there, less the fill, is the texture that a fill lacks. It is copied patch by
patch into the hole, from places whose estimates look alike in all channels and that lie as deep.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage
from scipy.spatial import cKDTree

from napari_dualgland.typing import AnyArray, BoolArray, Float32Array

PATCH = 12
"""Side of what is copied, pixels; patches overlap by half."""
LIKE = 24
"""Of so many places that look alike the one is taken that fits best to what is copied already."""
BLURS = (1.5, 4.0)
"""Standard deviations in pixels at which the estimate is looked at."""
DEEPEST = 12
"""Pixels; deeper in a hole, depth makes no difference."""
DEPTH_WEIGHT = 0.04
INDEPENDENT = 0.8
"""How far overlapping patches add up as if they were independent (1) or the same (0): the first
makes the overlaps too strong, the second too weak."""
PLACES = 6000
"""At most, of each set of holes."""


class Donor(NamedTuple):
    """Holes laid over measured pixels, and how they were filled.

    Attributes
    ----------
    laid : numpy.ndarray
        (Y, X) boolean.
    estimate : numpy.ndarray
        (4, Y, X), the image with these holes filled.
    """

    laid: BoolArray
    estimate: AnyArray


def texture(
    image: AnyArray,
    missing: BoolArray,
    estimate: AnyArray,
    donors: Sequence[Donor],
    seed: int = 0,
) -> Float32Array:
    """Return what to add to an estimate, so that it looks as the image does elsewhere.

    Parameters
    ----------
    image : numpy.ndarray
        (4, Y, X); of the missing pixels nothing is read.
    missing : numpy.ndarray
        (Y, X) boolean: missing in all channels.
    estimate : numpy.ndarray
        (4, Y, X), the image with them filled.
    donors : sequence of Donor
        Of the same image; where they are laid nothing is missing.
    seed : int
        Another one draws another texture.

    Returns
    -------
    numpy.ndarray
        (4, Y, X) float32, 0 where nothing is missing.
    """
    rng = np.random.default_rng(seed)
    half = PATCH // 2
    levels = np.stack([np.percentile(plane[~missing], 99) + 1 for plane in image])
    looks, places, lacking = [], [], []
    for number, donor in enumerate(donors):
        within = donor.laid & (ndimage.uniform_filter(donor.laid.astype(float), PATCH) > 0.55)
        within[:half] = within[-half:] = within[:, :half] = within[:, -half:] = False
        at = np.argwhere(within)
        at = at[rng.random(len(at)) < PLACES / max(len(at), 1)]
        looks.append(_looks(donor.estimate, donor.laid, levels)[tuple(at.T)])
        places.append(np.insert(at, 0, number, axis=1))
        lacking.append(((image.astype(np.float32) - donor.estimate) * donor.laid, donor.laid))
    alike = cKDTree(np.concatenate(looks))
    found = np.concatenate(places)
    touched = sliding_window_view(missing, (PATCH, PATCH))[::half, ::half].any((2, 3))
    targets = np.argwhere(touched) * half + half
    seen = _looks(estimate, missing, levels)[tuple(targets.T)]
    near = np.atleast_2d(alike.query(seen, k=min(LIKE, len(found)))[1])

    slope = np.hanning(PATCH + 2)[1:-1]
    window = np.outer(slope, slope).astype(np.float32)
    drawn = np.zeros(image.shape, np.float32)
    weights, squares = np.zeros((2, *missing.shape), np.float32)
    for (y, x), candidates in zip(targets, near, strict=True):
        here = np.s_[y - half : y + half, x - half : x + half]
        sofar = drawn[:, *here] / _divisor(weights[here], squares[here])
        begun = weights[here] > 0
        best, least = None, np.inf
        for number, py, px in found[rng.permutation(candidates)]:
            there = np.s_[py - half : py + half, px - half : px + half]
            pixels, laid = lacking[number][0][:, *there], lacking[number][1][there]
            apart = (((pixels - sofar) / levels[:, None, None]) ** 2 * (begun & laid)).sum()
            if apart < least:
                best, least = (pixels, laid), apart
        assert best is not None
        share = window * best[1]
        drawn[:, *here] += share * best[0]
        weights[here] += share
        squares[here] += share**2
    return np.asarray(drawn / _divisor(weights, squares) * missing, np.float32)


def _divisor(weights: Float32Array, squares: Float32Array) -> Float32Array:
    """Return what sums of patches are divided by; 1 where there is none."""
    least = np.float32(1e-3)
    return np.asarray(
        np.maximum(squares, least) ** (INDEPENDENT / 2)
        * np.maximum(weights, least) ** (1 - INDEPENDENT),
        np.float32,
    )


def _looks(estimate: AnyArray, missing: BoolArray, levels: AnyArray) -> AnyArray:
    """Return (Y, X, N): how bright each channel is at each blur, and how deep in the hole."""
    bright = [
        np.sqrt(np.maximum(ndimage.gaussian_filter(plane.astype(np.float32) / level, blur), 0))
        for plane, level in zip(estimate, levels, strict=True)
        for blur in BLURS
    ]
    depth = np.minimum(ndimage.distance_transform_edt(missing), DEEPEST)
    return np.stack([*bright, DEPTH_WEIGHT * depth], -1)
