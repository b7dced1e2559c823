"""Find the missing pixels of a stack: every detector, channel by channel, plane by plane."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_dualgland.missing.cutouts import cut_away
from napari_dualgland.missing.dropout import scattered
from napari_dualgland.missing.edges import rectangles, straight_edges
from napari_dualgland.missing.levels import connected, holes
from napari_dualgland.missing.params import MissingParams
from napari_dualgland.missing.rims import Rim, hard_rim, noise_gain
from napari_dualgland.missing.windows import Mask, Plane, dilated, flat
from napari_dualgland.stack import Stack, from_canonical, to_canonical

CORE = 7
"""Side in pixels of the flat patch that makes a middle value suspicious."""
CUT = 0.35
"""A background was cut away where along more than this share it ends abruptly."""
MAX_CONSTANTS = 4
"""So many middle values are looked at in a plane, those with the most pixels first."""


def find_missing(stack: Stack, params: MissingParams | None = None) -> Any:
    """Return which pixels of a stack are missing.

    Every (t, z) plane is looked at by itself, with all its channels.

    Parameters
    ----------
    stack : Stack
        Of any dtype and axes. Roles are not needed.
    params : MissingParams, optional
        What to look for; everything by default.

    Returns
    -------
    numpy.ndarray or dask.array.Array
        Boolean, shape of ``stack.data``: True where a pixel is missing. Lazy, one task
        for each plane, where the stack is lazy.
    """
    params = params or MissingParams()
    data = to_canonical(stack.data, stack.axes)
    if hasattr(data, "dask"):
        planes = data.rechunk((1, 1, -1, -1, -1))
        found = planes.map_blocks(
            _find_in_block, params=params, dtype=bool, meta=np.empty((0,) * 5, dtype=bool)
        )
        return from_canonical(found, stack.axes)
    found = np.zeros(data.shape, dtype=bool)
    for t, z in stack.frames():
        found[t, z] = find_in_planes(data[t, z], params)
    return from_canonical(found, stack.axes)


def _find_in_block(block: npt.NDArray[Any], params: MissingParams) -> Mask:
    """Return the mask of a (1, 1, C, Y, X) block."""
    return find_in_planes(block[0, 0], params)[None, None]


def find_in_planes(planes: npt.NDArray[Any], params: MissingParams) -> Mask:
    """Return the missing pixels of the channels of one field.

    Parameters
    ----------
    planes : numpy.ndarray
        (C, Y, X).
    params : MissingParams

    Returns
    -------
    numpy.ndarray
        (C, Y, X), boolean.
    """
    channels = [_Channel(plane, params) for plane in planes]
    if params.masked_background:
        _leave_cut_away(channels)
    for channel in channels:
        channel.search()
    if params.across_channels and len(channels) > 1:
        alone = [channel.found.copy() for channel in channels]
        for i, channel in enumerate(channels):
            for j, other in enumerate(alone):
                if i != j:
                    channel.confirm(other)
    return np.stack([channel.result() for channel in channels])


def _leave_cut_away(channels: list[_Channel]) -> None:
    """Take a background that was cut away around a cell out of the search."""
    floor = [channel.observed & (channel.plane == channel.low) for channel in channels]
    background = cut_away(np.logical_and.reduce(floor))
    if background.any() and max(c.abruptness(background) for c in channels) > CUT:
        for channel in channels:
            channel.observed = channel.observed & ~background


class _Channel:
    """One channel of one plane while it is searched."""

    def __init__(self, plane: npt.NDArray[Any], params: MissingParams) -> None:
        self.params = params
        finite = np.isfinite(plane)
        self.nan = ~finite
        self.observed = finite
        self.found = np.zeros(plane.shape, dtype=bool)
        # NaN would spread through every mean; what stands in for it is never looked at.
        self.plane = plane if finite.all() else np.where(finite, plane, plane.dtype.type(0))
        values = plane[finite]
        self.low: Any = values.min() if values.size else 0
        self.high: Any = values.max() if values.size else 0
        self.gain = noise_gain(self.plane, finite, float(self.low), float(self.high))

    def result(self) -> Mask:
        return self.found | self.nan if self.params.nan else self.found

    def height(self, value: Any) -> Plane:
        """Return the distance of every pixel from a value, float32."""
        wide = np.float64 if self.plane.dtype.itemsize > 2 else np.float32
        distance = np.abs(np.subtract(self.plane, value, dtype=wide))
        return np.asarray(distance, dtype=np.float32)

    def search(self) -> None:
        """Look for every kind of damage; the brightest first, as it hides the rest.

        Background that bright damage encloses would look as if it ended abruptly.
        """
        if self.gain is None or self.low == self.high:
            return
        if self.params.saturated:
            self._search_level(self.high, share=0.5)
        if self.params.scattered:
            self._search_scattered(self.high)
        if self.params.constant:
            for value in self._constants():
                self._search_level(value, share=0.5, core=True)
        if self.params.dark:
            self._search_level(self.low, share=0.25)
            if self.low < 0 < self.high:
                self._search_level(self.plane.dtype.type(0), share=0.5)
        if self.params.scattered:
            self._search_scattered(self.low)

    def abruptness(self, region: Mask) -> float:
        """Return along how much of its rim a region at the floor ends abruptly."""
        if self.gain is None or self.low == self.high:
            return 0.0
        rim = self._rim(region, self.height(self.low), self.observed)
        inner = region & dilated(rim.touching, 3)
        return float(rim.likely[inner].mean()) if inner.any() else 0.0

    def _search_level(self, value: Any, share: float, core: bool = False) -> None:
        level = (self.plane == value) & self.observed
        region = connected(level, self.params.min_size)
        if core:
            region = _touching(region, flat(self.plane, CORE) & level)
        if not region.any():
            return
        observed = self.observed & ~self.found
        height, gain = self.height(value), float(self.gain or 0)
        rim = self._rim(region, height, observed)
        self.found |= holes(region, rim, reach=2, min_certain=16, share=share)
        if self.params.straight:
            edges = straight_edges(
                level,
                height,
                observed,
                gain,
                self.params.step,
                self.params.noise,
                self.params.min_edge,
            )
            if len(edges):
                self.found |= rectangles(level, edges, round(1.6 * self.params.min_edge))

    def _rim(self, region: Mask, height: Plane, observed: Mask) -> Rim:
        full_scale = float(self.high) - float(self.low)
        gain, params = float(self.gain or 0), self.params
        return hard_rim(region, height, observed, gain, full_scale, params.step, params.noise)

    def _constants(self) -> list[Any]:
        """Return the middle values that fill flat patches."""
        patches = flat(self.plane, CORE) & self.observed
        patches &= (self.plane != self.low) & (self.plane != self.high)
        values, counts = np.unique(self.plane[patches], return_counts=True)
        return list(values[np.argsort(-counts, kind="stable")[:MAX_CONSTANTS]])

    def _search_scattered(self, value: Any) -> None:
        level = (self.plane == value) & self.observed & ~self.found
        if level.any():
            self.found |= scattered(
                level,
                self.height(value),
                self.observed & ~self.found,
                float(self.gain or 0),
                self.params.noise,
            )

    def confirm(self, other: Mask) -> None:
        """Take over the holes of another channel that this one bears out."""
        if self.gain is None or self.low == self.high or not other.any():
            return
        labels, count = ndimage.label(other)
        inside = np.flatnonzero(other)
        which, values = labels.flat[inside], self.plane.flat[inside]
        area = np.bincount(which, minlength=count + 1)
        known = np.bincount(which, self.found.flat[inside], count + 1)
        for value in (self.low, self.high):
            same = np.bincount(which, (values == value) & self.observed.flat[inside], count + 1)
            candidates = (same >= 0.999 * area) & (known < area) & (area >= self.params.min_edge)
            candidates[0] = False
            if not candidates.any():
                continue
            level = (self.plane == value) & self.observed
            rim = self._rim(
                candidates[labels] & level, self.height(value), self.observed & ~self.found & ~level
            )
            hard = np.bincount(which, rim.likely.flat[inside], count + 1)
            self.found |= (candidates & (hard >= self.params.min_edge))[labels]


def _touching(region: Mask, seeds: Mask) -> Mask:
    """Return the connected parts of a region that hold a seed."""
    labels, count = ndimage.label(region)
    keep = np.bincount(labels.ravel(), seeds.ravel(), count + 1) > 0
    keep[0] = False
    return np.asarray(keep[labels])
