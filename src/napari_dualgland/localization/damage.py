"""What damage does to what may be said of a cell: it draws it towards the base rates.

A cell that could not be seen is like any cell of the atlas: its probabilities are the base
rates of the classes. One that was seen in part lies between, in proportion, on the scale
of the logits; so doubt widens and a class is named less readily.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_dualgland.localization.frames import PROTEIN, Frame
from napari_dualgland.localization.ranked import Ranked
from napari_dualgland.typing import BoolArray, Float64Array

DAMAGED = 0.01
"""Share of a cell's pixels, missing or imputed, above which a person is told of it: in the notes,
and by hatching in the overlay."""

ESTIMATE = 0.5
"""How far a filled pixel counts as lost: it is an estimate, worth more than nothing and less
than a measurement."""


MEASURED_ALONE = (
    "intensities are of measured pixels alone: missing and imputed ones are left out, and a mean "
    "of which none is left is empty"
)


@dataclass(frozen=True)
class Damage:
    """How much of each cell of a frame was not measured; all (N,) float64, 0 to 1.

    Attributes
    ----------
    missing, imputed : numpy.ndarray
        Shares of the cell's pixels, over the channels at hand: damaged and not filled; filled.
    protein, lost : numpy.ndarray
        Shares of its protein pixels that are either, and that are damaged and not filled.
    weight : numpy.ndarray
        How far the cell is drawn to the base rates: the share of its protein pixels that are
        damaged, and half the share that are filled; or the mean of that over the channels where
        it is more. A landmark of which the whole frame has nothing measured does not
        count: it is as good as absent, and the network has learned to do without.
    """

    missing: Float64Array
    imputed: Float64Array
    protein: Float64Array
    lost: Float64Array
    weight: Float64Array


@dataclass
class DamageCount:
    """How many cells of a stack a reader of the result must know of.

    Attributes
    ----------
    missing, imputed : int
        Cells of which more than :data:`DAMAGED` is.
    unmeasured, lost : int
        Cells without a measured pixel of the protein; those of them without a filled one, too.
    """

    missing: int = 0
    imputed: int = 0
    unmeasured: int = 0
    lost: int = 0

    def add(self, damage: Damage) -> None:
        """Count the cells of a frame."""
        self.missing += int((damage.missing > DAMAGED).sum())
        self.imputed += int((damage.imputed > DAMAGED).sum())
        self.unmeasured += int((damage.protein >= 1).sum())
        self.lost += int((damage.lost >= 1).sum())

    def notes(self) -> list[str]:
        """Return a line for each kind that there is."""
        notes = []
        if self.missing:
            notes.append(
                f"{_cells(self.missing)} damaged: impute first, or take their classes for less sure"
            )
        if self.imputed:
            notes.append(
                f"{_cells(self.imputed)} imputed in part: their probabilities are drawn to the "
                "base rates by half as much"
            )
        if self.missing or self.imputed:
            notes.append(MEASURED_ALONE)
        for count, rest in (
            (self.lost, "are base rates"),
            (self.unmeasured - self.lost, "rest on estimates"),
        ):
            if count:
                notes.append(
                    f"{_cells(count)} without a measured pixel of the protein: nothing is named "
                    f"there, the probabilities {rest}"
                )
        return notes


def _cells(count: int) -> str:
    return "1 cell is" if count == 1 else f"{count} cells are"


def measure_damage(frame: Frame, cells: Ranked) -> Damage:
    """Measure how much of each cell was not measured.

    Parameters
    ----------
    frame : Frame
        With what is missing and what was imputed.
    cells : Ranked
        N labels.

    Returns
    -------
    Damage
        Of these cells, in their order.
    """
    count = len(cells.labels)
    area = np.maximum(np.bincount(cells.rank.ravel(), minlength=count + 1)[1:], 1)

    def share(mask: BoolArray) -> Float64Array:
        hit = cells.rank[mask]
        return np.bincount(hit, minlength=count + 1)[1:] / area

    missing = np.stack([share(mask) for mask in frame.missing])
    imputed = np.stack([share(mask) for mask in frame.imputed])
    at = frame.at_hand.index(PROTEIN)
    lost = missing + ESTIMATE * imputed
    estimated = frame.estimated
    counted = [i for i, c in enumerate(frame.at_hand) if c == PROTEIN or not estimated[i].all()]
    return Damage(
        missing=missing.mean(0),
        imputed=imputed.mean(0),
        protein=missing[at] + imputed[at],
        lost=missing[at],
        weight=np.maximum(lost[at], lost[counted].mean(0)),
    )


def shrunk_to_prior(
    logits: Float64Array, weight: Float64Array, prior: tuple[float, ...]
) -> Float64Array:
    """Shrink probabilities towards the base rates: σ((1 − w)·logit + w·logit(prior)).

    Parameters
    ----------
    logits : numpy.ndarray
        (N, K), calibrated.
    weight : numpy.ndarray
        (N,), 0 to 1.
    prior : tuple of float
        K base rates.

    Returns
    -------
    numpy.ndarray
        (N, K) probabilities.
    """
    base = np.log(prior) - np.log1p(-np.asarray(prior))
    w = weight[:, None]
    return np.asarray(1 / (1 + np.exp(-np.clip((1 - w) * logits + w * base, -50, 50))))


def uncertainty(probabilities: Float64Array) -> Float64Array:
    """Return the largest entropy of a class in bits, (N,), 0 to 1, of (N, K) probabilities."""
    p = np.clip(probabilities, 1e-12, 1 - 1e-12)
    bits = -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    return np.asarray(bits.max(1))
