"""Find the missing pixels of a stack: every detector, channel by channel, plane by plane."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import repeat
from typing import Any

import numpy as np

from napari_dualgland.findings import Finding
from napari_dualgland.intensities import measurable
from napari_dualgland.missing.channel import ChannelSearch
from napari_dualgland.missing.cutouts import cut_away
from napari_dualgland.missing.doubt import findings, not_borne_out
from napari_dualgland.missing.jpeg import foreign_grain
from napari_dualgland.missing.params import MissingParams
from napari_dualgland.missing.regions import Regions
from napari_dualgland.stack import Stack, from_canonical, to_canonical
from napari_dualgland.typing import AnyArray, BoolArray

SEARCHES = ("dark", "saturated", "constant", "straight", "scattered")
"""Options that look at pixels around a pixel."""

CUT = 0.35
"""A background was cut away where along more than this share it ends abruptly."""


def find_missing(
    stack: Stack,
    params: MissingParams | None = None,
    tell: Callable[[Finding], None] = lambda _: None,
) -> Any:
    """Return which pixels of a stack are missing.

    Every (t, z) plane is looked at by itself, with all its channels.

    Parameters
    ----------
    stack : Stack
        Of any dtype and axes. Roles are not needed.
    params : MissingParams, optional
        What to look for; everything by default.
    tell : callable
        Called with every :class:`~napari_dualgland.findings.Finding` that a person should
        hear of before it is filled; of a lazy stack as each plane is computed.

    Returns
    -------
    numpy.ndarray or dask.array.Array
        Boolean, shape of ``stack.data``: True where a pixel is missing. Lazy, one task
        for each plane, where the stack is lazy; one for each of its chunks where NaN is all that
        is asked for.
    """
    params = params or MissingParams()
    names = stack.channel_keys
    data = to_canonical(stack.data, stack.axes)
    if hasattr(data, "dask"):
        from dask.base import tokenize

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
        found[t, z] = find_in_planes(data[t, z], params, names, (t, z), tell)
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
    tell : callable
        As of :func:`find_missing`.

    Returns
    -------
    numpy.ndarray
        (C, Y, X), boolean.
    """
    if _asks_for_nan_alone(params):
        return ~measurable(planes) if params.nan else np.zeros(planes.shape, bool)
    missing: BoolArray = np.zeros(planes.shape, dtype=bool)
    doubtful: BoolArray = np.zeros(planes.shape, dtype=bool)
    channels = [
        ChannelSearch(plane, params, finite, found)
        for plane, finite, found in zip(planes, _finite(planes), missing, strict=True)
    ]
    _mind_coder(channels)
    if params.masked_background:
        _leave_cut_away(channels)
    for channel in channels:
        channel.search()
    if params.across_channels and len(channels) > 1:
        _look_across(channels)
    for channel, unsure in zip(channels, doubtful, strict=True):
        channel.doubt(unsure)
        if params.nan and channel.nan is not None:
            channel.found |= channel.nan
    if params.across_channels:
        doubtful = not_borne_out(doubtful, missing)
    if not params.doubtful:
        np.greater(missing, doubtful, out=missing)  # what is missing and not doubtful
    for channel, lost, unsure, name in zip(
        channels, missing, doubtful, names or [""] * len(planes), strict=True
    ):
        # What is no number does not look damaged: it says so itself.
        judged = lost if channel.nan is None else lost & ~channel.nan
        for finding in findings(judged[None], unsure[None], [name], *place):
            tell(finding)
    return missing


def _asks_for_nan_alone(params: MissingParams) -> bool:
    """Tell whether each pixel is judged by itself: what is no number is missing, and no more."""
    return not any(getattr(params, search) for search in SEARCHES)


def _finite(planes: AnyArray) -> Iterator[BoolArray]:
    """Yield for every channel which pixels may have been measured."""
    if planes.dtype.kind == "f":
        yield from map(measurable, planes)
    else:  # all, and one array says so of every channel
        yield from repeat(measurable(planes[0]), len(planes))


def _look_across(channels: list[ChannelSearch]) -> None:
    """Let every channel take over the holes that were found in the others alone."""
    min_edge = channels[0].params.min_edge
    alone = [Regions.of(channel.found, corners=False) for channel in channels]
    for other, holes in zip(channels, alone, strict=True):
        pixels, which = holes.pixels(holes.area() >= min_edge)
        for channel in channels:
            if channel is not other:
                channel.confirm(holes, pixels, which)


def _mind_coder(channels: list[ChannelSearch]) -> None:
    """Count what a coder has added among the noise, other colours' grain too."""
    lit = [channel.lit() for channel in channels]
    planes, gains = [c.plane for c in channels], [c.noise.gain for c in channels]
    for i, grain in foreign_grain(planes, lit, gains).items():
        noise = channels[i].noise
        channels[i].noise = replace(noise, coder=np.maximum(noise.coder, grain, out=grain))
    if any(channel.is_coded() for channel in channels):
        for channel in channels:
            # In a channel this dim a coder's blocks may not show.
            channel.too_dim = channel.has_few_levels()


def _leave_cut_away(channels: list[ChannelSearch]) -> None:
    """Take a background that was cut away around a cell out of the search."""
    floor = np.ones(channels[0].plane.shape, dtype=bool)
    for channel in channels:
        floor &= channel.plane == channel.low
        floor &= channel.observed
    background = cut_away(floor)
    if background.any() and max(c.abruptness(background) for c in channels) > CUT:
        for channel in channels:
            channel.observed = channel.observed & ~background
