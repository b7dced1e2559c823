"""Masks that a person brings, fitted to the stack that they belong to."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_dualgland.errors import DualglandError
from napari_dualgland.stack import CANONICAL_AXES, Stack, from_canonical, to_canonical


def _accepted(stack: Stack) -> dict[str, tuple[int, ...]]:
    """Return the shapes that a mask may have, by their axes in the order of the stack."""
    sizes = stack.sizes
    axes = [stack.axes]
    axes += ["CYX"] if "C" in sizes else []
    axes += ["YX"]
    return {a: tuple(sizes[letter] for letter in a) for a in dict.fromkeys(axes)}


def match_mask(mask: Any, stack: Stack) -> Any:
    """Return a mask with one truth value for each value of the stack.

    Parameters
    ----------
    mask : array_like
        Booleans or numbers; True, or anything but zero (NaN too), marks a missing pixel.
        ``(Y, X)`` holds for every channel, z and t; ``(C, Y, X)`` for every z and t; the
        full shape in the stack's own axes is taken as it is. Where the full shape could
        be read in more than one way, the stack's own axes come first.
    stack : Stack
        What the mask is for.

    Returns
    -------
    numpy.ndarray or dask.array.Array
        Boolean, shape of ``stack.data``. Lazy if the mask or the stack is.

    Raises
    ------
    DualglandError
        If the shape fits in none of these ways, or the values are no numbers.
    """
    lazy = hasattr(mask, "dask")
    array = mask if lazy else np.asarray(mask)
    if array.dtype.kind not in "buif":
        raise DualglandError(f"a mask of dtype {array.dtype} is neither boolean nor numeric")
    accepted = _accepted(stack)
    for axes, shape in accepted.items():
        if tuple(array.shape) == shape:
            canonical = to_canonical(array != 0, axes)
            break
    else:
        ways = " or ".join(f"{a} {shape}" for a, shape in accepted.items())
        raise DualglandError(
            f"{stack.source or stack.name}: a mask of shape {tuple(array.shape)} does not fit "
            f"the stack, {stack.axes} {stack.shape}; accepted are {ways}"
        )
    full = tuple(stack.sizes.get(a, 1) for a in CANONICAL_AXES)
    if lazy or hasattr(stack.data, "dask"):
        import dask.array as da

        if not lazy:
            canonical = da.from_array(canonical, chunks=(1, 1, -1, -1, -1))  # type: ignore[no-untyped-call]
        whole = da.broadcast_to(canonical, full)  # type: ignore[no-untyped-call]
        return from_canonical(whole, stack.axes)
    # A copy: a broadcast view would be read-only and share pixels between channels.
    return from_canonical(np.broadcast_to(canonical, full), stack.axes).copy()


def missing_fraction(mask: Any, stack: Stack) -> dict[str, float]:
    """Return the share of missing pixels, 0 to 1, by channel name.

    Parameters
    ----------
    mask : array_like
        As for :func:`match_mask`.
    stack : Stack
        What the mask is for. Channels of the same name are told apart by their position.

    Returns
    -------
    dict of str to float
    """
    full = to_canonical(match_mask(mask, stack), stack.axes)
    shares = np.asarray(full.mean(axis=(0, 1, 3, 4)))
    names = [c.name for c in stack.channels]
    return {
        name if names.count(name) == 1 else f"{name} [{i}]": float(share)
        for i, (name, share) in enumerate(zip(names, shares, strict=True))
    }
