"""Distances of a plane's pixels from one value, and what lies between two, where looked at.

A frame of them in float32 is four times as large as most planes are, and detectors look at
little of it, block by block.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_dualgland.typing import AnyArray, BoolArray

BAND = 1 << 18
"""Pixels, about, of a band of rows: so many stay in the processor's cache."""


@dataclass(frozen=True)
class Heights:
    """How far every pixel is from a value, in intensity units.

    Attributes
    ----------
    plane : numpy.ndarray
        (Y, X).
    value : number
    """

    plane: AnyArray
    value: Any

    def __getitem__(self, where: Any) -> AnyArray:
        """Return the heights of some pixels: uint8 if the plane is, float32 otherwise."""
        part = self.plane[where]
        if part.dtype == np.uint8:
            return np.asarray(np.maximum(part, self.value) - np.minimum(part, self.value))
        wide = np.float64 if part.dtype.itemsize > 2 else np.float32
        distance = np.abs(np.subtract(part, self.value, dtype=wide))
        return np.asarray(distance, dtype=np.float32)


@dataclass(frozen=True)
class Between:
    """Which pixels may be looked at and are neither at the floor nor at the ceiling.

    Attributes
    ----------
    plane, observed : numpy.ndarray
        (Y, X); the latter boolean.
    low, high : number
        The channel's floor and ceiling.
    """

    plane: AnyArray
    observed: BoolArray
    low: Any
    high: Any

    def __getitem__(self, where: Any) -> BoolArray:
        part = self.plane[where]
        return np.asarray(self.observed[where] & (part != self.low) & (part != self.high))


def bands(shape: tuple[int, ...], margin: int) -> Iterator[tuple[slice, slice, slice]]:
    """Yield the bands of rows of a plane.

    Parameters
    ----------
    shape : tuple of int
        (Y, X).
    margin : int
        Rows above and below that each needs to see.

    Yields
    ------
    outer, inner, band
        Where the band with its surroundings lies in the plane, where the band lies within
        that, and where the band lies in the plane: rows.
    """
    rows = max(16, margin, BAND // max(1, shape[1]))
    for y in range(0, shape[0], rows):
        top, end = max(0, y - margin), min(y + rows, shape[0])
        yield slice(top, end + margin), slice(y - top, end - top), slice(y, end)
