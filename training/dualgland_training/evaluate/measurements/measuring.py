"""What a biologist reads off a field: nuclei and cells, how many, how large and how bright.

Cells and compartments are found and light is added up by the plugin's own code, as *Localize*
does it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage

from napari_dualgland.localization.cells.find import find_cells
from napari_dualgland.localization.frames import PROTEIN, Frame
from napari_dualgland.localization.intensities import compartment_of, means_in
from napari_dualgland.localization.ranked import Ranked, ranked
from napari_dualgland.localization.segmentation import NUCLEUS
from napari_dualgland.stack import ROLES
from napari_dualgland.typing import AnyArray, BoolArray, ByteArray, Float64Array

IN_NUCLEI = "DAPI in nuclei"
IN_CELLS = "protein in cells"
PLACES = ("in nucleus", "in rim", "in cytoplasm", "at edge")
"""Of the protein: the compartments of a cell in the order of the model's."""

INTENSITIES = (IN_NUCLEI, IN_CELLS, *PLACES)

SAME = 0.5
"""Intersection over union from which a cell counts as found again."""


@dataclass(frozen=True)
class Places:
    """Where nuclei, cells and compartments lie: each (Y, X)."""

    nuclei: Ranked
    cells: Ranked
    parts: ByteArray


def frame_of(values: AnyArray, missing: BoolArray | None = None) -> Frame:
    """Return an image as the plugin's engines take it.

    Parameters
    ----------
    values : numpy.ndarray
        (4, Y, X), channels in the order of ROLES.
    missing : numpy.ndarray, optional
        (4, Y, X) boolean: what was lost and not filled in.

    Returns
    -------
    Frame
        NaN where pixels are missing.
    """
    lost = np.zeros(values.shape, bool) if missing is None else missing
    seen = np.where(lost, np.nan, values).astype(np.float32)
    return Frame(0, 0, seen, lost, np.zeros(values.shape, bool), tuple(range(len(ROLES))))


def places_in(frame: Frame, pixel_um: float) -> Places:
    """Find nuclei, cells and compartments.

    Parameters
    ----------
    frame : Frame
        Its landmarks tell them.
    pixel_um : float
        Micrometres per pixel.

    Returns
    -------
    Places
    """
    found = find_cells(frame.values, pixel_um)
    nuclei = np.asarray(ndimage.label(found.nuclei > 0)[0], np.int32)
    return Places(ranked(nuclei), ranked(found.labels), compartment_of(frame, pixel_um))


@dataclass(frozen=True)
class Measured:
    """A field as it was measured.

    Attributes
    ----------
    places : Places
        Where nuclei, cells and compartments were taken to lie.
    values : numpy.ndarray
        (4, Y, X), any real dtype.
    counted : numpy.ndarray
        (4, Y, X) boolean: which pixels make an intensity.
    pixel_um : float
        Micrometres per pixel.
    """

    places: Places
    values: AnyArray
    counted: BoolArray
    pixel_um: float

    @cached_property
    def intensities(self) -> dict[str, Float64Array]:
        """Means by nucleus or by cell, named as :data:`INTENSITIES`; NaN where nothing counts."""
        said, at = self.places, (NUCLEUS, PROTEIN)
        dna, light = (
            means_in(self.values[channel], self.counted[channel], where, said.parts)
            for channel, where in zip(at, (said.nuclei, said.cells), strict=True)
        )
        return {IN_NUCLEI: dna[:, -1], IN_CELLS: light[:, -1]} | dict(
            zip(PLACES, light[:, :-1].T, strict=True)
        )

    @cached_property
    def whole(self) -> dict[str, float]:
        """Figures of the field: counts, mean areas (µm²), means of means; NaN of what is none."""
        figures: dict[str, float] = {}
        for what, found in (("nuclei", self.places.nuclei), ("cells", self.places.cells)):
            count = len(found.labels)
            area = float((found.rank > 0).sum()) * self.pixel_um**2
            figures |= {what: float(count), f"area of {what}": area / count if count else np.nan}
        for name, means in self.intensities.items():
            kept = means[np.isfinite(means)]
            figures[name] = float(kept.mean()) if kept.size else np.nan
        return figures


def lost_shares(missing: BoolArray, places: Places) -> Callable[[str], Float64Array]:
    """Return what tells, for an intensity, the share of each nucleus or cell that was lost.

    Parameters
    ----------
    missing : numpy.ndarray
        (4, Y, X) boolean.
    places : Places
        Where they lie.

    Returns
    -------
    callable
        Takes a name of :data:`INTENSITIES`; returns (N,).
    """

    def share(name: str) -> Float64Array:
        channel, where = (NUCLEUS, places.nuclei) if name == IN_NUCLEI else (PROTEIN, places.cells)
        areas, hit = (
            np.bincount(rank.ravel(), minlength=len(where.labels) + 1)[1:]
            for rank in (where.rank, where.rank[missing[channel]])
        )
        return np.asarray(hit / np.maximum(areas, 1))

    return share


def found_again(found: Ranked, true: Ranked) -> float:
    """Return F1 of nuclei or cells against those of the undamaged field.

    Parameters
    ----------
    found, true : Ranked
        Of the same field.

    Returns
    -------
    float
        Twice the number that share at least :data:`SAME` of their union, over all of both;
        NaN where there are none.
    """
    n, m = len(found.labels), len(true.labels)
    if not n + m:
        return float("nan")
    pairs = np.bincount(
        (found.rank.astype(np.int64) * (m + 1) + true.rank).ravel(), minlength=(n + 1) * (m + 1)
    ).reshape(n + 1, m + 1)
    shared = pairs[1:, 1:]
    union = pairs.sum(1)[1:, None] + pairs.sum(0)[None, 1:] - shared
    return 2 * float((shared >= SAME * union).sum()) / (n + m)
