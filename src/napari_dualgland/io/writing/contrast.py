"""Between which values a channel is shown by whoever opens the file."""

from __future__ import annotations

import numpy as np

from napari_dualgland.io.frame_store import FrameStore


def range_of(store: FrameStore, c: int) -> tuple[float, float]:
    """Return the darkest and the brightest value of a channel, seen at every eighth row.

    Parameters
    ----------
    store : FrameStore
    c : int
        Channel in it.

    Returns
    -------
    tuple of float
        0 and 1 where nothing is known.
    """
    seen = [store[c, row, row + 1] for row in range(0, store.shape[1], 8)]
    finite = [rows[np.isfinite(rows)] for rows in seen]
    ends = [(float(rows.min()), float(rows.max())) for rows in finite if rows.size]
    return (min(a for a, _ in ends), max(b for _, b in ends)) if ends else (0.0, 1.0)
