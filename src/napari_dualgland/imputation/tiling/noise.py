"""Noise that belongs to a place in the field, so that neighbouring tiles draw one picture."""

from __future__ import annotations

import numpy as np

from napari_dualgland.imputation.tiling.boxes import ALIGNMENT, Box
from napari_dualgland.typing import Float32Array


def noise_at(box: Box, seed: int, sample: int, place: tuple[int, int]) -> Float32Array:
    """Return (4, h, w) standard normal numbers of a window.

    Parameters
    ----------
    box : Box
        The window; starts on multiples of ALIGNMENT.
    seed, sample : int
        Of the imputation, and which of its pictures.
    place : tuple of int
        Frame, (t, z).

    Returns
    -------
    numpy.ndarray
        float32.
    """
    rows = range(box.y0 // ALIGNMENT, -(-box.y1 // ALIGNMENT))
    columns = range(box.x0 // ALIGNMENT, -(-box.x1 // ALIGNMENT))
    size = (4, ALIGNMENT, ALIGNMENT)
    blocks = [
        [
            np.random.default_rng([seed, sample, *place, y, x]).standard_normal(size, np.float32)
            for x in columns
        ]
        for y in rows
    ]
    whole = np.concatenate([np.concatenate(row, axis=2) for row in blocks], axis=1)
    return whole[:, : box.y1 - box.y0, : box.x1 - box.x0]
