"""Patches of one value, which marks and labels lie in and pictures do not.

In a picture values change from pixel to pixel, or step by step where it is smooth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from napari_dualgland.typing import AnyArray, LazyArray

_LOOKED_AT = 8
"""So many parts with several values tell what all of them are."""
_SIDE = 2048
"""Of a part, in pixels."""
_FEWEST_TOUCHING = 100
"""With fewer pairs of marked neighbours, nothing can be told."""
_FLAT = 0.75
"""Least share of neighbours of one value: in labels of touching squares of 8 × 8 it is 0.88."""
_FLAT_IF_WHOLE = 0.5
"""The same where each value lies in one patch: in touching squares of 2 × 2."""
_LADDER = 0.75
"""Share of the other neighbours that differ by one step where brightness rises and falls."""


@dataclass(frozen=True)
class Seen:
    """Counts over parts: values, patches of one value, neighbours, and how those differ."""

    values: int = 0
    patches: int = 0
    touching: int = 0
    equal: int = 0
    steps: int = 0
    rungs: int = 0

    def __add__(self, other: Seen) -> Seen:
        return Seen(
            *(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True))
        )

    @property
    def is_scattered(self) -> bool:
        """Whether each value lies in many patches."""
        return self.patches > 8 * self.values

    @property
    def is_picture(self) -> bool:
        """Whether the values change as those of a picture do."""
        if self.touching < _FEWEST_TOUCHING:
            return False
        whole = self.patches <= 1.5 * self.values
        if self.equal < (_FLAT_IF_WHOLE if whole else _FLAT) * self.touching:
            return True
        if self.values > 16 and self.is_scattered:
            return True
        # A smooth, dark picture: few values, each beside the next higher and lower one.
        differing = self.touching - self.equal
        return (
            self.values >= 4
            and self.patches > 2 * self.values
            and self.rungs > _LADDER * (self.values - 1)
            and self.steps > _LADDER * differing
        )


@dataclass(frozen=True)
class Numbers:
    """What numbers an image holds, told part by part: it may be larger than the memory.

    Attributes
    ----------
    low, high : number
        The smallest and the largest.
    lows, highs, zeros, size : int
        How often these and 0 are there, and how many numbers there are.
    finite, whole : bool
        Whether none is NaN or infinite, and whether none is a fraction.
    """

    low: Any
    high: Any
    lows: int
    highs: int
    zeros: int
    size: int
    finite: bool = True
    whole: bool = True

    @classmethod
    def of(cls, values: LazyArray, axes: str | None) -> Numbers:
        """Return those of an image that is not empty.

        Parameters
        ----------
        values, axes
            As for :func:`look_at`; ``values`` may be of any dtype.

        Returns
        -------
        Numbers
        """
        return reduce(cls._joined, map(cls._of_part, _parts(values, axes)))

    @classmethod
    def _of_part(cls, part: AnyArray) -> Numbers:
        low, high = part.min(), part.max()
        lows, highs = (int(np.count_nonzero(part == value)) for value in (low, high))
        zeros = part.size - int(np.count_nonzero(part))
        if part.dtype.kind != "f":
            return cls(low, high, lows, highs, zeros, part.size)
        finite = bool(np.isfinite(part).all())
        whole = np.array_equal(part, np.rint(part))
        return cls(low, high, lows, highs, zeros, part.size, finite, whole)

    def _joined(self, other: Numbers) -> Numbers:
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Numbers(
            low,
            high,
            sum(n.lows for n in (self, other) if n.low == low),
            sum(n.highs for n in (self, other) if n.high == high),
            self.zeros + other.zeros,
            self.size + other.size,
            self.finite and other.finite,
            self.whole and other.whole,
        )

    @property
    def is_one(self) -> bool:
        """Whether there is at most one value besides 0."""
        if self.low == self.high:
            return True
        return bool((self.low == 0 or self.high == 0) and self.lows + self.highs == self.size)


def look_at(values: LazyArray, axes: str | None) -> Seen:
    """Count patches and neighbours in some parts of an image.

    Parameters
    ----------
    values : numpy.ndarray or dask.array.Array
        Integers.
    axes : str or None
        Of ``values``; None: Y and X are the last two.

    Returns
    -------
    Seen
        Of nothing, where no part has more than one value besides 0.
    """
    several = [not Numbers.of(part, None).is_one for part in _parts(values, axes)]
    step = max(1, sum(several) // _LOOKED_AT)
    chosen = set(np.flatnonzero(several)[::step].tolist())
    parts = (part for number, part in enumerate(_parts(values, axes)) if number in chosen)
    return sum(map(_look_at, parts), Seen())


def count_values(values: LazyArray, axes: str | None) -> int:
    """Count the different values of an image, 0 among them.

    Parameters
    ----------
    values, axes
        As for :func:`look_at`.

    Returns
    -------
    int
    """
    return len(reduce(np.union1d, map(np.unique, _parts(values, axes))))


def planes(values: LazyArray, axes: str | None) -> Iterator[Any]:
    """Cut an image into planes.

    Parameters
    ----------
    values, axes
        As for :func:`look_at`; ``values`` may be of any dtype.

    Yields
    ------
    numpy.ndarray or dask.array.Array
        A view of every (Y, X) plane.
    """
    axes = axes or ""
    y, x = (axes.index("Y"), axes.index("X")) if {"Y", "X"} <= set(axes) else (-2, -1)
    last: Any = np.moveaxis(values, (y, x), (-2, -1))  # type: ignore[type-var]
    for at in np.ndindex(last.shape[:-2]):
        yield last[at]


def _parts(values: LazyArray, axes: str | None) -> Iterator[AnyArray]:
    for plane in planes(values, axes):
        for top in range(0, plane.shape[0], _SIDE):
            for left in range(0, plane.shape[1], _SIDE):
                yield np.asarray(plane[top : top + _SIDE, left : left + _SIDE])


def _look_at(part: AnyArray) -> Seen:
    from skimage.measure import label

    found, ranks = np.unique(part, return_inverse=True)
    ranks = ranks.reshape(part.shape) + 1
    ranks[part == 0] = 0
    patches = int(label(ranks, background=0).max())
    touching = equal = steps = 0
    rungs: set[int] = set()
    for a, b in ((ranks[:, :-1], ranks[:, 1:]), (ranks[:-1], ranks[1:])):
        both = (a > 0) & (b > 0)
        lower, higher = np.minimum(a[both], b[both]), np.maximum(a[both], b[both])
        one_step = higher - lower == 1
        touching, equal = touching + lower.size, equal + int((higher == lower).sum())
        steps += int(one_step.sum())
        rungs |= set(np.unique(lower[one_step]).tolist())
    return Seen(int((found != 0).sum()), patches, touching, equal, steps, len(rungs))
