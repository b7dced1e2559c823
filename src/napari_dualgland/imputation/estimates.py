"""What an imputation keeps of its tiles: the estimate, its uncertainty, plausible pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from napari_dualgland.imputation.packed import PackedMasks
from napari_dualgland.imputation.params import ImputeParams
from napari_dualgland.imputation.patchwork import Patchwork
from napari_dualgland.imputation.statistics import StackStatistics
from napari_dualgland.imputation.tiling.boxes import Box
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
        self.dtype, self.plausible, self.both = dtype, params.plausible, both
        # Picture 0 is the one that may stand in the stack, so that the samples are others.
        first = [0] if params.plausible or both else []
        self.pictures = [*first, *range(1, params.samples + 1)]
        self.states_sigma = False
        self.filled = np.zeros(channels, np.int64)
        self._estimate = Patchwork(dtype, masks)
        self._sigmas = Patchwork(np.dtype(np.float32), masks)
        self._drawn = {number: Patchwork(dtype, masks) for number in self.pictures}

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
            With the estimate as it will be stored.
        """
        self.filled += source.missing.sum((1, 2))
        patch = self.laid(source, filled.mean, statistics, index)
        self._estimate.add(patch, patch.values)
        sigma = filled.sigma
        if sigma is None:
            return patch
        self.states_sigma = True
        spread = np.zeros(source.values.shape, np.float32)
        # A picture that is as likely as the truth errs as much again as the mean does.
        error = sigma * np.float32(np.sqrt(2)) if self.plausible else sigma
        spread[index] = error * statistics.normalisation.scale[:, None, None]
        self._sigmas.add(patch, spread)
        for number, deviation in zip(self.pictures, filled.deviations, strict=False):
            self.add_picture(
                number, self.laid(source, filled.mean + sigma * deviation, statistics, index)
            )
        return patch

    def laid(
        self, patch: Patch, normalised: AnyArray, statistics: StackStatistics, index: list[int]
    ) -> Patch:
        """Return a patch with other values where pixels are missing.

        Parameters
        ----------
        patch : Patch
            With the values that the others keep.
        normalised : numpy.ndarray
            (4, h, w); those that are NaN are passed over.
        statistics, index
            As for :meth:`add`.

        Returns
        -------
        Patch
        """
        values = patch.values.copy()
        for channel, (position, plane) in enumerate(zip(index, normalised, strict=True)):
            where = patch.missing[position] & ~np.isnan(plane)
            values[position][where] = statistics.stored(plane[where], channel, self.dtype)
        return replace(patch, values=values)

    def add_picture(self, number: int, patch: Patch) -> None:
        """Keep a part of a plausible picture, in place of what was kept of it.

        Parameters
        ----------
        number : int
            Which of them.
        patch : Patch
            With its values.
        """
        self._drawn[number].add(patch, patch.values)

    def patches(self, frame: int) -> list[Box]:
        """Return where a frame was filled, from top to bottom."""
        return self._estimate.boxes(frame)

    def filled_in(self, frame: int, box: Box, values: AnyArray) -> AnyArray:
        """Return the values of a part of a frame with the estimate.

        Parameters
        ----------
        frame : int
            Its number.
        box : Box
            The part.
        values : numpy.ndarray
            (C, h, w), as they were read.

        Returns
        -------
        numpy.ndarray
        """
        return self._estimate.part(frame, box, values)

    def picture_in(self, number: int, frame: int, box: Box, values: AnyArray) -> AnyArray:
        """Return the values of a part of a frame with a plausible picture, as far as it is drawn.

        Parameters
        ----------
        number : int
            Which picture.
        frame, box, values
            As for :meth:`filled_in`.

        Returns
        -------
        numpy.ndarray
        """
        return self._drawn[number].part(frame, box, values)

    def over(
        self, data: LazyArray
    ) -> tuple[LazyArray, LazyArray | None, list[LazyArray], LazyArray | None]:
        """Return fill, uncertainty, samples and the other fill, laid over a stack.

        None where none is stated, or made. ``data`` is (T, Z, C, Y, X), the completed stack; so
        is each of what is returned.
        """
        sigma = self._sigmas.over_zeros(data) if self.states_sigma else None
        fills = [self._estimate, *(picture for n, picture in self._drawn.items() if n == 0)]
        if self.plausible:
            fills.reverse()
        samples = [picture.over(data) for n, picture in self._drawn.items() if n > 0]
        other = fills[1].over(data) if self.both else None
        return fills[0].over(data), sigma, samples, other
