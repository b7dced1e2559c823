"""What is measured of a channel as a whole before any of it is searched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_dualgland.hot_pixels import hot_in_plane
from napari_dualgland.missing.jpeg import NO_GRID, BlockGrid, block_grid
from napari_dualgland.missing.noise import Noise, measure_noise
from napari_dualgland.typing import AnyArray, BoolArray


@dataclass(frozen=True)
class Measured:
    """What is known of a channel.

    Attributes
    ----------
    low, high : number
        Lowest and highest finite value.
    says_nothing : bool
        Whether nothing can be told of it.
    noise : Noise
        Without what a coder has added.
    grid : BlockGrid
        Of a coder.
    """

    low: Any
    high: Any
    says_nothing: bool
    noise: Noise
    grid: BlockGrid

    @classmethod
    def of(cls, plane: AnyArray, finite: BoolArray, low: Any, high: Any) -> Measured:
        """Measure a channel.

        Parameters
        ----------
        plane : numpy.ndarray
            (Y, X), finite: all of it, or a sample.
        finite : numpy.ndarray
            (Y, X), boolean: pixels that may have been measured.
        low, high : number
            The channel's lowest and highest finite value.

        Returns
        -------
        Measured
        """
        hot, usual = hot_in_plane(plane, finite)
        if len(usual):  # or they would pass for noise, and a rim among them for none
            plane = plane.copy()
            plane[hot] = usual
        noise = measure_noise(plane, finite, float(low), float(high))
        says_nothing = noise is None or low == high
        grid = NO_GRID if says_nothing else block_grid(plane)
        return cls(low, high, says_nothing, noise or Noise(gain=np.inf, speck=0.0), grid)


def span(plane: AnyArray, finite: BoolArray) -> tuple[Any, Any]:
    """Return the lowest and the highest finite value, both 0 where there is none.

    Parameters
    ----------
    plane : numpy.ndarray
        (Y, X).
    finite : numpy.ndarray
        (Y, X), boolean: pixels that may have been measured.

    Returns
    -------
    low, high : number
    """
    values = plane if finite.all() else plane[finite]
    return (values.min(), values.max()) if values.size else (0, 0)
