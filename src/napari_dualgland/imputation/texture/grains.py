"""Residuals of single pixels, for damage too thin for patches: scratches and scattered pixels.

Between observed neighbours what a fill lacks is little more than noise. It is drawn pixel by pixel,
all channels together, from pixels of which the stated deviation is much the same, so that dim
places stay quiet and bright ones keep their grain. No search: a million pixels take a moment.
"""

from __future__ import annotations

import numpy as np

from napari_dualgland.typing import Float32Array, IndexArray

SPREAD = 0.01
"""Share of all pixels, to either side of the one that is as unsure, of which one is taken."""

KEPT = 100_000
"""Pixels at most."""


class Grains:
    """Residuals of single pixels, from the surest to the least sure.

    Parameters
    ----------
    lacking : numpy.ndarray
        (N, P), normalised: of N channels that are drawn together, P pixels.
    sigma : numpy.ndarray
        (N, P): the standard deviations that are stated.
    """

    def __init__(self, lacking: Float32Array, sigma: Float32Array) -> None:
        thinned = slice(None, None, -(-lacking.shape[1] // KEPT))
        lacking, sigma = lacking[:, thinned], sigma[:, thinned]
        unsure = _unsure(sigma)
        order = np.argsort(unsure, kind="stable")
        self._lacking, self._unsure = lacking[:, order], unsure[order]

    def __len__(self) -> int:
        """Return how many pixels there are."""
        return len(self._unsure)

    def alike(self, sigma: Float32Array) -> IndexArray:
        """Return where in the order each of M pixels belongs.

        Parameters
        ----------
        sigma : numpy.ndarray
            (N', M), of as many of the channels as are drawn.

        Returns
        -------
        numpy.ndarray
            (M,).
        """
        return np.asarray(np.searchsorted(self._unsure, _unsure(sigma)), np.int64)

    def drawn(self, alike: IndexArray, chance: Float32Array) -> Float32Array:
        """Draw residuals.

        Parameters
        ----------
        alike : numpy.ndarray
            (M,), of :meth:`alike`.
        chance : numpy.ndarray
            (M,), 0 to 1: other numbers, other residuals.

        Returns
        -------
        numpy.ndarray
            (N, M) float32, normalised: what to add to the estimate.
        """
        reach = max(4, round(SPREAD * len(self)))
        chosen = alike + np.rint((2 * chance - 1) * reach).astype(np.int64)
        return self._lacking[:, np.clip(chosen, 0, len(self) - 1)]


def _unsure(sigma: Float32Array) -> Float32Array:
    """Return one number for all channels of each pixel: the mean of the logarithms."""
    return np.asarray(np.log(np.maximum(sigma, 1e-6)).mean(0), np.float32)
