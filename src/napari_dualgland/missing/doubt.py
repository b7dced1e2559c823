"""What of the pixels found may well be measured after all, and what a person should hear of.

Damage has a sharp rim wherever signal meets it. A region that has one on some sides alone
is more likely the trace of a codec or a filter that nobody has thought of here, and what
was measured is not to be made up. Nor is much of a channel to be filled unheard of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import ndimage

from napari_dualgland.findings import Finding
from napari_dualgland.missing.levels import EIGHT
from napari_dualgland.missing.rims import Rim
from napari_dualgland.missing.windows import dilated
from napari_dualgland.typing import BoolArray

SHARP_SIDES = 0.5
"""Share of the pixels around a region, of other values than its own, at a hard rim; with
less it is doubtful. Nineteen in twenty pixels of damage lie in regions with 0.6 or more."""
BORNE_OUT = 0.9
"""Share of a doubtful region that another channel's hole must cover to be believed: a dead tile
has all channels, and in one of them its rim may be too dim to tell."""
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
    labels, count = ndimage.label(region, EIGHT)
    signal = rim.touching & lit
    beside = ndimage.grey_dilation(labels, (3, 3))[signal]
    around = np.bincount(beside, minlength=count + 1)
    hard = np.bincount(beside, dilated(rim.likely, 3)[signal], count + 1)
    doubtful = hard < SHARP_SIDES * around
    doubtful[0] = False
    return np.asarray(doubtful[labels])


def not_borne_out(doubtful: BoolArray, missing: BoolArray) -> BoolArray:
    """Return what is doubtful less the regions that are beyond doubt in another channel.

    Parameters
    ----------
    doubtful, missing : numpy.ndarray
        (C, Y, X), boolean: what is in doubt of what is found, and what is found.

    Returns
    -------
    numpy.ndarray
        (C, Y, X), boolean.
    """
    sure, left = missing & ~doubtful, doubtful.copy()
    for i in np.flatnonzero(doubtful.any(axis=(1, 2))):
        labels, count = ndimage.label(doubtful[i], EIGHT)
        area = np.bincount(labels.ravel(), minlength=count + 1)
        for j in range(len(sure)):
            covered = np.bincount(labels[sure[j]], minlength=count + 1)
            left[i] &= (covered < BORNE_OUT * area)[labels]
    return left


def findings(
    missing: BoolArray, doubtful: BoolArray, names: Sequence[str], t: int, z: int
) -> Iterator[Finding]:
    """Yield what a person should hear of a plane before it is filled.

    Parameters
    ----------
    missing, doubtful : numpy.ndarray
        (C, Y, X), boolean: what will be filled, and what may be measured after all.
    names : sequence of str
        Of the channels.
    t, z : int
        The plane.

    Yields
    ------
    Finding
    """
    for name, lost, unsure in zip(names, missing, doubtful, strict=True):
        sure = lost & ~unsure
        if sure.mean() > MUCH:
            yield _finding(sure, name, t, z, doubtful=False, filled=True)
        if unsure.any():
            yield _finding(unsure, name, t, z, doubtful=True, filled=bool((lost & unsure).any()))


def _finding(
    mask: BoolArray, name: str, t: int, z: int, *, doubtful: bool, filled: bool
) -> Finding:
    labels, count = ndimage.label(mask, EIGHT)
    largest = int(np.bincount(labels.ravel())[1:].argmax()) if count else 0
    rows, columns = ndimage.find_objects(labels)[largest]
    box = (rows.start, rows.stop - 1, columns.start, columns.stop - 1)
    return Finding(name, t, z, doubtful, filled, float(mask.mean()), count, box)
