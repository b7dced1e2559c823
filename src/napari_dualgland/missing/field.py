"""The search of one field, or of a part of a frame, with all its channels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import repeat

import numpy as np

from napari_dualgland.intensities import measurable
from napari_dualgland.missing.channel import ChannelSearch
from napari_dualgland.missing.cutouts import cut_away
from napari_dualgland.missing.doubt import not_borne_out
from napari_dualgland.missing.jpeg import foreign_grain
from napari_dualgland.missing.measured import Measured
from napari_dualgland.missing.params import MissingParams
from napari_dualgland.missing.regions import Regions
from napari_dualgland.typing import AnyArray, BoolArray

CUT = 0.35
"""A background was cut away where along more than this share it ends abruptly."""


def search(
    planes: AnyArray,
    params: MissingParams,
    known: Sequence[Measured] | None = None,
    spare: bool = True,
) -> tuple[BoolArray, BoolArray]:
    """Return what is missing, and what is in doubt of all that was found.

    Parameters
    ----------
    planes : numpy.ndarray
        (C, Y, X).
    params : MissingParams
    known : sequence of Measured, optional
        What is known of each channel, where these are parts of them.
    spare : bool
        Whether a background that was cut away is spared, where that is asked for.

    Returns
    -------
    missing, doubtful : numpy.ndarray
        (C, Y, X), boolean.
    """
    missing: BoolArray = np.zeros(planes.shape, dtype=bool)
    doubtful: BoolArray = np.zeros(planes.shape, dtype=bool)
    each = known or repeat(None, len(planes))
    channels = [
        ChannelSearch(plane, params, finite, found, measured)
        for plane, finite, found, measured in zip(
            planes, _finite(planes), missing, each, strict=True
        )
    ]
    _mind_coder(channels)
    if params.masked_background and spare:
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
    return missing, doubtful


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
