"""Nuclei from DNA: bright ones and dim ones, apart where they touch, whole where lobed.

A threshold for the frame only finds candidates; what belongs to a nucleus is then told by
half of its own brightness, so that a mitotic cell does not hide the dim one beside it.
Candidates are cut at every neck and put together again unless there is a reason not to:
a dark seam, a neck that is thin, or two very different brightnesses.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.morphology import h_maxima
from skimage.segmentation import watershed

from napari_dualgland.localization.cells.adjacency import joined, neighbours, renumbered
from napari_dualgland.typing import BoolArray, Float32Array, IndexArray, LabelArray

FAINTEST = 0.12
"""A nucleus has at least this share of the brightness that is typical for the frame."""

RIM = 0.36
"""Where a nucleus ends, as a share of its own brightness."""

SMALLEST = 0.1
"""Area of the smallest nucleus, as a share of a disc of the typical diameter."""

SEAM = 0.78
"""Two nuclei are apart where the seam is darker than this share of the dimmer one."""

NECK = 0.42
"""Two nuclei are apart where the neck is thinner than this share of the smaller one."""


def find_nuclei(dna: Float32Array, pixel_um: float, nucleus_um: float) -> LabelArray:
    """Return the nuclei of a frame.

    Parameters
    ----------
    dna : numpy.ndarray
        (Y, X), no NaN; pixels of about 0.2 to 0.5 µm.
    pixel_um, nucleus_um : float
        Micrometres per pixel and along a typical nucleus.

    Returns
    -------
    numpy.ndarray
        int32 labels, numbered from 1.
    """
    smooth = ndimage.gaussian_filter(dna, 0.5 / pixel_um)
    light = np.asarray(smooth - np.percentile(smooth, 5), np.float32)
    floor = _floor(light)
    if floor is None:
        return np.zeros(dna.shape, np.int32)
    smallest = SMALLEST * np.pi / 4 * (nucleus_um / pixel_um) ** 2
    mask = _candidates(light, light > floor, pixel_um, smallest)
    parts = _cut(light, mask, pixel_um, nucleus_um)
    whole = joined(parts, _not_apart(light, parts, pixel_um))
    whole = _large_enough(whole, smallest)
    return _at_own_rims(light, whole, light > floor, pixel_um)


def _floor(light: Float32Array) -> float | None:
    """Return the level above which a nucleus may be, None where there is none at all."""
    root = np.sqrt(np.maximum(light, 0))
    if root.max() <= 0:
        return None
    bright = root > threshold_otsu(root)
    typical, dim = float(np.median(light[bright])), light[~bright]
    noise = 1.48 * float(np.median(np.abs(dim - np.median(dim))))
    if typical - float(np.median(dim)) < 5 * noise:
        return None
    return max(FAINTEST * typical, float(np.median(dim)) + 4 * noise)


def _candidates(
    light: Float32Array, mask: BoolArray, pixel_um: float, smallest: float
) -> BoolArray:
    """Cut every candidate at half of its own brightness; what is left may be a dimmer one."""
    found = np.zeros(mask.shape, bool)
    left = _opened(mask, 0.7 / pixel_um)
    for _ in range(3):
        candidates, count = ndimage.label(left)
        for label, window in enumerate(ndimage.find_objects(candidates), start=1):
            own = candidates[window] == label
            if own.sum() < smallest:
                continue
            level = float(np.percentile(light[window][own], 75))
            found[window] |= ndimage.binary_fill_holes(own & (light[window] > RIM * level))
        # The blurred rim of a bright one is no dim one: leave a margin around what is found.
        near = ndimage.distance_transform_edt(~found) * pixel_um < 1.2
        left = _opened(left & ~near, 1.2 / pixel_um)
        if not count or not left.any():
            break
    return np.asarray(_opened(found, 0.7 / pixel_um))


def _opened(mask: BoolArray, radius: float) -> BoolArray:
    """Return the mask without what is thinner than a disc of that radius in pixels."""
    if not mask.any():
        return mask
    # A frame's border cuts a nucleus; it does not make it thin.
    wide = int(np.ceil(radius)) + 1
    padded = np.pad(mask, wide, mode="edge")
    core = ndimage.distance_transform_edt(padded) > radius
    back = ndimage.distance_transform_edt(~core) <= radius
    return np.asarray(back[wide:-wide, wide:-wide] & mask)


def _cut(light: Float32Array, mask: BoolArray, pixel_um: float, nucleus_um: float) -> LabelArray:
    """Cut a mask at its necks and dark seams."""
    depth = ndimage.distance_transform_edt(np.pad(mask, 1, mode="edge"))[1:-1, 1:-1] * pixel_um
    depth = ndimage.gaussian_filter(depth.astype(np.float32), 0.5 / pixel_um) * mask
    peaks, _ = ndimage.label(h_maxima(depth, 0.035 * nucleus_um), np.ones((3, 3)))
    fine = ndimage.gaussian_filter(light, 0.4 / pixel_um)
    own, _ = ndimage.label(mask)
    levels = np.zeros(int(own.max()) + 1)
    levels[1:] = _medians(light, own)
    relative = np.clip(fine / np.maximum(levels[own], 1e-9), 0.3, 1.2)
    return np.asarray(watershed(-depth * relative, peaks, mask=mask), np.int32)


def _medians(light: Float32Array, labels: LabelArray) -> Float32Array:
    """Return the median of every label, numbered from 1 without gaps."""
    own = labels > 0  # the background would be sorted with them
    if not own.any():
        return np.zeros(0, np.float32)
    index = np.arange(1, int(labels.max(initial=0)) + 1)
    return np.asarray(ndimage.median(light[own], labels[own], index), np.float32)


def _not_apart(light: Float32Array, parts: LabelArray, pixel_um: float) -> list[tuple[int, int]]:
    """Return the pairs of touching parts that are lobes of one nucleus."""
    pairs, places = neighbours(parts)
    if not len(pairs):
        return []
    levels = _medians(light, parts)
    areas = np.bincount(parts.ravel())[1:] * pixel_um**2
    lobes = []
    for a, b in np.unique(pairs, axis=0):
        seam = places[(pairs[:, 0] == a) & (pairs[:, 1] == b)]
        dim, bright = sorted((levels[a - 1], levels[b - 1]))
        # Steps are counted along rows and columns; a slanting line has more of them.
        neck = 0.85 * seam.size * pixel_um
        small = 2 * np.sqrt(min(areas[a - 1], areas[b - 1]) / np.pi)
        # A dark line wider than what it cuts off is a fold.
        dark = float(np.median(light.ravel()[seam])) < SEAM * dim and neck < 1.3 * small
        thin = neck < NECK * small and not _at_border(seam, parts.shape)
        if not (dark or thin or dim < 0.55 * bright):
            lobes.append((int(a), int(b)))
    return lobes


def _at_border(places: IndexArray, shape: tuple[int, ...]) -> bool:
    """Tell whether any of these flat indices lies on the border: part of a neck may be cut off."""
    rows, columns = np.divmod(places, shape[1])
    low, high = min(rows.min(), columns.min()), (rows.max(), columns.max())
    return bool(low < 2 or high[0] > shape[0] - 3 or high[1] > shape[1] - 3)


def _at_own_rims(
    light: Float32Array, nuclei: LabelArray, mask: BoolArray, pixel_um: float
) -> LabelArray:
    """Let every nucleus reach to where it has a set share of its own brightness.

    Where several were found as one, the brightest has told the level for all.
    """
    levels = np.zeros(int(nuclei.max(initial=0)) + 1, np.float32)
    levels[1:] = _medians(light, nuclei)
    near = ndimage.distance_transform_edt(nuclei == 0) * pixel_um < 4
    grown = np.asarray(watershed(-light, nuclei, mask=near & (mask | (nuclei > 0))), np.int32)
    out = np.zeros_like(nuclei)
    for label, window in enumerate(ndimage.find_objects(grown), start=1):
        own = (grown[window] == label) & (light[window] > RIM * levels[label])
        own = _opened(own, 0.7 / pixel_um)
        pieces, count = ndimage.label(own)
        if count > 1:
            own = pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])
        out[window][_without_gaps(own) & (grown[window] == label)] = label
    return out


def _without_gaps(own: BoolArray) -> BoolArray:
    """Fill holes, and nucleoli that the window's edge opens."""
    filled = ndimage.binary_fill_holes(own)
    gaps, _ = ndimage.label(~filled)
    sizes = np.bincount(gaps.ravel())
    sizes[0] = 0
    return np.asarray(filled | ((sizes < 0.03 * own.sum())[gaps] & (gaps > 0)))


