"""Whether a stated uncertainty means something: counts that add up over any set of pixels.

How far errors reach, in units of the stated standard deviation, a method says by a
:class:`~napari_dualgland.intervals.Reach`; if it does not, they count as Laplace distributed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from napari_dualgland.intervals import Reach

Values = npt.NDArray[np.floating]

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def covered(
    estimate: Values,
    truth: Values,
    deviation: Values,
    levels: Sequence[float] = LEVELS,
    reach: Reach | None = None,
) -> list[int]:
    """Return how many of the (N,) pixels lie inside the interval of each level."""
    error = np.abs(estimate.astype(float) - truth)
    wide = reach or Reach()
    return [int((error <= deviation * wide.half_width(level)).sum()) for level in levels]


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
