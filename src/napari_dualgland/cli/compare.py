"""How near each fill comes to the truth inside the holes, where the truth is known."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

DEFINITION = (
    "PSNR in dB inside the holes: 10·log10(range²/MSE) over the missing pixels of the channel "
    "('all': of all channels together), range = the dtype's maximum; higher is better"
)


@dataclass(frozen=True)
class Scene:
    """A frame whose holes are known and whose truth is too.

    Attributes
    ----------
    truth, damaged : numpy.ndarray
        (C, Y, X) in the sample's integer dtype.
    missing : numpy.ndarray
        (C, Y, X), boolean.
    channels : sequence of str
        Names, one per channel.
    """

    truth: npt.NDArray[Any]
    damaged: npt.NDArray[Any]
    missing: npt.NDArray[np.bool_]
    channels: Sequence[str]

    def psnr(self, filled: npt.NDArray[Any]) -> dict[str, float]:
        """Return the hole PSNR in dB, per channel and over all; see :data:`DEFINITION`.

        The estimate is rounded and clipped to the sample's dtype first, as it would be
        written. A channel that misses nothing is left out; a perfect fill is infinite.
        """
        highest = np.iinfo(self.truth.dtype).max
        stored = np.clip(np.rint(filled.astype(np.float64)), 0, highest)
        squared = (stored - self.truth) ** 2
        errors = {"all": squared[self.missing]}
        for name, values, hole in zip(self.channels, squared, self.missing, strict=True):
            if hole.any():
                errors[name] = values[hole]
        return {name: _decibel(float(highest), float(e.mean())) for name, e in errors.items()}

    def row(self, filled: npt.NDArray[Any], seconds: float) -> dict[str, Any]:
        """Return what is told of a fill: its hole PSNR and what it cost.

        Parameters
        ----------
        filled : numpy.ndarray
            (C, Y, X), in the units of the truth.
        seconds : float
            How long it took.

        Returns
        -------
        dict
        """
        return {"psnr_db": self.psnr(filled), "seconds": round(seconds, 3)}

    def measure(self, fill: Callable[[Any, Any], npt.NDArray[Any]]) -> dict[str, Any]:
        """Run a fill on the damaged frame and return its row."""
        start = time.perf_counter()
        filled = fill(self.damaged, self.missing)
        return self.row(filled, time.perf_counter() - start)


def _decibel(highest: float, mean_square: float) -> float:
    return 10 * math.log10(highest**2 / mean_square) if mean_square > 0 else math.inf
