"""Patches of residuals that may be copied, found by how the places look that they are from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.spatial import cKDTree

from napari_dualgland.imputation.texture.looks import looks
from napari_dualgland.typing import BoolArray, Float32Array, IndexArray

PLACES = 12_000
"""That are kept at most: more cost time and memory and look no better."""

APART = 12
"""Of so many neighbouring places one is kept: what differs by a pixel is no other choice."""

LIKE = 24
"""Places that look most alike, of which one is chosen."""

CUT_OFF = 12
"""Pixels from the edge of a window in which a hole may be cut off and was filled from one side."""


class Source(NamedTuple):
    """A hole that was laid for rehearsing.

    Attributes
    ----------
    hole : numpy.ndarray
        (h, w), boolean.
    estimate : numpy.ndarray
        (4, h, w), normalised, filled.
    lacking : numpy.ndarray
        (N, h, w): what the estimate lacks of the channels that are drawn; 0 outside the hole.
    """

    hole: BoolArray
    estimate: Float32Array
    lacking: Float32Array


class Patches:
    """Patches that may be copied.

    Parameters
    ----------
    sources : sequence of Source
        Where they are from; at least one with a hole.
    step : int
        Half the side of a patch in pixels: they overlap by half.
    rng : numpy.random.Generator
        Decides which are kept where there are too many.

    Attributes
    ----------
    lacking : numpy.ndarray
        (P, N, 2 · step, 2 · step) float32.
    laid : numpy.ndarray
        (P, 2 · step, 2 · step) boolean: where they are from a hole.
    """

    def __init__(self, sources: Sequence[Source], step: int, rng: np.random.Generator) -> None:
        self.step = step
        side = (2 * step, 2 * step)
        touching = [places_of(source.hole, step) for source in sources]
        share = min(1 / APART, PLACES / max(1, sum(map(len, touching))))
        lacking, laid, seen = [], [], []
        for source, every in zip(sources, touching, strict=True):
            y, x = every[rng.random(len(every)) < share].T
            patches = sliding_window_view(source.lacking, side, axis=(1, 2))[:, y, x]
            lacking.append(np.moveaxis(patches, 0, 1).astype(np.float32))
            laid.append(sliding_window_view(source.hole, side)[y, x])
            seen.append(looks(source.estimate, source.hole)[y + step, x + step])
        self.lacking: Float32Array = np.concatenate(lacking)
        self.laid: BoolArray = np.concatenate(laid)
        self._tree = cKDTree(np.concatenate(seen))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.lacking)

    def alike(self, seen: Float32Array) -> IndexArray:
        """Return the numbers of those that look most like each of some places.

        Parameters
        ----------
        seen : numpy.ndarray
            (M, F), of :func:`~napari_dualgland.imputation.texture.looks.looks`.

        Returns
        -------
        numpy.ndarray
            (M, K).
        """
        count = min(LIKE, len(self))
        return np.asarray(self._tree.query(seen, count)[1], np.int64).reshape(len(seen), count)


def places_of(hole: BoolArray, step: int) -> IndexArray:
    """Return the (P, 2) corners of patches that hold part of a hole that is not cut off.

    Parameters
    ----------
    hole : numpy.ndarray
        (h, w), boolean.
    step : int
        Half the side of a patch in pixels.

    Returns
    -------
    numpy.ndarray
    """
    if min(hole.shape) <= 2 * max(step, CUT_OFF):
        return np.zeros((0, 2), np.int64)
    whole = np.zeros_like(hole)
    inner = np.s_[CUT_OFF:-CUT_OFF, CUT_OFF:-CUT_OFF]
    whole[inner] = hole[inner]
    return np.argwhere(sliding_window_view(whole, (2 * step, 2 * step)).any((2, 3)))
