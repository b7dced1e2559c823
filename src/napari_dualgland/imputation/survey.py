"""Look over a stack before filling it: exposure and couplings, from observed pixels alone.

A bounded number of windows, spread evenly over frames and field, tells both; so the work
does not grow with the stack and a tile cannot disagree with its neighbour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from napari_dualgland.imputation.casting import cast
from napari_dualgland.imputation.normalise import Normalisation, measure
from napari_dualgland.model.evidence import couplings, detail_moments

SIDE = 256
WINDOWS = 64


@dataclass(frozen=True)
class Survey:
    """What holds for a whole stack.

    Attributes
    ----------
    normalisation : Normalisation
        Offset and scale per role.
    lowest : numpy.ndarray
        (4,), float64: the smallest observed value per role; no estimate goes below it.
    beta : torch.Tensor
        (4, 4) couplings.
    """

    normalisation: Normalisation
    lowest: npt.NDArray[np.float64]
    beta: Tensor

    def stored(
        self, estimate: npt.NDArray[np.floating], channel: int, dtype: np.dtype[Any]
    ) -> npt.NDArray[Any]:
        """Return normalised estimates of a channel as a stack of ``dtype`` holds them."""
        scale = self.normalisation.scale[channel]
        values = estimate.astype(np.float64) * scale + self.normalisation.offset[channel]
        return cast(np.maximum(values, self.lowest[channel]), dtype)


def spread(frames: int, height: int, width: int) -> list[tuple[int, slice, slice]]:
    """Return at most WINDOWS windows, spread evenly over frames and field."""
    places = [
        (f, slice(y, min(height, y + SIDE)), slice(x, min(width, x + SIDE)))
        for f in range(frames)
        for y in range(0, height, SIDE)
        for x in range(0, width, SIDE)
    ]
    chosen = np.unique(np.linspace(0, len(places) - 1, min(WINDOWS, len(places))).round())
    return [places[int(i)] for i in chosen]


def survey(frames: Sequence[Any], masks: Sequence[npt.NDArray[np.bool_]]) -> Survey:
    """Measure a stack.

    Parameters
    ----------
    frames : sequence of array
        Each (4, Y, X), numpy or dask, in the order of ROLES.
    masks : sequence of numpy.ndarray
        Each (4, Y, X), boolean: missing pixels of the same frame.
    """
    height, width = frames[0].shape[1:]
    windows = []
    for f, y, x in spread(len(frames), height, width):
        missing = masks[f][:, y, x]
        windows.append((np.asarray(frames[f][:, y, x]), missing))
    observed = [
        np.concatenate([image[c][~missing[c]] for image, missing in windows]) for c in range(4)
    ]
    normalisation = measure(observed)
    lowest = np.array([_lowest(values) for values in observed])
    moments = torch.zeros(1, 4, 4, 2, dtype=torch.float64)
    for image, missing in windows:
        unit = normalisation.apply(np.where(missing, 0, image))
        moments += detail_moments(
            torch.from_numpy(unit)[None], torch.from_numpy(missing)[None]
        ).double()
    return Survey(normalisation, lowest, couplings(moments)[0].float())


def _lowest(values: npt.NDArray[Any]) -> float:
    """Return the smallest finite value; minus infinity where there is none."""
    finite = values[np.isfinite(values)]
    return float(finite.min()) if finite.size else -np.inf
