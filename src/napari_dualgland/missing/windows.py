"""Sliding windows in a few passes: any, all and sum over the pixels around each pixel.

A window of n pixels is put together from windows of 1, 2, 4, … pixels, so it takes
log₂ n whole-array operations. On booleans that is tens of times faster than the rank
filters of SciPy, and on sums three times, which is what makes a field take seconds.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from napari_dualgland.typing import AnyArray, BoolArray, Float32Array


def running(values: AnyArray, combine: np.ufunc, before: int, after: int, axis: int) -> AnyArray:
    """Return ``combine`` over ``before`` pixels before to ``after`` pixels after each pixel.

    Parameters
    ----------
    values : numpy.ndarray
        (Y, X). Outside it everything is 0 or False.
    combine : numpy.ufunc
        Associative, such as ``np.add``, ``np.logical_or`` or ``np.logical_and``.
    before, after : int
        Pixels; the window holds ``before + 1 + after``.
    axis : int
        0 or 1.

    Returns
    -------
    numpy.ndarray
        (Y, X).
    """
    pad = [(0, 0), (0, 0)]
    pad[axis] = (before, after)
    power = np.pad(values, pad)
    count, length = before + 1 + after, values.shape[axis]
    result: AnyArray | None = None
    position, width = 0, 1

    def cut(array: AnyArray, start: int, stop: int | None) -> AnyArray:
        return array[start:stop] if axis == 0 else array[:, start:stop]

    while width <= count:
        if count & width:
            part = cut(power, position, position + length)
            result = part.copy() if result is None else combine(result, part, out=result)
            position += width
        if 2 * width <= count:
            power = combine(cut(power, 0, power.shape[axis] - width), cut(power, width, None))
        width *= 2
    assert result is not None
    return result


def blocks(
    active: BoolArray, side: int, margin: int
) -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice], tuple[slice, slice]]]:
    """Yield the blocks of a plane that hold an active pixel.

    Small blocks stay in the processor's cache, and most of a field needs no closer look.

    Parameters
    ----------
    active : numpy.ndarray
        (Y, X), boolean.
    side, margin : int
        Pixels: of a block without, and around it, what it needs to see.

    Yields
    ------
    outer, inner, block
        Where the block with its surroundings lies in the plane, where the block lies
        within that, and where the block lies in the plane.
    """
    height, width = active.shape
    for y in range(0, height, side):
        for x in range(0, width, side):
            block = (slice(y, min(y + side, height)), slice(x, min(x + side, width)))
            if not active[block].any():
                continue
            top, left = max(0, y - margin), max(0, x - margin)
            outer = (slice(top, y + side + margin), slice(left, x + side + margin))
            inner = (
                slice(y - top, block[0].stop - top),
                slice(x - left, block[1].stop - left),
            )
            yield outer, inner, block


def dilated(mask: BoolArray, side: int) -> BoolArray:
    """Return the pixels whose surroundings hold a pixel of a mask.

    Parameters
    ----------
    mask : numpy.ndarray
        (Y, X), boolean.
    side : int
        Of the surroundings in pixels, odd.

    Returns
    -------
    numpy.ndarray
        (Y, X), boolean.
    """
    for axis in (0, 1):
        mask = running(mask, np.logical_or, side // 2, side // 2, axis)
    return mask


def box_sum(values: AnyArray, side: int) -> Float32Array:
    """Return the sum over the surroundings of every pixel; nothing is added outside the image.

    Parameters
    ----------
    values : numpy.ndarray
        (Y, X), numbers or booleans.
    side : int
        Of the surroundings in pixels, odd.

    Returns
    -------
    numpy.ndarray
        (Y, X), float32.
    """
    total = values.astype(np.float32, copy=False)
    for axis in (0, 1):
        total = running(total, np.add, side // 2, side // 2, axis)
    return total


def flat(values: AnyArray, side: int) -> BoolArray:
    """Return the middles of patches that hold one value.

    Parameters
    ----------
    values : numpy.ndarray
        (Y, X).
    side : int
        Of a patch in pixels, odd.

    Returns
    -------
    numpy.ndarray
        (Y, X), boolean.
    """
    half = side // 2
    across = np.zeros(values.shape, dtype=np.bool_)
    down = np.zeros(values.shape, dtype=np.bool_)
    across[:, 1:] = values[:, 1:] == values[:, :-1]
    down[1:] = values[1:] == values[:-1]
    # ``across`` compares with the pixel before, so the first pixel of a patch is exempt.
    rows = running(across, np.logical_and, half - 1, half, 1)
    columns = running(down, np.logical_and, half - 1, half, 0)
    # Every row of the patch is flat, and so is the column through its middle.
    return np.asarray(running(rows, np.logical_and, half, half, 0) & columns)
