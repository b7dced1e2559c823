"""The cells of a frame and their nuclei: found here, or given and only counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_dualgland.localization.cells import find_cells
from napari_dualgland.localization.frames import Frame
from napari_dualgland.localization.grid import Grid
from napari_dualgland.localization.labels import Ranked, ranked
from napari_dualgland.localization.nuclei import find_mitotic, find_nuclei
from napari_dualgland.localization.params import LocalizeParams
from napari_dualgland.stack import ROLES

NUCLEUS = ROLES.index("nucleus")


@dataclass(frozen=True)
class Census:
    """The N cells of a frame.

    Attributes
    ----------
    cells : Ranked
    nuclei : numpy.ndarray
        (N,) int64: how many nuclei each has.
    mitotic : numpy.ndarray
        (N,) boolean.
    note : str
        What a person must know of how they were found; empty where there is nothing to say.
    """

    cells: Ranked
    nuclei: npt.NDArray[np.int64]
    mitotic: npt.NDArray[np.bool_]
    note: str = ""

    def columns(self) -> dict[str, Any]:
        """Return what the table says of it."""
        return {"nuclei": self.nuclei, "mitotic": self.mitotic}


def found_cells(frame: Frame, pixel_um: float, params: LocalizeParams) -> Census:
    """Find the cells of a frame."""
    found = find_cells(frame.values, pixel_um, params)
    cells = ranked(found.labels)
    counts = [
        ndimage.label(found.nuclei[window] == label)[1]
        for label, window in zip(cells.labels, cells.windows, strict=True)
    ]
    mitotic = np.isin(cells.labels, list(found.mitotic))
    return Census(cells, np.array(counts, np.int64), mitotic, found.note)


def given_cells(
    plane: npt.NDArray[np.int32], frame: Frame, pixel_um: float, params: LocalizeParams
) -> Census:
    """Count the nuclei in the cells of a given (Y, X) plane of labels.

    A nucleus belongs to the cell that holds most of it.
    """
    cells = ranked(plane)
    count = len(cells.labels)
    dna = frame.values[NUCLEUS]
    if not count or not np.isfinite(dna).any():
        return Census(cells, np.zeros(count, np.int64), np.zeros(count, bool))
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
    return Census(cells, counts.astype(np.int64), mitotic[1:])


def _owners(nuclei: npt.NDArray[np.int32], rank: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Return for each nucleus the rank of the cell that holds most of it, 0 for none."""
    owner = np.zeros(int(nuclei.max(initial=0)), np.int64)
    for i, window in enumerate(ndimage.find_objects(nuclei)):
        if window is not None:
            owner[i] = np.bincount(rank[window][nuclei[window] == i + 1]).argmax()
    return owner
