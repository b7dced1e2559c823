"""Patches of one value, which marks and labels lie in and pictures do not.

In a picture values change from pixel to pixel, or step by step where it is smooth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from napari_dualgland.typing import AnyArray

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


def look_at(values: AnyArray, axes: str | None) -> Seen:
    """Count patches and neighbours in some parts of an image.

    Parameters
    ----------
    values : numpy.ndarray
        Integers.
    axes : str or None
        Of ``values``; None: Y and X are the last two.

    Returns
    -------
    Seen
        Of nothing, where no part has more than one value besides 0.
    """
    parts = [part for part in _parts(values, axes) if not has_one_value(part)]
    return sum(map(_look_at, parts[:: max(1, len(parts) // _LOOKED_AT)]), Seen())


def has_one_value(values: AnyArray) -> bool:
    """Whether there is at most one value besides 0."""
    if values.dtype.kind == "b":
        return True
    low, high = values.min(), values.max()
    if low == high:
        return True
    of_two = np.count_nonzero(values == low) + np.count_nonzero(values == high) == values.size
    return bool((low == 0 or high == 0) and of_two)


def count_values(values: AnyArray, axes: str | None) -> int:
    """Count the different values of an image, 0 among them.

    Parameters
    ----------
    values, axes
        As for :func:`look_at`.

    Returns
    -------
    int
    """
    return len(np.unique(np.concatenate([np.unique(part) for part in _parts(values, axes)])))


def planes(values: AnyArray, axes: str | None) -> Iterator[AnyArray]:
    """Cut an image into planes.

    Parameters
    ----------
    values, axes
        As for :func:`look_at`; ``values`` may be of any dtype.

    Yields
    ------
    numpy.ndarray
        A view of every (Y, X) plane.
    """
    axes = axes or ""
    y, x = (axes.index("Y"), axes.index("X")) if {"Y", "X"} <= set(axes) else (-2, -1)
    last = np.moveaxis(values, (y, x), (-2, -1))
    for at in np.ndindex(last.shape[:-2]):
        yield last[at]


def _parts(values: AnyArray, axes: str | None) -> Iterator[AnyArray]:
    for plane in planes(values, axes):
        for top in range(0, plane.shape[0], _SIDE):
            for left in range(0, plane.shape[1], _SIDE):
                yield plane[top : top + _SIDE, left : left + _SIDE]


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
