"""Sets of the four channels, named by a number: which of them are missing at a place together."""

from __future__ import annotations

import numpy as np

from napari_dualgland.typing import BoolArray, ByteArray

BITS = np.array([1, 2, 4, 8], np.uint8)
"""Of the four channels; their sum names a set."""

SETS = range(1, 16)


def sets_of(hidden: BoolArray) -> ByteArray:
    """Return the set of channels that is hidden at each place.

    Parameters
    ----------
    hidden : numpy.ndarray
        (4, …), boolean.

    Returns
    -------
    numpy.ndarray
        (…) uint8; 0 where none is.
    """
    found: ByteArray = np.tensordot(BITS, hidden.astype(np.uint8), 1).astype(np.uint8)
    return found


def channels_of(those: int) -> list[int]:
    """Return the numbers of the channels of a set."""
    return [channel for channel, bit in enumerate(BITS) if those & int(bit)]
