"""Find the missing pixels of a stack: every detector, channel by channel, plane by plane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from napari_dualgland.findings import Finding
from napari_dualgland.intensities import measurable
from napari_dualgland.missing.doubt import findings
from napari_dualgland.missing.field import search
from napari_dualgland.missing.lazily import find_lazily
from napari_dualgland.missing.mosaic import find_in_frame
from napari_dualgland.missing.params import MissingParams
from napari_dualgland.missing.parts import is_large
from napari_dualgland.stack import Stack, from_canonical, to_canonical
from napari_dualgland.typing import AnyArray, BoolArray

SEARCHES = ("dark", "saturated", "constant", "straight", "scattered")
"""Options that look at pixels around a pixel."""


def find_missing(
    stack: Stack,
    params: MissingParams | None = None,
    tell: Callable[[Finding], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Any:
    """Return which pixels of a stack are missing.

    Every (t, z) plane is looked at by itself, with all its channels; one of more than
    :data:`~napari_dualgland.missing.parts.WHOLE` pixels in parts that overlap.

    Parameters
    ----------
    stack : Stack
        Of any dtype and axes. Roles are not needed.
    params : MissingParams, optional
        What to look for; everything by default.
    tell : callable
        Called with every :class:`~napari_dualgland.findings.Finding` that a person should
        hear of before it is filled; of a lazy stack as each plane is computed.
    should_stop : callable
        Asked before each part of a plane that is searched in parts.

    Returns
    -------
    numpy.ndarray or dask.array.Array
        Boolean, shape of ``stack.data``: True where a pixel is missing. Lazy, one task
        for each plane, where the stack is lazy; one for each of its chunks where NaN is all that
        is asked for. A plane that is searched in parts is so when any of it is asked for; the
        mask of the last one is kept, eight pixels to a byte.

    Raises
    ------
    Cancelled
        If ``should_stop`` returned true; of a lazy stack as a plane is computed.
    """
    params = params or MissingParams()
    names = stack.channel_keys
    data = to_canonical(stack.data, stack.axes)
    if hasattr(data, "dask"):
        from dask.base import tokenize

        if is_large(data.shape) and not _asks_for_nan_alone(params):
            return from_canonical(find_lazily(data, params, names, tell, should_stop), stack.axes)
        whole = (1, 1, None, None, None) if _asks_for_nan_alone(params) else (1, 1, -1, -1, -1)
        planes = data.rechunk(whole)
        token = tokenize(planes.name, params.model_dump_json())  # type: ignore[no-untyped-call]
        found = planes.map_blocks(
            _find_in_block,
            params=params,
            names=names,
            tell=tell,
            dtype=bool,
            meta=np.empty((0,) * 5, dtype=bool),
            name=f"find-missing-{token}",
        )
        return from_canonical(found, stack.axes)
    found = np.zeros(data.shape, dtype=bool)
    for t, z in stack.frames():
        found[t, z] = find_in_planes(data[t, z], params, names, (t, z), tell, should_stop)
    return from_canonical(found, stack.axes)


def _find_in_block(
    block: AnyArray,
    params: MissingParams,
    names: Sequence[str],
    tell: Callable[[Finding], None],
    block_info: Any = None,
) -> BoolArray:
    """Return the mask of a (1, 1, C, Y, X) block."""
    place = block_info[0]["chunk-location"][:2]
    return find_in_planes(block[0, 0], params, names, place, tell)[None, None]


def find_in_planes(
    planes: AnyArray,
    params: MissingParams,
    names: Sequence[str] = (),
    place: tuple[int, int] = (0, 0),
    tell: Callable[[Finding], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> BoolArray:
    """Return the missing pixels of the channels of one field.

    Parameters
    ----------
    planes : numpy.ndarray
        (C, Y, X).
    params : MissingParams
    names : sequence of str
        Of the channels, for ``tell``.
    place : tuple of int
        Which t and z these are.
    tell, should_stop : callable
        As of :func:`find_missing`.

    Returns
    -------
    numpy.ndarray
        (C, Y, X), boolean.

    Raises
    ------
    Cancelled
        If ``should_stop`` returned true.
    """
    if _asks_for_nan_alone(params):
        return ~measurable(planes) if params.nan else np.zeros(planes.shape, bool)
    if is_large(planes.shape):

        def cut(rows: slice, columns: slice) -> AnyArray:
            return planes[:, rows, columns]

        mask = find_in_frame(cut, planes.shape, params, names, place, tell, should_stop)
        return mask[slice(None), slice(None), slice(None)]
    missing, doubtful = search(planes, params)
    # What is no number does not look damaged: it says so itself.
    judged = missing & measurable(planes) if planes.dtype.kind == "f" else missing
    for finding in findings(judged, doubtful, names, *place):
        tell(finding)
    return missing


def _asks_for_nan_alone(params: MissingParams) -> bool:
    """Tell whether each pixel is judged by itself: what is no number is missing, and no more."""
    return not any(getattr(params, search) for search in SEARCHES)
