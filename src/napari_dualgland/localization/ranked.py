"""The labels of a frame by their rank.

Labels may be any numbers (Cellpose counts, a tracker gives millions): inside, cells are
numbered by their rank in the frame, so that no table grows with the largest label.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy import ndimage
from skimage.segmentation import relabel_sequential

from napari_dualgland.typing import IndexArray, LabelArray

Window: TypeAlias = tuple[slice, slice]


@dataclass(frozen=True)
class Ranked:
    """The labels of a frame, and where each is.

    Attributes
    ----------
    labels : numpy.ndarray
        (N,) int64, ascending; 0 is not among them.
    rank : numpy.ndarray
        (Y, X) int32: 0 for background, else 1 + the position in ``labels``.
    windows : tuple of (slice, slice)
        (y, x) bounding boxes, in the order of ``labels``.
    """

    labels: IndexArray
    rank: LabelArray
    windows: tuple[Window, ...]


def ranked(plane: LabelArray) -> Ranked:
    """Return the labels of a (Y, X) plane of integers, 0 for background."""
    if plane.min(initial=0) >= 0 and plane.max(initial=0) <= plane.size:
        # Counted, not sorted: that is what labels that are nearly without gaps allow.
        there = np.bincount(plane.ravel()) > 0
        there[:1] = False
        labels = np.flatnonzero(there)
        rank = np.asarray(plane, np.int32)
        if len(labels) < there.size - 1:
            rank = np.cumsum(there, dtype=np.int32)[rank]
    else:
        values = np.unique(plane)
        labels = values[values != 0].astype(np.int64)
        rank = np.asarray(relabel_sequential(plane)[0], np.int32)
    return Ranked(labels, rank, tuple(ndimage.find_objects(rank, max_label=len(labels))))
