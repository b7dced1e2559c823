"""Whether numbers that are given as a mask or as labels can be that, told by the numbers.

A mask has one value besides 0, or a few that were painted; labels have a number for each
cell. Both lie in patches of one value. A picture does not: its values change from pixel to
pixel, or step by step. It must never be taken for a mask: all of the field would be replaced.
"""

from __future__ import annotations

import numpy as np

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.patches import Numbers, Seen, count_values, look_at, planes
from napari_dualgland.mask import LARGEST_LABEL
from napari_dualgland.memory import require
from napari_dualgland.typing import AnyArray, LabelArray, LazyArray


def checked_marks(values: LazyArray, place: str, axes: str | None = None) -> tuple[LazyArray, str]:
    """Return the marks of a mask after making sure that it can be one.

    Parameters
    ----------
    values : numpy.ndarray or dask.array.Array
        Booleans, integers or floats; what is lazy is looked at part by part.
    place : str
        The file, for the message.
    axes : str or None
        Of ``values``; None: Y and X are the last two.

    Returns
    -------
    marks : numpy.ndarray or dask.array.Array
        Booleans or integers, not zero where marked.
    note : str
        What a person should know; empty if nothing.

    Raises
    ------
    DualglandError
        Of kind ``wrong-content`` for a picture, probabilities, negative numbers or several
        values of which none is 0; of kind ``not-finite`` where a number is none.
    """
    numbers = _check_numbers(values, place, axes, "mask")
    if numbers.is_one:
        return (values != 0 if values.dtype.kind == "f" else values), ""
    expected = "a mask, 0 where measured and another value where missing"
    whole = _whole(values, numbers, place, "threshold it: 0 where measured, 1 where missing")
    low, high = (whole.dtype.type(value) for value in (numbers.low, numbers.high))
    _check_patches(whole, numbers, place, axes, expected)
    if not numbers.zeros:
        found = f"values from {low} to {high} and no 0, so all would be missing"
        raise DualglandError(Kind.WRONG_CONTENT, place, found, expected=expected)
    values_up_to = f"several values, up to {high}"
    return whole, f"{place}: the mask has {values_up_to}; all that is not 0 counts as missing"


def checked_labels(values: LazyArray, place: str, axes: str | None = None) -> tuple[LazyArray, str]:
    """Return the labels of cells after making sure that they can be that.

    A mask of cells, of one value only, is split into its connected pieces, plane by plane.

    Parameters
    ----------
    values : numpy.ndarray or dask.array.Array
        Booleans, integers or floats; all of it is loaded.
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
    numbers = _check_numbers(values, place, axes, "file of labels")
    whole = np.asarray(_whole(values, numbers, place, "save the labels as integers"))
    if numbers.high > LARGEST_LABEL:
        raise DualglandError(
            Kind.WRONG_CONTENT,
            place,
            f"a cell has the label {whole.max()}",
            expected=f"labels between 0 and {LARGEST_LABEL}",
            way_out="number the cells anew",
        )
    if not numbers.is_one:
        expected = "labels, a number for each cell and 0 for background"
        seen = _check_patches(whole, numbers, place, axes, expected)
        if seen.is_scattered or (not numbers.zeros and seen.patches > seen.values == 2):
            found = f"classes, not cells: values up to {whole.max()}, in many patches each"
            raise DualglandError(Kind.WRONG_CONTENT, place, found, expected=expected)
        return whole, ""
    pieces = _pieces(whole, place, axes)
    count = int(pieces.max())
    if count < 2:  # one cell, which keeps its number
        return (whole.astype(np.uint8) if whole.dtype.kind == "b" else whole), ""
    note = f"{place}: a mask with one value, not labels; it was split into {count} connected pieces"
    return pieces, note


def _check_numbers(values: LazyArray, place: str, axes: str | None, what: str) -> Numbers:
    if values.dtype.kind not in "buif" or values.ndim < 2:
        raise DualglandError(
            Kind.WRONG_CONTENT,
            place,
            f"{values.dtype} of shape {values.shape} is no {what}",
            expected="numbers in (Y, X), or with more axes",
        )
    if not values.size:
        raise DualglandError(Kind.EMPTY, place, f"the {what} is empty, of shape {values.shape}")
    numbers = Numbers.of(values, axes)
    if not numbers.finite:
        raise DualglandError(
            Kind.NOT_FINITE,
            place,
            f"a {what} with NaN or infinities",
            way_out="save it as integers, 0 for what is not marked",
        )
    if numbers.low < 0 and not (what == "mask" and numbers.is_one):
        found = f"holds negative numbers, from {numbers.low:g} to {numbers.high:g}"
        raise DualglandError(
            Kind.WRONG_CONTENT, place, found, expected=f"a {what}, 0 for what is not marked"
        )
    return numbers


def _whole(values: LazyArray, numbers: Numbers, place: str, way_out: str) -> LazyArray:
    """Return whole numbers as integers."""
    if values.dtype.kind != "f":
        return values
    low, high = numbers.low, numbers.high
    # Beyond this, floats leave out numbers: two labels may have become one.
    exact = 2 ** (np.finfo(values.dtype).nmant + 1)
    if high > exact:
        found = f"{values.dtype} up to {high:g} cannot tell neighbouring numbers"
    elif not numbers.whole:
        found = f"fractions from {low:g} to {high:g}, a picture or probabilities"
    else:
        return values.astype(np.int64)
    raise DualglandError(
        Kind.WRONG_CONTENT, place, found, expected="whole numbers", way_out=way_out
    )


def _check_patches(
    values: LazyArray, numbers: Numbers, place: str, axes: str | None, expected: str
) -> Seen:
    seen = look_at(values, axes)
    if seen.is_picture:
        low, high = (values.dtype.type(value) for value in (numbers.low, numbers.high))
        found = f"a picture, not marks: {count_values(values, axes)} values from {low} to {high} "
        found += "that change from pixel to pixel"
        raise DualglandError(Kind.WRONG_CONTENT, place, found, expected=expected)
    return seen


def _pieces(mask: AnyArray, place: str, axes: str | None) -> LabelArray:
    """Return the connected pieces of every plane, numbered through; shape of the mask."""
    from skimage.measure import label

    first = next(planes(mask, axes))
    require(4 * mask.size + 32 * first.size, place)
    pieces = np.zeros(mask.shape, np.int32)
    count = 0
    for plane, out in zip(planes(mask, axes), planes(pieces, axes), strict=True):
        found = label(plane != 0)
        out[...] = np.where(found > 0, found + count, 0)
        count += int(found.max())
    return pieces
