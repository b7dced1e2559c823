"""Where holes are deep: at which magnification a frame is filled first."""

from __future__ import annotations

import numpy as np

from napari_dualgland.imputation.tiling.boxes import Mask, bands
from napari_dualgland.typing import BoolArray, Float32Array

COARSE = 4
"""Magnification of one level over the next."""

DEEP = 64
"""A hole is deep where it holds a square of this side: a window may not see its rim."""


def shrunk(image: Float32Array, missing: BoolArray) -> tuple[Float32Array, BoolArray]:
    """Average a frame over COARSE², observed pixels alone; odd rims are completed.

    Parameters
    ----------
    image : numpy.ndarray
        (C, Y, X), normalised.
    missing : numpy.ndarray
        (C, Y, X), boolean.

    Returns
    -------
    image, missing : numpy.ndarray
        (C, ⌈Y / COARSE⌉, ⌈X / COARSE⌉) each.
    """
    short = [-s % COARSE for s in image.shape[1:]]
    pad = [(0, 0), (0, short[0]), (0, short[1])]
    weight = np.pad((~missing).astype(np.float32), pad)
    padded = np.pad(np.where(missing, 0, image), pad)
    c, h, w = padded.shape
    cells = (c, h // COARSE, COARSE, w // COARSE, COARSE)
    count = weight.reshape(cells).sum((2, 4))
    total = padded.reshape(cells).sum((2, 4))
    return (total / np.maximum(count, 1)).astype(np.float32), count == 0


def has_deep_hole(missing: Mask) -> bool:
    """Tell whether a (C, H, W) mask holds a whole missing square of side DEEP.

    Channels that are lost altogether do not count: no scale shows their rim.
    """
    half, (channels, _, width) = DEEP // 2, missing.shape
    lost = np.ones(channels, bool)
    strips = []
    for band in bands(missing.shape):
        rows = missing[(slice(None), *band.slices)]
        lost &= rows.all((1, 2))
        h, w = rows.shape[1] // half, width // half
        cells = rows[:, : h * half, : w * half].reshape(channels, h, half, w, half)
        strips.append(cells.all((2, 4)))
    grid = np.concatenate(strips, axis=1)[~lost]
    squares = grid[:, 1:, 1:] & grid[:, :-1, 1:] & grid[:, 1:, :-1] & grid[:, :-1, :-1]
    return bool(squares.any())
