"""The search of one channel of one plane, detector by detector."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from napari_dualgland.missing.doubt import without_sharp_rim
from napari_dualgland.missing.dropout import scattered
from napari_dualgland.missing.edges import off_grid, straight_edges
from napari_dualgland.missing.heights import Between, Heights, bands
from napari_dualgland.missing.levels import connected, holes
from napari_dualgland.missing.measured import Measured, span
from napari_dualgland.missing.params import MissingParams
from napari_dualgland.missing.rectangles import rectangles
from napari_dualgland.missing.regions import Regions
from napari_dualgland.missing.rims import Rim, hard_rim
from napari_dualgland.missing.windows import dilated, flat
from napari_dualgland.typing import AnyArray, BoolArray, IndexArray

CORE = 7
"""Side in pixels of the flat patch that makes a middle value suspicious."""
SHARE = 0.5
"""Of a hole's pixels at likely rims, this share must be at certain ones."""
SHARE_DARK = 0.04
"""The same at the floor, where damaged rims in dim signal are rarely certain; natural ones
in fields of the atlas never are."""
SHARE_SHARP = 0.25
"""The same, at least, in channels whose natural rims are steep too."""
REACH, REACH_SHARP = 7, 2
"""Pixels; so far into a region a certain rim proves damage by itself."""
FEW_LEVELS = 16
"""A channel that a coder has rounded tells nothing of its floor with no more grey levels."""
MAX_CONSTANTS = 4
"""So many middle values are looked at in a plane, those with the most pixels first."""


