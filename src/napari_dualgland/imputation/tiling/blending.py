"""Blend the estimates of neighbouring tiles, so that no seam is seen."""

from __future__ import annotations

import numpy as np

from napari_dualgland.imputation.tiling.boxes import OVERLAP, Box
from napari_dualgland.typing import Float32Array


def blending_weight(tile: Box, region: Box) -> Float32Array:
    """Return the weight of a tile's estimate over a region.

    Across each edge of the tile the weight falls linearly from 1 to 0 within OVERLAP
    pixels on either side, so that the weights of neighbours sum to 1.

    Parameters
    ----------
    tile : Box
        The tile.
    region : Box
        What was estimated for it, reaching into its neighbours.

    Returns
    -------
    numpy.ndarray
        (h, w) of the region.
    """

    def ramp(low: int, high: int, start: int, stop: int) -> Float32Array:
        centre = np.arange(start, stop, dtype=np.float32) + 0.5
        depth = np.minimum(centre - low, high - centre)
        weight: Float32Array = np.clip((depth + OVERLAP) / (2 * OVERLAP), 1e-3, 1)
        return weight

    rows = ramp(tile.y0, tile.y1, region.y0, region.y1)
    columns = ramp(tile.x0, tile.x1, region.x0, region.x1)
    weight: Float32Array = rows[:, None] * columns
    return weight


class BlendedTile:
    """Weighted mean of what neighbouring tiles say of one tile; where none does it is 0.

    Parameters
    ----------
    box : Box
        The tile.
    hole : Box
        Around its missing pixels: no more is kept.
    """

    def __init__(self, box: Box, hole: Box) -> None:
        self.box, self.hole = box, hole
        self._total: Float32Array | None = None
        self._weight = np.full((hole.y1 - hole.y0, hole.x1 - hole.x0), 1e-12, np.float32)

    def add(self, said: Float32Array, over: Box, weight: Float32Array) -> None:
        """Add an estimate, as far as it lies in the hole.

        Parameters
        ----------
        said : numpy.ndarray
            (N, 4, h, w).
        over : Box
            What it was estimated for.
        weight : numpy.ndarray
            (h, w).
        """
        shared = over.meets(self.hole)
        if shared is None:
            return
        there, here = shared.inside(self.hole), shared.inside(over)
        if self._total is None:
            self._total = np.zeros((*said.shape[:2], *self._weight.shape), np.float32)
        self._total[(..., *there)] += said[(..., *here)] * weight[here]
        self._weight[there] += weight[here]

    def mean(self) -> Float32Array:
        """Return (N, 4, h, w) of the tile."""
        assert self._total is not None
        height, width = self.box.y1 - self.box.y0, self.box.x1 - self.box.x0
        out = np.zeros((*self._total.shape[:2], height, width), np.float32)
        out[(..., *self.hole.inside(self.box))] = self._total / self._weight
        return out
