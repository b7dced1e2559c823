"""Which nuclei share a cell: close ones, of a kind, with no edge of a cell between them.

Two cells taken for one spoil two rows of a table, a cell with two nuclei taken for two spoils
little; so everything must speak for it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from napari_dualgland.localization.cells.adjacency import neighbours
from napari_dualgland.typing import Float32Array, IndexArray, LabelArray

CLOSE = 0.2
"""Nuclei of a cell are no farther apart than this, in typical nuclei."""

CENTRAL = 0.36
"""The centres of its nuclei are no farther apart than this share of a cell's diameter."""

ALIKE = 0.7
"""Nuclei of a cell are of one brightness, up to this ratio."""

FRAGMENT = 0.3
"""A nucleus of less than this area, in those of a typical one, may be a fragment of another."""

VALLEY, WORST = 0.82, 0.65
"""The border of two cells is dimmer than this share of what lies beside it: at half, and at a
fifth of its length."""

VALLEY_OF_FRAGMENT = 0.6
"""The same for a fragment."""


class _Border(NamedTuple):
    """Brightness where two cells meet, in shares of that beside it."""

    median: float
    fifth: float


def multinucleate_pairs(
    cells: LabelArray,
    nuclei: LabelArray,
    brightness: Float32Array,
    dna: Float32Array,
    pixel_um: float,
    nucleus_um: float,
) -> list[tuple[int, int]]:
    """Return the pairs of nuclei that share a cell; ``cells`` have the labels of ``nuclei``.

    Parameters
    ----------
    cells, nuclei : numpy.ndarray
        int32 (Y, X) labels.
    brightness, dna : numpy.ndarray
        (Y, X), brightness of microtubules and ER, and of the nuclei.
    pixel_um, nucleus_um : float
        Micrometres per pixel and along a typical nucleus.

    Returns
    -------
    list of (int, int)
        Labels, no nucleus in two pairs but one that fragments came from.
    """
    found = _borders(cells, nuclei, brightness, pixel_um, nucleus_um)
    labels = np.arange(int(nuclei.max(initial=0)) + 1)
    areas = np.bincount(nuclei.ravel(), minlength=labels.size) * pixel_um**2
    wholes = np.bincount(cells.ravel(), minlength=labels.size) * pixel_um**2
    light = dna - np.percentile(dna, 5)
    # Index 0, the background, is never asked for.
    levels = np.concatenate([[0], ndimage.mean(light, nuclei, labels[1:])])
    middles = np.array(ndimage.center_of_mass(nuclei > 0, nuclei, labels[1:])).reshape(-1, 2)
    centres = np.concatenate([np.zeros((1, 2)), middles]) * pixel_um
    cut = np.isin(labels, [nuclei[0], nuclei[-1]]) | np.isin(labels, nuclei[:, [0, -1]])
    fragment = (areas < FRAGMENT * np.pi / 4 * nucleus_um**2) & ~cut
    shared, taken = [], set()
    # The likeliest first: a nucleus has one partner, a fragment one nucleus it came from.
    for (a, b), border in sorted(found.items(), key=lambda item: -item[1].median):
        if fragment[a] or fragment[b]:
            if border.median > VALLEY_OF_FRAGMENT and not (
                (a in taken or not fragment[a]) and (b in taken or not fragment[b])
            ):
                taken |= {label for label in (a, b) if fragment[label]}
                shared.append((a, b))
            continue
        apart = float(np.hypot(*(centres[a] - centres[b])))
        across = 2 * np.sqrt((wholes[a] + wholes[b]) / np.pi)
        alike = min(levels[a], levels[b]) > ALIKE * max(levels[a], levels[b])
        alike &= min(areas[a], areas[b]) > 0.35 * max(areas[a], areas[b])
        no_valley = border.median > VALLEY and border.fifth > WORST
        if no_valley and alike and apart < CENTRAL * across and not taken & {a, b}:
            taken |= {a, b}
            shared.append((a, b))
    return shared


def _borders(
    cells: LabelArray,
    nuclei: LabelArray,
    brightness: Float32Array,
    pixel_um: float,
    nucleus_um: float,
) -> dict[tuple[int, int], _Border]:
    """Return the borders of all pairs of cells whose nuclei are close."""
    pairs, places = neighbours(cells)
    smooth = ndimage.gaussian_filter(brightness, 0.5 / pixel_um)
    far = ndimage.distance_transform_edt(nuclei == 0).ravel() * pixel_um
    found = {}
    for a, b in np.unique(pairs, axis=0):
        line = places[(pairs[:, 0] == a) & (pairs[:, 1] == b)]
        gap = 2 * float(far[line].min())
        between = line[far[line] <= 0.5 * nucleus_um]
        if gap <= CLOSE * nucleus_um:
            beside = _upper_fifth(smooth, between, round(2 / pixel_um))
            ratio = smooth.ravel()[between] / np.maximum(beside, 1e-3)
            median, fifth = np.percentile(ratio, [50, 20])
            found[int(a), int(b)] = _Border(float(median), float(fifth))
    return found


def _upper_fifth(plane: Float32Array, places: IndexArray, reach: int) -> Float32Array:
    """Return the level of the brightest fifth of the square around each of these flat indices."""
    rows, columns = np.divmod(places, plane.shape[1])
    side = 2 * reach + 1
    padded = np.pad(plane, reach, mode="symmetric")
    squares = np.lib.stride_tricks.sliding_window_view(padded, (side, side))[rows, columns]
    rank = side * side * 80 // 100
    return np.asarray(np.partition(squares.reshape(len(places), -1), rank)[:, rank])
