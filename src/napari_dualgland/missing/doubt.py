"""What of the pixels found may well be measured after all, and what a person should hear of.

Damage has a sharp rim wherever signal meets it. A region that has one on some sides alone
is more likely the trace of a codec or a filter that nobody has thought of here, and what
was measured is not to be made up. Nor is much of a channel to be filled unheard of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from napari_dualgland.findings import Finding
from napari_dualgland.missing.regions import Regions
from napari_dualgland.missing.rims import Rim
from napari_dualgland.missing.windows import dilated
from napari_dualgland.packed import PackedMask
from napari_dualgland.typing import BoolArray

SHARP_SIDES = 0.5
"""Share of the pixels around a region, of other values than its own, at a hard rim; with
less it is doubtful. Nineteen in twenty pixels of damage lie in regions with 0.6 or more."""
BORNE_OUT = 0.9
"""Share of a doubtful region that other channels' holes must cover to be believed: a dead tile
has all channels, and in some of them its rim may be too dim to tell."""
BAND = 1024
"""Rows of a plane that are looked at in one go."""
MUCH = 0.005
"""Share of a channel that is not filled unheard of."""


def without_sharp_rim(region: BoolArray, rim: Rim, lit: BoolArray) -> BoolArray:
    """Return the connected parts of a region whose rims are not hard on all sides.

    Parameters
    ----------
    region : numpy.ndarray
        (Y, X), boolean; all its pixels hold one value.
    rim : Rim
        Where it ends abruptly.
    lit : numpy.ndarray
        (Y, X), boolean: pixels that stand above the noise; others have no sharp rim anyhow.

    Returns
    -------
    numpy.ndarray
        (Y, X), boolean.
    """
    regions = Regions.of(region)
    signal = np.flatnonzero(rim.touching & lit)
    beside = regions.beside(signal)
    hard = dilated(rim.likely, 3).flat[signal]
    around = np.bincount(beside[beside >= 0], minlength=regions.count)
    hard_around = np.bincount(beside[(beside >= 0) & hard], minlength=regions.count)
    return regions.mask(hard_around < SHARP_SIDES * around)


def not_borne_out(doubtful: BoolArray, missing: BoolArray) -> BoolArray:
    """Return what is doubtful less the regions that are beyond doubt in other channels.

    Parameters
    ----------
    doubtful, missing : numpy.ndarray
        (C, Y, X), boolean: what is in doubt of what is found, and what is found.

    Returns
    -------
    numpy.ndarray
        (C, Y, X), boolean.
    """
    unsure = np.flatnonzero(doubtful.any(axis=(1, 2)))
    if not unsure.size:
        return doubtful
    left = doubtful.copy()
    certain = (missing & ~doubtful).any(axis=0)
    for i in unsure:
        regions = Regions.of(doubtful[i])
        covered = regions.counted(doubtful[i] & certain)
        regions.paint(left[i], covered >= BORNE_OUT * regions.area(), value=False)
    return left


def findings(
    missing: BoolArray | PackedMask,
    doubtful: BoolArray | PackedMask,
    names: Sequence[str],
    t: int,
    z: int,
    parts: int = 0,
) -> Iterator[Finding]:
    """Yield what a person should hear of a plane before it is filled.

    Parameters
    ----------
    missing, doubtful : numpy.ndarray or PackedMask
        (C, Y, X), boolean: what will be filled, and what may be measured after all.
    names : sequence of str
        Of the channels; none where they have no names.
    t, z : int
        The plane.
    parts : int
        See :class:`~napari_dualgland.findings.Finding`.

    Yields
    ------
    Finding
    """
    for c, name in enumerate(names or [""] * missing.shape[0]):
        unsure, sure = _Rows(doubtful, c), _Rows(missing, c, doubtful)
        if sure.share() > MUCH:
            yield sure.finding(name, t, z, doubtful=False, filled=True, parts=parts)
        if unsure.count():
            filled = sure.count() < _Rows(missing, c).count()
            yield unsure.finding(name, t, z, doubtful=True, filled=filled, parts=parts)


class _Rows:
    """The mask of one channel less another, looked at some rows at a time."""

    def __init__(
        self, mask: BoolArray | PackedMask, c: int, less: BoolArray | PackedMask | None = None
    ) -> None:
        self._mask, self._c, self._less = mask, c, less
        self.shape = (mask.shape[1], mask.shape[2])

    def __iter__(self) -> Iterator[BoolArray]:
        for y in range(0, self.shape[0], BAND):
            at = (slice(self._c, self._c + 1), slice(y, y + BAND), slice(None))
            rows = self._mask[at][0]
            yield rows if self._less is None else rows & ~self._less[at][0]

    def count(self) -> int:
        return sum(int(np.count_nonzero(rows)) for rows in self)

    def share(self) -> float:
        return self.count() / (self.shape[0] * self.shape[1])

    def finding(
        self, name: str, t: int, z: int, *, doubtful: bool, filled: bool, parts: int
    ) -> Finding:
        regions = Regions.of_bands(self.shape, self)
        box = regions.box(int(regions.area().argmax()))
        return Finding(name, t, z, doubtful, filled, self.share(), regions.count, box, parts)
