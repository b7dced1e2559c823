"""What the benchmarks of speed fill: the held-out field at any size, and holes of any share.

Pixels are read from the atlas collection beside the repository and never written into it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dualgland_training.data.collection import read_field
from dualgland_training.data.damage import draw_damage
from dualgland_training.evaluate.cases import held_out
from napari_dualgland.typing import AnyArray, BoolArray

BOX = (48, 160)
"""Sides of boxes in pixels of 0.08 µm."""


def field_of(data: Path, side: int) -> AnyArray:
    """Return the middle of the held-out field, or what mirrored copies of it make up.

    Parameters
    ----------
    data : pathlib.Path
        The atlas collection.
    side : int
        In pixels of 0.08 µm.

    Returns
    -------
    numpy.ndarray
        (4, side, side) uint8.
    """
    field = read_field(data, held_out(["generator"]).fields[0])
    if side > field.shape[1]:
        more = (0, side - field.shape[1])
        return np.pad(field, ((0, 0), more, more), mode="symmetric")
    start = (field.shape[1] - side) // 2
    return field[:, start : start + side, start : start + side].copy()


def boxes(side: int, share: float, seed: int = 0) -> BoolArray:
    """Return dead tiles, the same in all channels.

    Parameters
    ----------
    side : int
        Of the frame.
    share : float
        Of its pixels that are lost; 1 % of that, or a pixel, more or less.
    seed : int
        Of the places.

    Returns
    -------
    numpy.ndarray
        (4, side, side) boolean.
    """
    rng = np.random.default_rng(seed)
    missing = np.zeros((side, side), bool)
    wanted = round(share * side * side)
    while (left := wanted - int(missing.sum())) > 0.01 * wanted:
        # The last ones are as large as what is left, so that small shares have boxes too.
        largest = max(1, int(left**0.5))
        height, width = (min(int(n), largest) for n in rng.integers(*BOX, 2))
        y, x = rng.integers(0, side - height + 1), rng.integers(0, side - width + 1)
        missing[y : y + height, x : x + width] = True
    return np.broadcast_to(missing, (4, side, side)).copy()


def scratches(side: int, share: float, seed: int = 0) -> BoolArray:
    """Return scratches, the same in all channels, until the share is lost; as :func:`boxes`."""
    missing = np.zeros((4, side, side), bool)
    plain = np.zeros((4, side, side), np.float32)
    while missing[0].mean() < share:
        drawn = draw_damage(plain, "scratches", np.random.default_rng(seed), None, 2.0)
        short = share - missing[0].mean()
        if drawn[0].mean() > 2 * short:  # a part of it, as wide as what is lacking
            drawn[:, :, int(side * short / drawn[0].mean()) + 1 :] = False
        missing |= drawn
        seed += 1
    return missing
