"""Whether a stated uncertainty means something: counts that add up over any set of pixels.

The uncertainty is the standard deviation of an error that is Laplace distributed, so the
interval of level p reaches s / √2 · −ln(1 − p) to either side of the estimate.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.floating]

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def half_width(deviation: Values, level: float) -> Values:
    """Return half the width of the interval that holds ``level`` of Laplace errors."""
    return np.asarray(deviation / np.sqrt(2) * -np.log1p(-level))


def covered(
    estimate: Values, truth: Values, deviation: Values, levels: Sequence[float] = LEVELS
) -> list[int]:
    """Return how many of the (N,) pixels lie inside the interval of each level."""
    error = np.abs(estimate.astype(float) - truth)
    return [int((error <= half_width(deviation, level)).sum()) for level in levels]


def sample_ratio(samples: Sequence[Values], estimate: Values, truth: Values) -> float:
    """Return the mean squared error of one sample over that of the estimate; 2 if honest.

    A draw from the true posterior errs by twice the variance of which its mean errs by
    once. NaN without samples or without error.
    """
    error = float(np.square(estimate.astype(float) - truth).mean())
    if not samples or error == 0:
        return float("nan")
    each = [float(np.square(s.astype(float) - truth).mean()) for s in samples]
    return float(np.mean(each)) / error
