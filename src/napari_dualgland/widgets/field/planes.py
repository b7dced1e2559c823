"""One plane of a z-stack or time series, laid back in its place.

Whoever repairs a single plane still scrolls through the whole stack, so its result is
shown as the whole stack with that plane exchanged. Lazy pixels stay lazy.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from napari_dualgland.typing import LazyArray


def put_plane(whole: LazyArray, plane: LazyArray, frame: Mapping[str, int], axes: str) -> LazyArray:
    """Return a copy of ``whole`` with one plane exchanged.

    Parameters
    ----------
    whole : numpy.ndarray or dask.array.Array
        With the given axes; it stays as it is.
    plane : array
        The same axes, of which T and Z have length 1.
    frame : mapping of str to int
        ``{"T": t, "Z": z}``.
    axes : str
        Some of T, Z, C, Y, X, in any order.

    Returns
    -------
    numpy.ndarray or dask.array.Array
    """
    if isinstance(whole, np.ndarray):
        changed = whole.copy()
        at = tuple(slice(frame[a], frame[a] + 1) if a in frame else slice(None) for a in axes)
        changed[at] = plane
        return changed
    # Here and not above: it takes half a second to import, and a dock should open at once.
    import dask.array as da

    split = next((i for i, a in enumerate(axes) if a in frame and whole.shape[i] > 1), None)
    if split is None:
        return da.asarray(plane)
    k = frame[axes[split]]
    before, here, after = (
        whole[(slice(None),) * split + (cut,)]
        for cut in (slice(None, k), slice(k, k + 1), slice(k + 1, None))
    )
    return da.concatenate([before, put_plane(here, plane, frame, axes), after], axis=split)
