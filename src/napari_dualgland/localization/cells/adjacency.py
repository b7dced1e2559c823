"""Labels that touch: which do, where, and two of them made one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.cluster.hierarchy import DisjointSet
from skimage.segmentation import relabel_sequential

from napari_dualgland.typing import IndexArray, LabelArray

SIDES = (
    ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
    ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
)
"""A plane less its last column or row, and less its first: the two sides of every step between
pixels that share an edge."""


def neighbours(labels: LabelArray) -> tuple[IndexArray, IndexArray]:
    """Return which labels touch, and where.

    Returns
    -------
    pairs : numpy.ndarray
        (N, 2) labels on the two sides of every step between two pixels of different labels,
        the smaller first; background is no neighbour.
    places : numpy.ndarray
        (N,) flat index of the first of the two pixels.
    """
    index = np.arange(labels.size).reshape(labels.shape)
    pairs, places = [], []
    for here, there in SIDES:
        a, b = labels[here], labels[there]
        meet = (a != b) & (a > 0) & (b > 0)
        pairs.append(np.sort(np.stack([a[meet], b[meet]], axis=1), axis=1))
        places.append(index[here][meet])
    return np.concatenate(pairs).astype(np.int64), np.concatenate(places)


def joined(labels: LabelArray, pairs: Iterable[tuple[int, int]]) -> LabelArray:
    """Make labels one.

    Parameters
    ----------
    labels : numpy.ndarray
        int32, any shape, 0 for background.
    pairs : iterable of (int, int)
        Labels that are one; whatever is connected through pairs becomes one label.

    Returns
    -------
    numpy.ndarray
        int32, numbered from 1 without gaps, in the order of the smallest label of each.
    """
    smallest = np.arange(int(labels.max(initial=0)) + 1, dtype=np.int32)
    sets = DisjointSet(smallest.tolist())
    for a, b in pairs:
        sets.merge(int(a), int(b))
    for members in sets.subsets():
        smallest[list(members)] = min(members)
    return renumbered(smallest[labels])


def renumbered(labels: LabelArray) -> LabelArray:
    """Return labels numbered from 1 without gaps, in the order they had."""
    return np.asarray(relabel_sequential(labels)[0], np.int32)
