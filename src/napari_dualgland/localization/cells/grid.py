"""A coarse grid to find cells on: outlines need no more than a third of a micrometre.

Pixels are averaged over whole blocks, so that a field takes seconds at any magnification,
and labels come back to full size with smooth edges instead of stairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from napari_dualgland.typing import AnyArray, Float32Array, LabelArray

COARSE_UM = 0.33
"""Blocks are as large as they can be with pixels no larger than this, in µm."""


@dataclass(frozen=True)
class Grid:
    """Blocks of ``step`` by ``step`` pixels over a frame.

    Attributes
    ----------
    shape : tuple of int
        (Y, X) of the frame.
    step : int
        Pixels of the frame along a block.
    pixel_um : float
        Micrometres along a block.
    """

    shape: tuple[int, int]
    step: int
    pixel_um: float

    @classmethod
    def over(cls, shape: tuple[int, int], pixel_um: float) -> Grid:
        """Lay a grid over a frame.

        Parameters
        ----------
        shape : tuple of int
            (Y, X) of the frame.
        pixel_um : float
            Micrometres per pixel of the frame.

        Returns
        -------
        Grid
            Of the largest blocks that are no larger than :data:`COARSE_UM`.
        """
        step = max(1, int(COARSE_UM / pixel_um + 1e-6))
        return cls(shape, step, step * pixel_um)

    def shrink(self, plane: AnyArray) -> Float32Array:
        """Return the mean of every block, float32; NaN where no pixel of it is finite."""
        if self.step == 1:
            return np.where(np.isfinite(plane), plane, np.nan).astype(np.float32)
        known = np.isfinite(plane)
        if known.all() and not any(n % self.step for n in self.shape):
            return self._sums(plane.astype(np.float32)) / np.float32(self.step**2)
        total = self._sums(np.where(known, plane, 0).astype(np.float32))
        count = self._sums(known.astype(np.float32))
        return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan), np.float32)

    def _sums(self, plane: Float32Array) -> Float32Array:
        rows, columns = (-n % self.step for n in self.shape)
        padded = np.pad(plane, ((0, rows), (0, columns)))
        height, width = (n // self.step for n in padded.shape)
        blocks = padded.reshape(height, self.step, width, self.step)
        return np.asarray(blocks.sum(axis=(1, 3)))

    def enlarge(self, labels: LabelArray) -> LabelArray:
        """Return coarse labels at the size of the frame, their edges smooth."""
        if self.step == 1:
            return labels
        step = self.step
        full = np.zeros([n * step for n in labels.shape], np.int32)
        highest = np.full(full.shape, 0.5, np.float32)
        for label, window in enumerate(ndimage.find_objects(labels), start=1):
            if window is None:
                continue
            spots = tuple(
                slice(max(0, s.start - 3), min(n, s.stop + 3))
                for s, n in zip(window, labels.shape, strict=True)
            )
            own = (labels[spots] == label).astype(np.float32)
            share = ndimage.gaussian_filter(own, 0.8, mode="nearest")
            share = ndimage.zoom(share, step, order=1, mode="nearest", grid_mode=True)
            # Of what a pixel belongs to, the largest share wins; less than half is background
            # unless neighbours make up the rest.
            place = tuple(slice(s.start * step, s.stop * step) for s in spots)
            wins = share > highest[place]
            np.copyto(highest[place], share, where=wins)
            np.copyto(full[place], label, where=wins)
        return self._without_cracks(full, labels)[: self.shape[0], : self.shape[1]]

    def _without_cracks(self, full: LabelArray, labels: LabelArray) -> LabelArray:
        """Fill where three cells meet and none has half: there the coarse label holds."""
        inside = ndimage.binary_erosion(labels > 0, np.ones((3, 3)), border_value=1)
        inside = np.repeat(np.repeat(inside, self.step, 0), self.step, 1)
        blocks = np.repeat(np.repeat(labels, self.step, 0), self.step, 1)
        return np.asarray(np.where((full == 0) & inside, blocks, full), np.int32)
