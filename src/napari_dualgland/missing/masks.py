"""Masks that a person brings, fitted to the stack that they belong to."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_dualgland.mask import as_mask
from napari_dualgland.stack import Stack, to_canonical


def match_mask(mask: Any, stack: Stack) -> Any:
    """Return a mask with one truth value for each value of the stack; see :meth:`.Mask.fitted`."""
    return as_mask(mask).fitted(stack)


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
