"""The frames of a stack as the localizer is given them: roles in order, damage left out.

One frame is in memory at a time, however long the stack. What is damaged is NaN; what an
earlier run has filled is looked at like the rest, but counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.findings import Finding
from napari_dualgland.hot_pixels import hot_in_plane
from napari_dualgland.intensities import measurable
from napari_dualgland.mask import as_mask
from napari_dualgland.missing import MissingParams
from napari_dualgland.missing.detect import find_in_planes
from napari_dualgland.stack import ROLES, Stack, to_canonical
from napari_dualgland.typing import AnyArray, BoolArray, Float32Array

PROTEIN = ROLES.index("protein")


@dataclass(frozen=True)
class Frame:
    """One frame, channels in the order of ROLES.

    Attributes
    ----------
    t, z : int
        Where in the stack.
    values : numpy.ndarray
        (4, Y, X) float32, in the units of the stack; NaN where a pixel is missing, all NaN
        where there is no such channel. A hot pixel is as bright as its surroundings are.
    missing, imputed : numpy.ndarray
        (C, Y, X), boolean, of the channels at hand alone: damaged and not filled; filled.
    at_hand : tuple of int
        Their places among ROLES.
    """

    t: int
    z: int
    values: Float32Array
    missing: BoolArray
    imputed: BoolArray
    at_hand: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """(Y, X)."""
        return self.values.shape[1], self.values.shape[2]

    @property
    def estimated(self) -> BoolArray:
        """(C, Y, X): not measured, be it missing or filled."""
        return self.missing | self.imputed


def stack_of(given: Stack) -> Stack:
    """Return the stack to look at; that of an imputation knows which pixels were filled.

    Raises
    ------
    DualglandError
        If no channel is the protein: then there is nothing to localize.
    """
    stack = given
    if "protein" not in stack.roles:
        raise DualglandError(
            Kind.LACKING,
            stack.where,
            "no channel is the protein, so there is nothing to localize",
            part="protein",
            way_out="say which one is, e.g. --channels protein=1",
        )
    return stack


class Frames:
    """Reads a stack frame by frame.

    Parameters
    ----------
    stack : Stack
        With a protein channel.
    missing : array_like or None
        As :func:`napari_dualgland.impute` takes it; None finds damage in the
        frames themselves.

    Attributes
    ----------
    doubts : list of str
        What a person should hear of the frames that were read: what may be damaged, and is
        looked at as measured.
    """

    def __init__(self, stack: Stack, missing: Any = None) -> None:
        self.stack = stack
        self.places = list(stack.frames())
        self._data = stack.canonical()
        self._at_hand = tuple(ROLES.index(role) for role in stack.roles)
        self._index = list(stack.roles.values())
        self._names = [stack.channel_keys[i] for i in self._index]
        self.doubts: list[str] = []
        mask = None if missing is None else as_mask(missing).fitted(stack)
        self._missing = None if mask is None else to_canonical(mask, stack.axes)
        self._imputed = None if stack.imputed is None else to_canonical(stack.imputed, stack.axes)

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Frame]:
        for t, z in self.places:
            yield self._read(t, z)

    def _read(self, t: int, z: int) -> Frame:
        planes = np.asarray(self._data[t, z][self._index])
        imputed = self._mask(self._imputed, t, z, planes.shape)
        if self._missing is None:
            how = (MissingParams(), self._names, (t, z), self._hear)
            missing = find_in_planes(_hidden(planes, imputed), *how)
        else:
            missing = self._mask(self._missing, t, z, planes.shape)
        # What was filled is no longer missing, however odd it looks; what no camera counts is,
        # whoever says so.
        missing = missing & ~imputed
        if planes.dtype.kind == "f":
            missing |= ~measurable(planes)
            imputed = imputed & ~missing
        values = np.full((len(ROLES), *planes.shape[1:]), np.nan, np.float32)
        for place, plane, lost in zip(self._at_hand, planes, missing, strict=True):
            values[place] = np.where(lost, np.nan, plane)
            hot, usual = hot_in_plane(values[place], ~lost)
            values[place][hot] = usual
        return Frame(t, z, values, missing, imputed, self._at_hand)

    def _hear(self, finding: Finding) -> None:
        # What is beyond doubt is left out here and not filled; it is counted as missing.
        if finding.doubtful:
            self.doubts.append(finding.sentence())

    def _mask(self, mask: Any, t: int, z: int, shape: tuple[int, ...]) -> BoolArray:
        if mask is None:
            return np.zeros(shape, bool)
        return np.asarray(mask[t, z][self._index], bool)


def _hidden(planes: AnyArray, imputed: BoolArray) -> AnyArray:
    """Return what is looked at for damage: NaN where pixels were filled in.

    What a fill holds says nothing of its neighbours, and where damage lies is measured, too.
    """
    if not imputed.any():
        return planes
    wide = np.float32 if planes.dtype.itemsize < 4 else np.float64
    hidden = planes.astype(planes.dtype if planes.dtype.kind == "f" else wide)
    hidden[imputed] = np.nan
    return hidden
