"""All the files that one path is read from: what must never be written to."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from napari_dualgland.errors import DualglandError
from napari_dualgland.files import regular
from napari_dualgland.io.hpa import find_set, parse_name
from napari_dualgland.io.tiff import is_tiff
from napari_dualgland.io.tiff.opening import examined
from napari_dualgland.io.zarr import is_ome_zarr


def files_behind(path: Path) -> tuple[Path, ...]:
    """Return a path and all the files or folders that reading it reads.

    Of a member or the prefix of a Human Protein Atlas set its members, of an OME-TIFF in several
    files the others and their companion, of an OME-Zarr its folder. Of what cannot be read the
    path alone: whoever reads it will say why.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    tuple of pathlib.Path
        They need not be there.
    """
    found = [path]
    if is_ome_zarr(path):
        return (path,)
    with suppress(DualglandError, OSError):
        if parse_name(path.name) or not os.path.isfile(path):
            found += find_set(path).files.values()
        elif is_tiff(regular(path)):
            with examined(path) as tiff:
                found += tiff.described.files
    return tuple(dict.fromkeys(found))