def _large_enough(nuclei: LabelArray, smallest: float) -> LabelArray:
    """Drop what is too small, but for a nucleus that the border cuts."""
    areas = np.bincount(nuclei.ravel())
    keep = areas >= smallest
    edge = np.concatenate([nuclei[0], nuclei[-1], nuclei[:, 0], nuclei[:, -1]])
    cut = np.unique(edge)
    keep[cut] |= areas[cut] >= smallest / 2
    keep[0] = True
    return renumbered(np.where(keep[nuclei], nuclei, 0).astype(np.int32))


def find_mitotic(dna: Float32Array, nuclei: LabelArray) -> frozenset[int]:
    """Return the labels of condensed nuclei: small, compact, much brighter than the others.

    One can only be told beside others: none is among fewer than three nuclei.

    Parameters
    ----------
    dna : numpy.ndarray
        (Y, X), no NaN, any units.
    nuclei : numpy.ndarray
        (Y, X) int32 labels, numbered from 1 without gaps.

    Returns
    -------
    frozenset of int
        Labels of ``nuclei``.
    """
    count = int(nuclei.max(initial=0))
    if count < 3:
        return frozenset()
    labels = np.arange(1, count + 1)
    light = dna - np.percentile(dna, 5)
    means = np.asarray(ndimage.mean(light, nuclei, labels))
    areas = np.bincount(nuclei.ravel(), minlength=count + 1)[1:]
    bright = means >= 1.6 * np.median(means)
    small = areas <= 0.8 * np.median(areas)
    return frozenset(int(label) for label in labels[bright & small])