class ChannelSearch:
    """One channel of one plane while it is searched.

    Parameters
    ----------
    plane : numpy.ndarray
        (Y, X).
    params : MissingParams
    finite : numpy.ndarray
        (Y, X), boolean: pixels that may have been measured.
    found : numpy.ndarray
        (Y, X), boolean, all False: where to note what is found.
    known : Measured, optional
        What is known of the channel, where the plane is a part of it.

    Attributes
    ----------
    plane : numpy.ndarray
        (Y, X).
    nan : numpy.ndarray or None
        (Y, X), boolean: pixels that are no number, if any.
    observed, found : numpy.ndarray
        (Y, X), boolean: pixels that may be looked at, and those found missing so far.
    alone : numpy.ndarray
        (Y, X), boolean: those of the latter that were found one by one.
    low, high : number
        Lowest and highest finite value of the channel.
    too_dim : bool
        Whether nothing can be told of its floor.
    """

    def __init__(
        self,
        plane: AnyArray,
        params: MissingParams,
        finite: BoolArray,
        found: BoolArray,
        known: Measured | None = None,
    ) -> None:
        self.params = params
        self.nan = None if finite.all() else ~finite
        self.observed = finite
        self.found = found
        self.alone = np.zeros(plane.shape, dtype=bool)
        self.too_dim = False
        # NaN would spread through every mean; what stands in for it is never looked at.
        self.plane = plane if self.nan is None else np.where(finite, plane, plane.dtype.type(0))
        known = known or Measured.of(self.plane, finite, *span(plane, finite))
        self.low, self.high, self.grid = known.low, known.high, known.grid
        self.says_nothing = known.says_nothing
        self.noise = replace(known.noise, coder=self.grid.step)

    def lit(self) -> Between:
        """Return which observed pixels are neither at the floor nor at the ceiling."""
        return Between(self.plane, self.observed, self.low, self.high)

    def search(self) -> None:
        """Look for every kind of damage; the brightest first, as it hides the rest.

        Background that bright damage encloses would look as if it ended abruptly.
        """
        if self.says_nothing:
            return
        if self.params.saturated:
            self._search_level(self.high, SHARE)
        self._search_scattered(self.high)
        if self.params.constant:
            for value in self._constants():
                self._search_level(value, SHARE, core=True)
        if self.params.dark and not self.too_dim:
            self._search_level(self.low, SHARE_DARK)
            if self.low < 0 < self.high:
                self._search_level(self.plane.dtype.type(0), SHARE)
        self._search_scattered(self.low)

    def is_coded(self) -> bool:
        """Return whether a coder has left its traces."""
        return bool(np.any(self.noise.coder))

    def has_few_levels(self) -> bool:
        """Return whether nearly all pixels hold one of a few grey levels."""
        top = np.percentile(self.plane[self.observed], 99.9) if self.observed.any() else 0
        return len(np.unique(self.plane[self.observed & (self.plane <= top)])) <= FEW_LEVELS

    def doubt(self, doubtful: BoolArray) -> None:
        """Note what is found and may be measured after all: not all its rims are sharp.

        Where most pixels are lost, what is left of a rim is too little to be told sharp; what
        stands amid signal as no natural noise leaves it is lost there all the same.

        Parameters
        ----------
        doubtful : numpy.ndarray
            (Y, X), boolean, all False: where to note it.
        """
        for value in (self.low, self.high):
            region = self.found & (self.plane == value)
            np.greater(region, self.alone, out=region)  # what is in the one and not in the other
            if region.any():
                height = Heights(self.plane, value)
                rim = self._rim(region, height, self.observed & ~self.found)
                unsure = without_sharp_rim(region, rim, self._standing_out(height))
                if unsure.any():
                    np.greater(unsure, self._scattered(value, self.plane == value), out=unsure)
                np.copyto(doubtful, True, where=unsure)

    def _standing_out(self, height: Heights) -> BoolArray:
        """Return which pixels stand out from the noise."""
        lit = np.empty(self.plane.shape, dtype=bool)
        for _, _, band in bands(lit.shape, 0):
            lit[band] = self.noise.at(band).exceeded(height[band], self.params.noise)
        return lit

    def abruptness(self, region: BoolArray) -> float:
        """Return along how much of its rim a region at the floor ends abruptly."""
        if self.says_nothing:
            return 0.0
        rim = self._rim(region, Heights(self.plane, self.low), self.observed)
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
        height, params = Heights(self.plane, value), self.params
        rim = self._rim(region, height, observed)
        if rim.sharp:
            share = max(share, SHARE_SHARP)
        reach, min_certain = (REACH_SHARP, 16) if rim.sharp else (REACH, 12)
        self.found |= self.grid.without_blocks(holes(region, rim, reach, min_certain, share))
        if params.straight:
            edges = straight_edges(
                level, height, observed, self.noise, params.step, params.noise, params.min_edge
            )
            edges = off_grid(edges, height, self.grid)
            if len(edges):
                self.found |= rectangles(level, edges, round(1.6 * params.min_edge))

    def _rim(self, region: BoolArray, height: Heights, observed: BoolArray) -> Rim:
        full_scale = float(self.high) - float(self.low)
        step, sigmas = self.params.step, self.params.noise
        return hard_rim(region, height, observed, self.noise, full_scale, step, sigmas)

    def _constants(self) -> list[Any]:
        """Return the middle values that fill flat patches."""
        values = [self.plane[:0].ravel()]
        lit = self.lit()
        for outer, inner, band in bands(self.plane.shape, CORE // 2):
            patches = flat(self.plane[outer], CORE)[inner]
            values.append(self.plane[band][patches & lit[band]])
        found, counts = np.unique(np.concatenate(values), return_counts=True)
        return list(found[np.argsort(-counts, kind="stable")[:MAX_CONSTANTS]])

    def _search_scattered(self, value: Any) -> None:
        alone = self._scattered(value, (self.plane == value) & ~self.found)
        if alone.any():
            self.found |= alone
            np.copyto(self.alone, True, where=alone)  # leaves what is empty unwritten

    def _scattered(self, value: Any, level: BoolArray) -> BoolArray:
        """Return which of some pixels of a value stand amid signal, if that is asked for."""
        level &= self.observed
        told = self.params.scattered and not (self.too_dim and value == self.low)
        if not told or not level.any():
            return np.zeros_like(level)
        seen, height = self.observed & ~self.found, Heights(self.plane, value)
        return scattered(level, height, seen, self.noise, self.params.noise)

    def confirm(self, holes: Regions, pixels: IndexArray, which: IndexArray) -> None:
        """Take over the holes of another channel that this one bears out.

        Parameters
        ----------
        holes : Regions
            Of the other channel.
        pixels, which : numpy.ndarray
            All their pixels, counted row by row, and the hole of each.
        """
        if self.says_nothing:
            return
        area = holes.area()
        known = np.bincount(which[self.found.flat[pixels]], minlength=holes.count)
        for value in (self.low, self.high):
            wanted = (known < area) & (area >= self.params.min_edge)
            if not wanted.any():
                return
            at_value = (self.plane.flat[pixels] == value) & self.observed.flat[pixels]
            same = np.bincount(which[at_value], minlength=holes.count)
            wanted &= same >= 0.999 * area
            if not wanted.any():
                continue
            region = np.zeros_like(self.found)
            region.flat[pixels[at_value & wanted[which]]] = True
            others = self.observed & (self.plane != value)
            np.greater(others, self.found, out=others)  # of other values, and not found
            rim = self._rim(region, Heights(self.plane, value), others)
            hard = holes.counted(rim.likely)
            holes.paint(self.found, wanted & (hard >= self.params.min_edge))


def _touching(region: BoolArray, seeds: BoolArray) -> BoolArray:
    """Return the connected parts of a region that hold a seed."""
    regions = Regions.of(region, corners=False)
    return regions.mask(regions.counted(seeds) > 0)
