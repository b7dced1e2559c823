"""Single cells of the atlas collection as pictures with a mask.

The collection keeps each cell on black. That black went through JPEG, so it is speckled with
ones and twos: a mask of what is not zero has a hundred specks beside the cell.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from scipy import ndimage

from napari_dualgland.typing import BoolArray, ByteArray

CELL_PIXEL_UM = 0.13
"""Micrometres per pixel of the collection's cells, about."""

SPECK = 0.01
"""Pieces below this share of the whole are no part of a cell."""


def cell_mask(image: ByteArray) -> BoolArray:
    """Return where a (4, Y, X) picture on black holds its cell: (Y, X), filled, no specks."""
    whole = ndimage.binary_fill_holes((image != 0).any(0))
    pieces, count = ndimage.label(whole)
    if count < 2:
        return np.asarray(whole, bool)
    sizes = np.bincount(pieces.ravel())
    kept = sizes >= SPECK * sizes[1:].sum()
    kept[0] = False
    return np.asarray(kept[pieces], bool)


def read_cell_picture(root: Path, file: str) -> tuple[ByteArray, BoolArray]:
    """Return the picture of a cell of the collection, and its mask.

    Parameters
    ----------
    root : pathlib.Path
        The atlas collection.
    file : str
        Name of the picture in its folder ``cells``.

    Returns
    -------
    picture : numpy.ndarray
        (4, Y, X), uint8.
    mask : numpy.ndarray
        (Y, X), boolean.
    """
    image = np.asarray(tifffile.imread(root / "cells" / file))
    return image, cell_mask(image)
