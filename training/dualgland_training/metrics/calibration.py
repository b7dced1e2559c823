"""Whether a stated uncertainty means something: counts that add up over any set of pixels.

How far errors reach, in units of the stated standard deviation, a method says by a
:class:`~napari_dualgland.intervals.Reach`; if it does not, they count as Laplace distributed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_dualgland.intervals import Reach
from napari_dualgland.typing import FloatArray

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def covered(
    estimate: FloatArray,
    truth: FloatArray,
    deviation: FloatArray,
    levels: Sequence[float] = LEVELS,
    reach: Reach | None = None,
) -> list[int]:
    """Return how many of the (N,) pixels lie inside the interval of each level.

    Parameters
    ----------
    estimate, truth, deviation : numpy.ndarray
        (N,), grey levels: of the missing pixels alone.
    levels : sequence of float
        Stated probabilities, 0 to 1.
    reach : Reach, optional
        How far errors reach, in units of the deviation; Laplace where left out.

    Returns
    -------
    list of int
        A count per level.
    """
    error = np.abs(estimate.astype(float) - truth)
    wide = reach or Reach()
    return [int((error <= deviation * wide.half_width(level)).sum()) for level in levels]
