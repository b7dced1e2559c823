"""What an imputation keeps of its tiles: the fill, its uncertainty, plausible pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_dualgland.imputation.compose import Patchwork
from napari_dualgland.imputation.frame import FilledTile
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.imputation.survey import Survey
from napari_dualgland.progress import Patch


class Outcome:
    """Patches over a stack.

    Parameters
    ----------
    dtype : numpy.dtype
        Of the stack.
    channels : int
        Of the completed stack.
    params : ImputeParams
        Say which pictures are drawn.
    """

    def __init__(self, dtype: np.dtype[Any], channels: int, params: ImputeParams) -> None:
        self.dtype, self.plausible = dtype, params.plausible
        # Picture 0 is the one that may stand in the stack, so that the samples are others.
        self.pictures = [*([0] if params.plausible else []), *range(1, params.samples + 1)]
        self.states_sigma = False
        self.filled = np.zeros(channels, np.int64)
        self._fills = Patchwork(dtype)
        self._sigmas = Patchwork(np.dtype(np.float32))
        self._samples = [Patchwork(dtype) for _ in range(params.samples)]

    def add(self, source: Patch, filled: FilledTile, surveyed: Survey, index: list[int]) -> Patch:
        """Keep a tile and return what is to be shown of it.

        Parameters
        ----------
        source : Patch
            With the values as they were read.
        filled : FilledTile
            Normalised.
        surveyed : Survey
            Brings it back to the intensities of the stack.
        index : list of int
            Positions of the roles among the channels.
        """
        missing = source.missing[index]

        def laid(normalised: npt.NDArray[Any]) -> npt.NDArray[Any]:
            values = source.values.copy()
            for channel, (position, plane) in enumerate(zip(index, normalised, strict=True)):
                stored = surveyed.stored(plane, channel, self.dtype)
                values[position] = np.where(missing[channel], stored, values[position])
            return values

        sigma = filled.sigma
        drawn = [] if sigma is None else [filled.mean + sigma * d for d in filled.deviations]
        shown = drawn.pop(0) if self.plausible else filled.mean
        patch = replace(source, values=laid(shown))
        self._fills.add(patch, patch.values)
        self.filled += source.missing.sum((1, 2))
        for pictures, sample in zip(self._samples, drawn, strict=True):
            pictures.add(patch, laid(sample))
        if sigma is not None:
            self.states_sigma = True
            spread = np.zeros(source.values.shape, np.float32)
            # A picture that is as likely as the truth errs as much again as the mean does.
            error = sigma * np.float32(np.sqrt(2)) if self.plausible else sigma
            spread[index] = error * surveyed.normalisation.scale[:, None, None]
            self._sigmas.add(patch, spread)
        return patch

    def over(self, data: Any, blank: Any) -> tuple[Any, Any, list[Any]]:
        """Return fill, uncertainty (None if none is stated) and samples over the data.

        Parameters
        ----------
        data : numpy.ndarray or dask.array.Array
            (T, Z, C, Y, X), the completed stack.
        blank : numpy.ndarray or dask.array.Array
            float32 zeros of its shape.
        """
        sigma = self._sigmas.over(blank) if self.states_sigma else None
        return self._fills.over(data), sigma, [s.over(data) for s in self._samples]
