"""The search of large lazy frames, each when any of it is asked for, with its mask kept packed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

import numpy as np

from napari_dualgland.culling import culled
from napari_dualgland.findings import Finding
from napari_dualgland.missing.mosaic import find_in_frame
from napari_dualgland.missing.params import MissingParams
from napari_dualgland.packed import PackedMask
from napari_dualgland.typing import AnyArray, BoolArray


class _LastFrame:
    """The mask of the frame that was asked for last.

    Parameters
    ----------
    data : dask.array.Array
        (T, Z, C, Y, X).
    params, names, tell, should_stop
        As of :func:`napari_dualgland.missing.mosaic.find_in_frame`.
    """

    def __init__(
        self,
        data: Any,
        params: MissingParams,
        names: Sequence[str],
        tell: Callable[[Finding], None],
        should_stop: Callable[[], bool],
    ) -> None:
        self._data, self._how = data, (params, names)
        self._tell, self._should_stop = tell, should_stop
        self._lock = Lock()  # one search at a time: each takes as much memory as a field's
        self._place: tuple[int, int] | None = None
        self._mask = PackedMask((0, 0, 0))

    def mask(self, place: tuple[int, int]) -> PackedMask:
        """Return the mask of a frame."""
        with self._lock:
            if place != self._place:
                frame = self._data[place]
                read = _Reader(frame)
                self._mask = find_in_frame(
                    read, frame.shape, *self._how, place, self._tell, self._should_stop
                )
                self._place = place
            return self._mask

    def block(self, block_info: Any = None) -> BoolArray:
        """Return a (1, 1, C, h, w) block of the masks."""
        (t, _), (z, _), _, rows, columns = block_info[None]["array-location"]
        return self.mask((t, z))[slice(None), slice(*rows), slice(*columns)][None, None]


class _Reader:
    """Reads rows and columns of a lazy frame."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame
        self._rows: tuple[slice, Any] = (slice(0), None)

    def __call__(self, rows: slice, columns: slice) -> AnyArray:
        if rows != self._rows[0]:
            self._rows = rows, culled(self._frame[:, rows])
        part = self._rows[1][:, :, columns]
        # It is computed within a task already, which has a thread of its own.
        return np.asarray(part.compute(scheduler="synchronous"))


def find_lazily(
    data: Any,
    params: MissingParams,
    names: Sequence[str],
    tell: Callable[[Finding], None],
    should_stop: Callable[[], bool],
) -> Any:
    """Return which pixels of large lazy frames are missing.

    Parameters
    ----------
    data : dask.array.Array
        (T, Z, C, Y, X).
    params, names, tell, should_stop
        As of :func:`napari_dualgland.missing.mosaic.find_in_frame`.

    Returns
    -------
    dask.array.Array
        Boolean, as large, in the chunks of the pixels with all channels together.
    """
    import dask.array as da
    from dask.base import tokenize

    count = data.shape
    chunks = ((1,) * count[0], (1,) * count[1], (count[2],), *data.chunks[3:])
    token = tokenize(data.name, params.model_dump_json())  # type: ignore[no-untyped-call]
    last = _LastFrame(data, params, names, tell, should_stop)
    return da.map_blocks(  # type: ignore[no-untyped-call]
        last.block, chunks=chunks, dtype=bool, name=f"find-missing-{token}"
    )
