"""What the first run of a dock will need, loaded in the background as soon as a dock is open.

A dock opens without it, for all of it together takes seconds; napari itself asks for the
interpolation and the rotations of SciPy with its first layer and its first look in 3-D.
"""

from __future__ import annotations

import threading
from functools import cache
from importlib import import_module

_NEEDED = (
    *("scipy.ndimage", "scipy.spatial.transform", "tifffile", "pandas", "dask.array"),
    "ome_types.model",
)


@cache
def warm_up() -> threading.Thread:
    """Begin, once in the life of the program; return what is at it."""
    thread = threading.Thread(target=_load, name="dualgland-warming")
    thread.start()
    return thread


def _load() -> None:
    for name in _NEEDED:
        import_module(name)
