"""What was learned inside the image: a correction of a model's estimate, pixel by pixel."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from napari_dualgland.imputation.calibration.features import Features
from napari_dualgland.model.evidence import Evidence
from napari_dualgland.model.filler import Fill

WIDTH = 48

BEYOND = 6.0
"""Standard deviations at which a feature is cut off: a pixel unlike all that were held out
must not be extrapolated to."""

FACTOR = 2.0
"""Logarithm of the factor by which the stated deviation is changed at most."""


class Correction(NamedTuple):
    """What was learned of N pixels: what to add to the estimate, normalised, and by which
    factor to widen the stated standard deviation; (N,) each."""

    addend: Tensor
    widening: Tensor


class Corrector(nn.Module):
    """From features to a correction of the estimate and of its standard deviation.

    Parameters
    ----------
    shown : torch.Tensor
        (N, F) features, for their mean and spread.
    unit : float
        Spread of what is to be learned.
    """

    centre: Tensor
    spread: Tensor

    def __init__(self, shown: Tensor, unit: float) -> None:
        super().__init__()
        self.register_buffer("centre", shown.mean(0))
        self.register_buffer("spread", shown.std(0) + 1e-3)
        self.unit = unit
        last = nn.Linear(WIDTH, 2)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(
            nn.Linear(shown.shape[1], WIDTH),
            nn.SiLU(),
            nn.Dropout(0.1),
            nn.Linear(WIDTH, WIDTH),
            nn.SiLU(),
            last,
        )

    def forward(self, shown: Tensor) -> Tensor:
        """Return (N, 2): what to add, in units of ``unit``, and the logarithm of the factor
        of the deviation."""
        x: Tensor = ((shown - self.centre) / self.spread).clamp(-BEYOND, BEYOND)
        told: Tensor = self.layers(x)
        return told

    def correct(self, shown: Tensor) -> Correction:
        """Return what was learned, from (N, F) features."""
        addend, widening = self(shown).unbind(1)
        return Correction(addend * self.unit, widening.clamp(-FACTOR, FACTOR).exp())


def corrections(
    correctors: dict[int, list[Corrector]], evidence: Evidence, said: Fill
) -> Correction:
    """Return what was learned of every missing pixel; elsewhere nothing.

    Parameters
    ----------
    correctors : dict
        From channel to those of all parts of the field, which are averaged.
    evidence : Evidence
        (1, 4, H, W) each.
    said : Fill
        What the model makes of it.

    Returns
    -------
    Correction
        (1, 4, H, W) each.
    """
    addend = torch.zeros_like(evidence.prior)
    widening = torch.ones_like(evidence.prior)
    explaining = Features(evidence, said)
    for channel, several in correctors.items():
        where = evidence.missing[:, channel]
        if where.any():
            shown = explaining.of(channel, where.flatten().nonzero()[:, 0])
            found = [corrector.to(shown.device).correct(shown) for corrector in several]
            addend[:, channel][where] = sum(f.addend for f in found) / len(found)
            widening[:, channel][where] = sum(f.widening for f in found) / len(found)
    return Correction(addend, widening)
