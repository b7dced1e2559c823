"""Whether layers still show what is in the file that they were read from.

Nothing of a layer tells: a brush changes labels in place, a script puts other pixels in their
stead. So the file is read again, which is asked only when a job is made; what is lazy is not,
since nobody paints on it. napari is not imported: a layer is what behaves like one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_dualgland.errors import DualglandError
from napari_dualgland.io.layer_axes import full_resolution
from napari_dualgland.io.masks import read_labels, read_mask
from napari_dualgland.stack import Stack, to_canonical


def in_memory(layer: Any) -> bool:
    """Tell whether the pixels of a layer can have been changed without its file."""
    pixels = full_resolution(layer)
    return isinstance(pixels, np.ndarray) and not isinstance(pixels, np.memmap)


def labels_are_of(layer: Any, path: Path) -> bool:
    """Tell whether a Labels layer shows the numbers of a file, as a job reads them from there.

    Parameters
    ----------
    layer : napari.layers.Labels
    path : pathlib.Path
        Of cells or of a mask.

    Returns
    -------
    bool
        Not where the file is there no more, or holds neither.
    """
    if not in_memory(layer):
        return True
    shown = np.squeeze(full_resolution(layer))
    marked = shown[shown != 0]
    several = marked.size and marked.min() != marked.max()
    # Read as what it is not, a mask is split into cells, with a note that would mislead.
    for read in (read_labels, read_mask) if several else (read_mask, read_labels):
        try:
            there = np.squeeze(read(path).data)
        except DualglandError:
            continue
        if np.array_equal(there, shown):
            return True
    return False


def shows(there: Stack, shown: Stack) -> bool:
    """Tell whether layers show the pixels of a file, and the same of them as estimates.

    Parameters
    ----------
    there : Stack
        Read from the file.
    shown : Stack
        Read from the layers. Where it has no estimates, those of the file are not asked for.

    Returns
    -------
    bool
    """
    pairs = [(there.canonical(), shown.canonical())]
    if shown.imputed is not None:
        if there.imputed is None:
            return False
        pairs.append(
            (to_canonical(there.imputed, there.axes), to_canonical(shown.imputed, shown.axes))
        )
    if set(there.roles) != set(shown.roles) or list(there.frames()) != list(shown.frames()):
        return False
    return all(
        np.array_equal(one[t, z, there.roles[role]], other[t, z, at], equal_nan=True)
        for one, other in pairs
        for t, z in shown.frames()
        for role, at in shown.roles.items()
    )
