"""Whether a stated probability of a class means something: how often it comes true."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torchmetrics.functional.classification import binary_calibration_error

from napari_dualgland.typing import BoolArray

BINS = 10


def reliability(
    probabilities: npt.ArrayLike, truth: BoolArray, bins: int = BINS
) -> list[dict[str, float]]:
    """Return, per bin of stated probability, its count, mean statement and share that was true.

    Parameters
    ----------
    probabilities : array_like
        Of any shape, 0 to 1: every cell and class is one statement.
    truth : numpy.ndarray
        Booleans of that shape.
    """
    p, t = np.ravel(probabilities).astype(float), np.ravel(truth)
    # Bins are closed above, as torchmetrics has them.
    place = np.clip(np.ceil(p * bins).astype(int) - 1, 0, bins - 1)
    return [
        {
            "from": b / bins,
            "count": int((place == b).sum()),
            "stated": float(p[place == b].mean()),
            "found": float(t[place == b].mean()),
        }
        for b in range(bins)
        if (place == b).any()
    ]


def calibration(
    probabilities: npt.ArrayLike, truth: BoolArray, bins: int = BINS
) -> dict[str, float]:
    """Return the expected calibration error over all statements, and their Brier score."""
    p = np.ravel(probabilities).astype(float)
    t = np.ravel(truth).astype(np.int64)
    error = binary_calibration_error(
        torch.from_numpy(p.astype(np.float32)), torch.from_numpy(t), n_bins=bins, norm="l1"
    )
    return {"ECE": float(error), "Brier": float(np.square(p - t).mean())}
