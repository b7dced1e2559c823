"""What napari loads when the first Labels layer is made, loaded beforehand and in the background.

pandas for its table, and numba, which compiles how labels become colours: three seconds in which
napari would stand still. Whoever shows labels at the end of work in a thread warms up within it.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

import numpy as np
from napari.layers import Labels


class Warming:
    """Loads, in a thread of its own, what a Labels layer needs; :meth:`wait` until it is there.

    Parameters
    ----------
    dtype : str
        Of the labels.
    """

    def __init__(self, dtype: str) -> None:
        self._thread = threading.Thread(target=_warm, args=(dtype,), daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Return when it is there; not to be called on the main thread."""
        self._thread.join()


@cache
def _warm(dtype: str) -> None:
    colors: dict[int | None, Any] = {None: "#00000000", 0: "#00000000", 1: "#ffffff"}
    small = np.zeros((4, 4), dtype)
    Labels(small, colormap=colors, features={"index": [1]})
