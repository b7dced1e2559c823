"""What an imputation keeps of its tiles: the fill, its uncertainty, plausible pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from napari_dualgland.imputation.packed import PackedMasks
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.imputation.patchwork import Patchwork
from napari_dualgland.imputation.statistics import StackStatistics
from napari_dualgland.imputation.tiling.frame import FilledTile
from napari_dualgland.progress import Patch
from napari_dualgland.typing import AnyArray, LazyArray


class Estimates:
    """What was estimated of a stack, patch by patch.

    Parameters
    ----------
    dtype : numpy.dtype
        Of the stack.
    channels : int
        Of the completed stack.
    masks : PackedMasks
        What is missing of it.
    params : ImputeParams
        Say which pictures are drawn.
    both : bool
        Whether the other fill is kept too: the estimate beside a plausible picture, or the other
        way round.
    """

    def __init__(
        self,
        dtype: np.dtype[Any],
        channels: int,
        masks: PackedMasks,
        params: ImputeParams,
        both: bool = False,
    ) -> None:
        self.dtype, self.plausible = dtype, params.plausible
        # Picture 0 is the one that may stand in the stack, so that the samples are others.
        first = [0] if params.plausible or both else []
        self.pictures = [*first, *range(1, params.samples + 1)]
        self.states_sigma = False
        self.filled = np.zeros(channels, np.int64)
        self._fills = Patchwork(dtype, masks)
        self._sigmas = Patchwork(np.dtype(np.float32), masks)
        self._samples = [Patchwork(dtype, masks) for _ in range(params.samples)]
        self._other = Patchwork(dtype, masks) if both else None

    def add(
        self, source: Patch, filled: FilledTile, statistics: StackStatistics, index: list[int]
    ) -> Patch:
        """Keep a tile and return what is to be shown of it.

        Parameters
        ----------
        source : Patch
            With the values as they were read.
        filled : FilledTile
            Normalised.
        statistics : StackStatistics
            Brings it back to the intensities of the stack.
        index : list of int
            Positions of the roles among the channels.

        Returns
        -------
        Patch
            With the values as they will be stored.
        """
        missing = source.missing[index]

        def laid(normalised: AnyArray) -> AnyArray:
            values = source.values.copy()
            for channel, (position, plane) in enumerate(zip(index, normalised, strict=True)):
                stored = statistics.stored(plane, channel, self.dtype)
                values[position] = np.where(missing[channel], stored, values[position])
            return values

        sigma = filled.sigma
        drawn = [] if sigma is None else [filled.mean + sigma * d for d in filled.deviations]
        fills = [filled.mean, *(drawn[:1] if 0 in self.pictures else [])]
        drawn = drawn[len(fills) - 1 :]
        shown = fills[-1] if self.plausible else filled.mean
        patch = replace(source, values=laid(shown))
        self._fills.add(patch, patch.values)
        if self._other is not None:
            self._other.add(patch, laid(fills[0] if self.plausible else fills[-1]))
        self.filled += source.missing.sum((1, 2))
        for pictures, sample in zip(self._samples, drawn, strict=True):
            pictures.add(patch, laid(sample))
        if sigma is not None:
            self.states_sigma = True
            spread = np.zeros(source.values.shape, np.float32)
            # A picture that is as likely as the truth errs as much again as the mean does.
            error = sigma * np.float32(np.sqrt(2)) if self.plausible else sigma
            spread[index] = error * statistics.normalisation.scale[:, None, None]
            self._sigmas.add(patch, spread)
        return patch

    def over(
        self, data: LazyArray
    ) -> tuple[LazyArray, LazyArray | None, list[LazyArray], LazyArray | None]:
        """Return fill, uncertainty, samples and the other fill, laid over a stack.

        None where none is stated, or made. ``data`` is (T, Z, C, Y, X), the completed stack; so
        is each of what is returned.
        """
        sigma = self._sigmas.over_zeros(data) if self.states_sigma else None
        other = None if self._other is None else self._other.over(data)
        return self._fills.over(data), sigma, [s.over(data) for s in self._samples], other
