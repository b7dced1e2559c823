"""From a standard deviation to an interval: how the errors of estimates spread.

Errors of estimates have a sharper peak and longer tails than a normal distribution. Their
size, in units of the standard deviation, is described by a Weibull distribution; of shape 1
it is that of a Laplace distributed error, which is what the generator is trained with.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from napari_dualgland.frozen import FrozenModel
from napari_dualgland.typing import AnyArray

LEVELS = (0.5, 0.9)
"""Shares that are matched to the errors seen."""


class Reach(FrozenModel):
    """How far errors reach, in units of the standard deviation.

    Attributes
    ----------
    shape, scale : float
        Of the Weibull distribution of the errors' size: a share p of them is at most
        ``scale · (−ln(1 − p))^(1 / shape)``.
    """

    shape: float = Field(default=1.0, gt=0)
    scale: float = Field(default=float(np.sqrt(0.5)), gt=0)

    def half_width(self, level: float) -> float:
        """Return how many standard deviations hold a share ``level`` of the errors."""
        return float(self.scale * (-np.log1p(-level)) ** (1 / self.shape))

    @classmethod
    def of(cls, sizes: AnyArray, as_if: int) -> Reach:
        """Return the distribution through the median and the 90th percentile of sizes.

        Parameters
        ----------
        sizes : numpy.ndarray
            (N,): sizes of errors over their standard deviations.
        as_if : int
            Laplace distributed errors that are counted beside them.

        Returns
        -------
        Reach
        """
        known = cls()
        weight = len(sizes) / (len(sizes) + as_if)
        # Quantiles are averaged in logarithms: they are scales.
        found = [
            np.exp(
                weight * np.log(max(float(np.quantile(sizes, level)), 1e-3))
                + (1 - weight) * np.log(known.half_width(level))
            )
            if len(sizes)
            else known.half_width(level)
            for level in LEVELS
        ]
        low, high = (-np.log1p(-level) for level in LEVELS)
        shape = float(np.log(high / low) / max(np.log(found[1] / found[0]), 0.2))
        return cls(shape=shape, scale=float(found[1] / high ** (1 / shape)))
