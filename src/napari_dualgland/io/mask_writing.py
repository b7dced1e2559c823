"""A mask as a file beside its image, so that a shell line or a batch can use what was painted."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_dualgland.io.atomic import replacing
from napari_dualgland.io.targets import refuse_file
from napari_dualgland.io.tiff_writing import sources
from napari_dualgland.stack import CANONICAL_AXES, Stack, to_canonical
from napari_dualgland.typing import LazyArray


def write_mask(missing: LazyArray, stack: Stack, path: str | Path, like: Stack) -> Path:
    """Write a mask as TIFF: 255 where a pixel is missing, 0 elsewhere.

    Parameters
    ----------
    missing : numpy.ndarray or dask.array.Array
        Boolean, shape of ``stack.data``.
    stack : Stack
        What it was made for.
    path : str or pathlib.Path
        Must not be one of the image's own files.
    like : Stack
        The same field of view as its file holds it: the channels of the mask stand in its order.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    DualglandError
        If the file cannot be written, or is one that was read.
    """
    path = Path(path)
    import tifffile

    refuse_file(path, sources(like))
    marks = to_canonical(missing, stack.axes)
    shape = tuple(like.sizes.get(axis, 1) for axis in CANONICAL_AXES)
    codes = np.zeros(shape, np.uint8)
    for role, at in like.roles.items():
        if role in stack.roles:
            codes[:, :, at] = np.where(np.asarray(marks[:, :, stack.roles[role]]), 255, 0)
    with replacing(path) as beside:
        tifffile.imwrite(
            beside,
            codes,
            ome=True,
            photometric="minisblack",
            compression="zlib",
            metadata={"axes": CANONICAL_AXES},
        )
    return path
