"""Put estimates into a stack so that every observed pixel keeps the source's own bits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_dualgland.progress import Patch
from napari_dualgland.typing import AnyArray, BoolArray, LazyArray

_Piece = tuple[slice, slice, BoolArray, AnyArray]


class Patchwork:
    """Values that replace those of some pixels of (T, Z, C, Y, X) data.

    Only the patches are held, so memory grows with what is missing, not with the stack.

    Parameters
    ----------
    dtype : numpy.dtype
        Of what is laid over.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self._patches: dict[tuple[int, int], list[_Piece]] = defaultdict(list)

    def add(self, patch: Patch, values: AnyArray) -> None:
        """Add the missing pixels of a patch.

        Parameters
        ----------
        patch : Patch
            Says where, and which pixels are missing.
        values : numpy.ndarray
            (C, h, w), in the units of the stack.
        """
        self._patches[patch.t, patch.z].append(
            (patch.y, patch.x, patch.missing, values[patch.missing].astype(self.dtype))
        )

    def over(self, data: LazyArray) -> LazyArray:
        """Return ``data`` with the patches laid over: a copy, or lazily for dask data."""
        if isinstance(data, np.ndarray):
            return self._lay(data, [(0, size) for size in data.shape])
        import dask.array as da
        from dask.base import tokenize

        def lay(block: AnyArray, block_info: Any = None) -> AnyArray:
            return self._lay(block, block_info[0]["array-location"])

        blank = np.empty((0,) * 5, self.dtype)
        # Named for what it holds, so that the same work gives the same keys.
        token = tokenize(data.name, self.dtype, sorted(self._patches.items()))  # type: ignore[no-untyped-call]
        laid: da.Array = da.map_blocks(  # type: ignore[no-untyped-call]
            lay, data, dtype=self.dtype, meta=blank, name=f"imputed-{token}"
        )
        return laid

    def _lay(self, block: AnyArray, place: Sequence[Any]) -> AnyArray:
        (t0, t1), (z0, z1), (c0, c1), (y0, y1), (x0, x1) = place
        out = np.array(block, dtype=self.dtype, copy=True)
        for (t, z), patches in self._patches.items():
            if not (t0 <= t < t1 and z0 <= z < z1):
                continue
            for y, x, missing, values in patches:
                top, bottom = max(y.start, y0), min(y.stop, y1)
                left, right = max(x.start, x0), min(x.stop, x1)
                if top >= bottom or left >= right:
                    continue
                whole = np.zeros(missing.shape, self.dtype)
                whole[missing] = values
                here = (
                    slice(c0, c1),
                    slice(top - y.start, bottom - y.start),
                    slice(left - x.start, right - x.start),
                )
                view = out[t - t0, z - z0, :, top - y0 : bottom - y0, left - x0 : right - x0]
                np.copyto(view, whole[here], where=missing[here])
        return out
