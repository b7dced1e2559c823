"""What holds for a whole stack: exposure and couplings, from observed pixels alone.

A bounded number of windows, spread evenly over frames and field, tells both; so the work
does not grow with the stack and a tile cannot disagree with its neighbour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_dualgland.imputation.casting import cast
from napari_dualgland.imputation.masks import HiddenMasks
from napari_dualgland.imputation.normalise import Normalisation, measure
from napari_dualgland.imputation.tiling.boxes import Box
from napari_dualgland.intensities import measurable
from napari_dualgland.model.evidence import couplings, detail_moments
from napari_dualgland.typing import AnyArray, BoolArray, Float32Array, Float64Array, FloatArray

SIDE = 256
WINDOWS = 64


@dataclass(frozen=True)
class StackStatistics:
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
    lowest: Float64Array
    beta: Tensor

    def stored(self, estimate: FloatArray, channel: int, dtype: np.dtype[Any]) -> AnyArray:
        """Return normalised estimates of a channel as a stack holds them.

        Parameters
        ----------
        estimate : numpy.ndarray
            Normalised, of any shape.
        channel : int
            Its number in the order of ROLES.
        dtype : numpy.dtype
            Of the stack.

        Returns
        -------
        numpy.ndarray
            Of that dtype, in the units of the stack.
        """
        scale = self.normalisation.scale[channel]
        values = estimate.astype(np.float64) * scale + self.normalisation.offset[channel]
        return cast(np.maximum(values, self.lowest[channel]), dtype)

    def as_stored(self, estimate: FloatArray, dtype: np.dtype[Any]) -> Float32Array:
        """Return normalised estimates of the four roles as a stack will hold them, normalised.

        Parameters
        ----------
        estimate : numpy.ndarray
            (4, h, w), normalised.
        dtype : numpy.dtype
            Of the stack.

        Returns
        -------
        numpy.ndarray
            (4, h, w): rounded as that dtype rounds, and within its range.
        """
        planes = [self.stored(plane, channel, dtype) for channel, plane in enumerate(estimate)]
        return self.normalisation.apply(np.stack(planes))


class StatisticsWindows:
    """The windows that a stack is measured in, taken frame by frame.

    Parameters
    ----------
    hidden : HiddenMasks
        What must not be looked at, and the frames that it belongs to.
    """

    def __init__(self, hidden: HiddenMasks) -> None:
        self.hidden = hidden
        whole = hidden.frames.whole
        self.frames: dict[int, list[Box]] = {}
        for frame, box in _spread(len(hidden), whole.y1, whole.x1, WINDOWS):
            self.frames.setdefault(frame, []).append(box)
        self._taken: dict[int, list[tuple[AnyArray, BoolArray]]] = {}

    def take(self, frame: int) -> None:
        """Take the windows of a frame, whose mask must be known; once is enough."""
        if frame in self.frames and frame not in self._taken:
            self._taken[frame] = list(self.hidden.windows(frame, self.frames[frame]))

    def measure(self, instead: Callable[[int], AnyArray] | None = None) -> StackStatistics:
        """Measure the stack, once, with windows of frames that were not taken yet.

        Parameters
        ----------
        instead : callable, optional
            Returns what gives a role its exposure, by its number in the order of ROLES, where no
            pixel of it was observed.

        Returns
        -------
        StackStatistics
        """
        for frame in self.frames:
            self.take(frame)
        windows = [window for frame in self.frames for window in self._taken[frame]]
        self._taken.clear()
        lowest = []

        def observed() -> Iterator[AnyArray]:
            for c in range(4):
                values = np.concatenate([image[c][~missing[c]] for image, missing in windows])
                if not values.size and instead is not None:
                    values = instead(c)
                lowest.append(_lowest(values))
                yield values

        normalisation = measure(observed())
        moments = torch.zeros(1, 4, 4, 2, dtype=torch.float64)
        for image, missing in windows:
            unit = normalisation.shown(image, missing)
            moments += detail_moments(
                torch.from_numpy(unit)[None], torch.from_numpy(missing)[None]
            ).double()
        return StackStatistics(normalisation, np.array(lowest), couplings(moments)[0].float())


def windows_in(hidden: HiddenMasks, count: int) -> Iterator[tuple[AnyArray, BoolArray]]:
    """Yield image and mask, (4, h, w) each, of so many windows at most, spread over all frames.

    Parameters
    ----------
    hidden : HiddenMasks
        What must not be looked at, and the frames that it belongs to.
    count : int
        How many.

    Yields
    ------
    tuple of numpy.ndarray
    """
    whole = hidden.frames.whole
    for frame, box in _spread(len(hidden), whole.y1, whole.x1, count):
        yield from hidden.windows(frame, [box])


def _spread(frames: int, height: int, width: int, count: int) -> list[tuple[int, Box]]:
    """Return at most so many windows, spread evenly over frames and field."""
    places = [
        (f, Box(y, min(height, y + SIDE), x, min(width, x + SIDE)))
        for f in range(frames)
        for y in range(0, height, SIDE)
        for x in range(0, width, SIDE)
    ]
    chosen = np.unique(np.linspace(0, len(places) - 1, min(count, len(places))).round())
    return [places[int(i)] for i in chosen]


def _lowest(values: AnyArray) -> float:
    """Return the smallest value that may be one; minus infinity where there is none."""
    finite = values[measurable(values)]
    return float(finite.min()) if finite.size else -np.inf
