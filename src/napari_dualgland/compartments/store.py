"""What is kept of every frame: in memory, or in an unnamed file where that would fill it.

Frames are put down in blocks and half precision; a pixel of full size is made when somebody
looks at it.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np

from napari_dualgland.compartments.blocks import spread_out
from napari_dualgland.typing import AnyArray

if TYPE_CHECKING:
    import dask.array as da

IN_MEMORY = 256 * 2**20
"""Bytes of all frames above which they are kept on disk."""


def shelf(shape: tuple[int, ...], dtype: str) -> AnyArray:
    """Return zeros to put frames into, on disk where they would fill the memory.

    Parameters
    ----------
    shape : tuple of int
    dtype : str

    Returns
    -------
    numpy.ndarray
        Goes with the last who refers to it.
    """
    if math.prod(shape) * np.dtype(dtype).itemsize <= IN_MEMORY:
        return np.zeros(shape, dtype)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, dtype, "w+", shape=shape)


def lazily(
    kept: AnyArray,
    step: int,
    shape: tuple[int, int],
    dtype: str,
    read: Callable[[AnyArray], AnyArray] | None = None,
) -> da.Array:
    """Return what is kept as pixels, computed frame by frame when somebody looks.

    Parameters
    ----------
    kept : numpy.ndarray
        (T, Z, C, h, w).
    step : int
        Pixels along a side of a block.
    shape : tuple of int
        (Y, X).
    dtype : str
        Of the pixels.
    read : callable, optional
        Takes the (C, h, w) of a frame and returns (D, h, w) of that dtype; as it is if left out.

    Returns
    -------
    dask.array.Array
        (T, Z, D, Y, X), a block per frame.
    """
    import dask.array as da

    read = read or partial(np.asarray, dtype=dtype)
    times, slices = kept.shape[:2]
    deep = len(read(kept[0, 0, :, :1, :1]))

    def block(block_info: dict[None, dict[str, list[tuple[int, int]]]]) -> AnyArray:
        (t, _), (z, _) = block_info[None]["array-location"][:2]
        return spread_out(read(np.asarray(kept[t, z])), step, shape)[None, None]

    chunks = ((1,) * times, (1,) * slices, (deep,), *((n,) for n in shape))
    pixels: da.Array = da.map_blocks(
        block,
        chunks=chunks,
        dtype=dtype,
        meta=np.empty((0,) * 5, dtype),
        # A name of its own: dask would hash all that is kept to make one.
        name=f"boundaries-{uuid4().hex}",
    )
    return pixels


def adding_up(kept: AnyArray) -> AnyArray:
    """Return shares of half precision so that they add up to 1."""
    whole = kept.astype(np.float32)
    return np.asarray(whole / whole.sum(0), np.float32)


def most_probable(kept: AnyArray) -> AnyArray:
    """Return the most probable compartment, counted from 1; 0 for the background."""
    most = kept.argmax(0)[None] + 1
    return np.where(most == len(kept), 0, most).astype(np.uint8)
