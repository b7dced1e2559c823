"""Whether numbers that are given as a mask or as labels can be that, told by the numbers.

A mask has one value besides 0, or a few that were painted; labels have a number for each
cell. Both lie in patches of one value. A picture does not: its values change from pixel to
pixel, or step by step. It must never be taken for a mask: all of the field would be replaced.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.mask import LARGEST_LABEL
from napari_dualgland.memory import require
from napari_dualgland.typing import AnyArray, LabelArray

_LOOKED_AT = 8
"""So many parts with several values tell what all of them are."""
_SIDE = 2048
"""Of a part, in pixels."""
_FEWEST_TOUCHING = 100
"""With fewer pairs of marked neighbours, nothing can be told."""
_FLAT = 0.75
"""Least share of neighbours of one value: in labels of touching squares of 8 × 8 it is 0.88."""
_LADDER = 0.75
"""Share of the other neighbours that differ by one step where brightness rises and falls."""


@dataclass(frozen=True)
class _Seen:
    """Counts over parts: values, patches of one value, neighbours, and how those differ."""

    values: int = 0
    patches: int = 0
    touching: int = 0
    equal: int = 0
    steps: int = 0
    rungs: int = 0

    def __add__(self, other: _Seen) -> _Seen:
        return _Seen(
            *(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True))
        )

    @property
    def is_scattered(self) -> bool:
        return self.patches > 8 * self.values

    @property
    def is_picture(self) -> bool:
        if self.touching < _FEWEST_TOUCHING:
            return False
        if self.equal < _FLAT * self.touching:
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


def checked_marks(values: AnyArray, place: str, axes: str | None = None) -> tuple[AnyArray, str]:
    """Return the marks of a mask after making sure that it can be one.

    Parameters
    ----------
    values : numpy.ndarray
        Booleans, integers or floats.
    place : str
        The file, for the message.
    axes : str or None
        Of ``values``; None: Y and X are the last two.

    Returns
    -------
    marks : numpy.ndarray
        Booleans or integers, not zero where marked.
    note : str
        What a person should know; empty if nothing.

    Raises
    ------
    DualglandError
        Of kind ``wrong-content`` for a picture, probabilities, negative numbers or several
        values of which none is 0; of kind ``not-finite`` where a number is none.
    """
    _check_numbers(values, place, "mask")
    if has_one_value(values):
        return (values != 0 if values.dtype.kind == "f" else values), ""
    expected = "a mask, 0 where measured and another value where missing"
    whole = _whole(values, place, "threshold it: 0 where measured, 1 where missing")
    _check_patches(whole, place, axes, expected)
    if whole.all():
        found = f"values from {whole.min()} to {whole.max()} and no 0, so all would be missing"
        raise DualglandError(Kind.WRONG_CONTENT, place, found, expected=expected)
    values_up_to = f"several values, up to {whole.max()}"
    return whole, f"{place}: the mask has {values_up_to}; all that is not 0 counts as missing"


def checked_labels(values: AnyArray, place: str, axes: str | None = None) -> tuple[AnyArray, str]:
    """Return the labels of cells after making sure that they can be that.

    A mask of cells, of one value only, is split into its connected pieces, plane by plane.

    Parameters
    ----------
    values : numpy.ndarray
        Booleans, integers or floats.
    place : str
        The file, for the message.
    axes : str or None
        Of ``values``; None: Y and X are the last two.

    Returns
    -------
    labels : numpy.ndarray
        Integers.
    note : str
        What a person should know; empty if nothing.

    Raises
    ------
    DualglandError
        Of kind ``wrong-content`` for a picture, classes, fractions, numbers that are negative or
        too large, and floats that cannot tell neighbouring numbers; ``not-finite`` where a
        number is none.
    """
    _check_numbers(values, place, "file of labels")
    whole = _whole(values, place, "save the labels as integers")
    if whole.max() > LARGEST_LABEL:
        raise DualglandError(
            Kind.WRONG_CONTENT,
            place,
            f"a cell has the label {whole.max()}",
            expected=f"labels between 0 and {LARGEST_LABEL}",
            way_out="number the cells anew",
        )
    if not has_one_value(whole):
        expected = "labels, a number for each cell and 0 for background"
        seen = _check_patches(whole, place, axes, expected)
        if seen.is_scattered or (whole.all() and seen.patches > seen.values == 2):
            found = f"classes, not cells: values up to {whole.max()}, in many patches each"
            raise DualglandError(Kind.WRONG_CONTENT, place, found, expected=expected)
        return whole, ""
    pieces = _pieces(whole, place, axes)
    count = int(pieces.max())
    if count < 2:  # one cell, which keeps its number
        return (whole.astype(np.uint8) if whole.dtype.kind == "b" else whole), ""
    note = f"{place}: a mask with one value, not labels; it was split into {count} connected pieces"
    return pieces, note


def has_one_value(values: AnyArray) -> bool:
    """Whether there is at most one value besides 0."""
    if values.dtype.kind == "b":
        return True
    low, high = values.min(), values.max()
    if low == high:
        return True
    of_two = np.count_nonzero(values == low) + np.count_nonzero(values == high) == values.size
    return bool((low == 0 or high == 0) and of_two)


def _check_numbers(values: AnyArray, place: str, what: str) -> None:
    if values.dtype.kind not in "buif" or values.ndim < 2:
        raise DualglandError(
            Kind.WRONG_CONTENT,
            place,
            f"{values.dtype} of shape {values.shape} is no {what}",
            expected="numbers in (Y, X), or with more axes",
        )
    if not values.size:
        raise DualglandError(Kind.EMPTY, place, f"the {what} is empty, of shape {values.shape}")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise DualglandError(
            Kind.NOT_FINITE,
            place,
            f"a {what} with NaN or infinities",
            way_out="save it as integers, 0 for what is not marked",
        )
    low, high = values.min(), values.max()
    if low < 0 and not (what == "mask" and has_one_value(values)):
        found = f"holds negative numbers, from {low:g} to {high:g}"
        raise DualglandError(
            Kind.WRONG_CONTENT, place, found, expected=f"a {what}, 0 for what is not marked"
        )


def _whole(values: AnyArray, place: str, way_out: str) -> AnyArray:
    """Return whole numbers as integers."""
    if values.dtype.kind != "f":
        return values
    low, high = values.min(), values.max()
    # Beyond this, floats leave out numbers: two labels may have become one.
    exact = 2 ** (np.finfo(values.dtype).nmant + 1)
    if high > exact:
        found = f"{values.dtype} up to {high:g} cannot tell neighbouring numbers"
    elif not np.array_equal(values, np.rint(values)):
        found = f"fractions from {low:g} to {high:g}, a picture or probabilities"
    else:
        return values.astype(np.int64)
    raise DualglandError(
        Kind.WRONG_CONTENT, place, found, expected="whole numbers", way_out=way_out
    )


def _check_patches(values: AnyArray, place: str, axes: str | None, expected: str) -> _Seen:
    parts = [part for part in _parts(values, axes) if not has_one_value(part)]
    some = parts[:: max(1, len(parts) // _LOOKED_AT)]
    seen = sum(map(_look_at, some), _Seen())
    if seen.is_picture:
        count = len(np.unique(np.concatenate([np.unique(part) for part in some])))
        raise DualglandError(
            Kind.WRONG_CONTENT,
            place,
            f"a picture, not marks: {count} values from {values.min()} to {values.max()} that "
            "change from pixel to pixel",
            expected=expected,
        )
    return seen


def _planes(values: AnyArray, axes: str | None) -> Iterator[AnyArray]:
    axes = axes or ""
    y, x = (axes.index("Y"), axes.index("X")) if {"Y", "X"} <= set(axes) else (-2, -1)
    last = np.moveaxis(values, (y, x), (-2, -1))
    for at in np.ndindex(last.shape[:-2]):
        yield last[at]


def _parts(values: AnyArray, axes: str | None) -> Iterator[AnyArray]:
    for plane in _planes(values, axes):
        for top in range(0, plane.shape[0], _SIDE):
            for left in range(0, plane.shape[1], _SIDE):
                yield plane[top : top + _SIDE, left : left + _SIDE]


def _look_at(part: AnyArray) -> _Seen:
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
    return _Seen(int((found != 0).sum()), patches, touching, equal, steps, len(rungs))


def _pieces(mask: AnyArray, place: str, axes: str | None) -> LabelArray:
    """Return the connected pieces of every plane, numbered through; shape of the mask."""
    from skimage.measure import label

    first = next(_planes(mask, axes))
    require(4 * mask.size + 32 * first.size, place)
    pieces = np.zeros(mask.shape, np.int32)
    count = 0
    for plane, out in zip(_planes(mask, axes), _planes(pieces, axes), strict=True):
        found = label(plane != 0)
        out[...] = np.where(found > 0, found + count, 0)
        count += int(found.max())
    return pieces
