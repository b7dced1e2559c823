"""The cells of a frame and how many nuclei each has: found here, or given and only counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from napari_dualgland.localization.cells.find import find_cells
from napari_dualgland.localization.cells.grid import Grid
from napari_dualgland.localization.cells.nuclei import find_mitotic, find_nuclei
from napari_dualgland.localization.frames import Frame
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.localization.ranked import Ranked, ranked
from napari_dualgland.stack import ROLES
from napari_dualgland.typing import BoolArray, IndexArray, LabelArray

NUCLEUS = ROLES.index("nucleus")


@dataclass(frozen=True)
class Segmentation:
    """The N cells of a frame.

    Attributes
    ----------
    cells : Ranked
        Their labels.
    nuclei : numpy.ndarray
        (N,) int64: how many nuclei each has.
    mitotic : numpy.ndarray
        (N,) boolean.
    note : str
        What a person must know of how they were found; empty where there is nothing to say.
    """

    cells: Ranked
    nuclei: IndexArray
    mitotic: BoolArray
    note: str = ""

    def columns(self) -> dict[str, Any]:
        """Return what the table says of it."""
        return {"nuclei": self.nuclei, "mitotic": self.mitotic}


def segment_frame(frame: Frame, pixel_um: float, params: LocalizeParams) -> Segmentation:
    """Find the cells of a frame.

    Parameters
    ----------
    frame : Frame
        Any channel may be absent.
    pixel_um : float
        Micrometres per pixel.
    params : LocalizeParams
        As :func:`~napari_dualgland.localization.cells.find_cells` takes them.

    Returns
    -------
    Segmentation
        Numbered from 1 without gaps.
    """
    found = find_cells(frame.values, pixel_um, params)
    cells = ranked(found.labels)
    counts = [
        ndimage.label(found.nuclei[window] == label)[1]
        for label, window in zip(cells.labels, cells.windows, strict=True)
    ]
    mitotic = np.isin(cells.labels, list(found.mitotic))
    return Segmentation(cells, np.array(counts, np.int64), mitotic, found.note)


def count_nuclei(
    plane: LabelArray, frame: Frame, pixel_um: float, params: LocalizeParams
) -> Segmentation:
    """Count the nuclei in the cells of a given (Y, X) plane of labels.

    A nucleus belongs to the cell that holds most of it.

    Parameters
    ----------
    plane : numpy.ndarray
        (Y, X) int32, 0 for background.
    frame : Frame
        Whose nuclei are counted; none where the channel is absent.
    pixel_um : float
        Micrometres per pixel.
    params : LocalizeParams
        ``nucleus_um`` is used.

    Returns
    -------
    Segmentation
        With the labels of ``plane``.
    """
    cells = ranked(plane)
    count = len(cells.labels)
    dna = frame.values[NUCLEUS]
    if not count or not np.isfinite(dna).any():
        return Segmentation(cells, np.zeros(count, np.int64), np.zeros(count, bool))
    grid = Grid.over(frame.shape, pixel_um)
    coarse = grid.shrink(dna)
    coarse = np.where(np.isfinite(coarse), coarse, np.nanmin(coarse)).astype(np.float32)
    nuclei = find_nuclei(coarse, grid.pixel_um, params.nucleus_um)
    middle = grid.step // 2
    places = [np.minimum(np.arange(m) * grid.step + middle, n - 1)
              for m, n in zip(coarse.shape, frame.shape, strict=True)]  # fmt: skip
    owner = _owners(nuclei, cells.rank[np.ix_(*places)])
    mitotic = np.zeros(count + 1, bool)
    mitotic[[owner[label - 1] for label in find_mitotic(coarse, nuclei)]] = True
    counts = np.bincount(owner, minlength=count + 1)[1:]
    return Segmentation(cells, counts.astype(np.int64), mitotic[1:])


def _owners(nuclei: LabelArray, rank: LabelArray) -> IndexArray:
    """Return for each nucleus the rank of the cell that holds most of it, 0 for none."""
    owner = np.zeros(int(nuclei.max(initial=0)), np.int64)
    for i, window in enumerate(ndimage.find_objects(nuclei)):
        if window is not None:
            owner[i] = np.bincount(rank[window][nuclei[window] == i + 1]).argmax()
    return owner
