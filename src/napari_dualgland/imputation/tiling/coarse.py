"""Where holes are deep: at which magnification a frame is filled first.

Of a frame at that magnification no more is held than its mask, packed, and what was filled: its
pixels are shrunk from those of the frame where a window looks at them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from napari_dualgland.imputation.boxes_by_place import BoxesByPlace
from napari_dualgland.imputation.tiling.boxes import Box, Mask, bands
from napari_dualgland.packed import PackedMask
from napari_dualgland.typing import AnyArray, BoolArray, Float32Array

Reader = Callable[[Box], Float32Array]

COARSE = 4
"""Magnification of one level over the next."""

STRIP = 32
"""Rows of a coarse frame that are shrunk at a time."""

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
    count = _cells((~missing).astype(np.float32)).sum((2, 4))
    total = _cells(np.where(missing, 0, image)).sum((2, 4))
    return (total / np.maximum(count, 1)).astype(np.float32), count == 0


def _shrunk_mask(missing: BoolArray) -> BoolArray:
    """Return where nothing is observed of COARSE²."""
    return np.asarray(~_cells(~missing).any((2, 4)))


def _cells(image: AnyArray) -> AnyArray:
    """Return (C, Y, X) as (C, y, COARSE, x, COARSE); odd rims are completed with 0."""
    c, height, width = image.shape
    padded = np.pad(image, [(0, 0), (0, -height % COARSE), (0, -width % COARSE)])
    h, w = padded.shape[1:]
    return padded.reshape(c, h // COARSE, COARSE, w // COARSE, COARSE)


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


class CoarseFill:
    """A frame at a quarter of its magnification while it is filled, and afterwards.

    Parameters
    ----------
    read : callable
        From a box of the frame to its normalised (4, h, w) float32 pixels.
    missing : numpy.ndarray or other Mask
        (4, Y, X), boolean, of the frame.
    """

    def __init__(self, read: Reader, missing: Mask) -> None:
        self._read, self._missing = read, missing
        channels, height, width = missing.shape
        self.missing = PackedMask((channels, -(-height // COARSE), -(-width // COARSE)))
        for band in bands(missing.shape):
            rows = missing[(slice(None), *band.slices)]
            self.missing.put(band.y0 // COARSE, _shrunk_mask(rows))
        self._tiles: BoxesByPlace[tuple[Float32Array, Float32Array | None]] = BoxesByPlace()
        self._states_sigma = False

    def read(self, box: Box) -> Float32Array:
        """Return the pixels of a box, each the mean of what was observed of COARSE²."""
        _, height, width = self._missing.shape
        strips = []
        for y in range(box.y0, box.y1, STRIP):
            rows = COARSE * y, min(COARSE * min(y + STRIP, box.y1), height)
            there = Box(*rows, COARSE * box.x0, min(COARSE * box.x1, width))
            strips.append(shrunk(self._read(there), self._missing[(slice(None), *there.slices)])[0])
        return np.concatenate(strips, axis=1)

    def keep(self, box: Box, mean: Float32Array, sigma: Float32Array | None) -> None:
        """Keep a tile that was filled, (4, h, w) each; only its missing pixels count.

        Parameters
        ----------
        box : Box
            Where it is.
        mean, sigma : numpy.ndarray
            Fill and standard deviation, if the model states one.
        """
        self._tiles.add(box, (mean, sigma))
        self._states_sigma |= sigma is not None

    def filled(self, box: Box) -> tuple[Float32Array, Float32Array | None]:
        """Return a part of the filled frame, and its sigma: 0 where pixels were observed."""
        image = self.read(box)
        deviation = np.zeros_like(image) if self._states_sigma else None
        for tile, shared, (mean, sigma) in self._tiles.touching(box):
            missing = self.missing[(slice(None), *shared.slices)]
            here, there = (slice(None), *shared.inside(box)), (slice(None), *shared.inside(tile))
            np.copyto(image[here], mean[there], where=missing)
            if deviation is not None and sigma is not None:
                np.copyto(deviation[here], sigma[there], where=missing)
        return image, deviation
