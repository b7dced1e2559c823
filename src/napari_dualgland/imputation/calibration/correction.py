"""What was learned inside the image: a correction of a model's estimate, pixel by pixel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, silu

from napari_dualgland.imputation.calibration.features import Features
from napari_dualgland.imputation.calibration.kriging import Kriging
from napari_dualgland.model.evidence import Evidence
from napari_dualgland.model.filler import Fill

WIDTH = 48

DROPPED = 0.1
"""Share of the first layer that is left out of each step of learning."""

BEYOND = 6.0
"""Standard deviations at which a feature is cut off: a pixel unlike all that were held out
must not be extrapolated to."""

FACTOR = 2.0
"""Logarithm of the factor by which the stated deviation is changed at most."""

AT_ONCE = 16384
"""Pixels that are corrected at once: their features stay small beside the model's own."""


class Correction(NamedTuple):
    """What was learned of N pixels: what to add to the estimate, normalised, and by which
    factor to widen the stated standard deviation; (N,) each."""

    addend: Tensor
    widening: Tensor


class Corrector(nn.Module):
    """From features to a correction of the estimate and of its standard deviation.

    P networks side by side, one for each part of the field, which has not seen that part.

    Parameters
    ----------
    centre, spread : torch.Tensor
        (P, 1, F): mean and standard deviation of the features that each has seen.
    unit : torch.Tensor
        (P, 1): spread of what each is to learn.
    """

    centre: Tensor
    spread: Tensor
    unit: Tensor

    def __init__(self, centre: Tensor, spread: Tensor, unit: Tensor) -> None:
        super().__init__()
        self.register_buffer("centre", centre)
        self.register_buffer("spread", spread)
        self.register_buffer("unit", unit)
        parts, _, features = centre.shape
        sizes = (features, WIDTH, WIDTH, 2)
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for inputs, outputs in pairwise(sizes):
            # As torch.nn.Linear begins; the last layer begins with no correction.
            bound = 0.0 if outputs == 2 else inputs**-0.5
            for held, rows in ((self.weights, inputs), (self.biases, 1)):
                held.append(nn.Parameter(torch.empty(parts, rows, outputs).uniform_(-bound, bound)))

    def forward(self, shown: Tensor, parts: slice = slice(None)) -> Tensor:
        """Correct pixels by the networks of some parts.

        Parameters
        ----------
        shown : torch.Tensor
            (P, N, F) features.
        parts : slice
            Which of the networks.

        Returns
        -------
        torch.Tensor
            (P, N, 2): what to add, in units of ``unit``, and the logarithm of the factor of the
            deviation.
        """
        weights, biases = ([layer[parts] for layer in of] for of in (self.weights, self.biases))
        centre, spread = self.centre[parts], self.spread[parts]
        # Of a hundred times as many features as weights, no more than the cut is computed here:
        # centre and spread are taken into the first layer.
        x = shown.clamp(centre - BEYOND * spread, centre + BEYOND * spread)
        scaled = weights[0] / spread.mT
        x = silu(torch.baddbmm(biases[0] - centre @ scaled, x, scaled))
        x = dropout(x, DROPPED, self.training)
        x = silu(torch.baddbmm(biases[1], x, weights[1]))
        return torch.baddbmm(biases[2], x, weights[2])

    def correct(self, shown: Tensor, part: int | None = None) -> Correction:
        """Return what was learned of pixels.

        Parameters
        ----------
        shown : torch.Tensor
            (N, F) features.
        part : int, optional
            By the network that has not seen this part of the field; by all, averaged, if left
            out.

        Returns
        -------
        Correction
        """
        parts = slice(None) if part is None else slice(part, part + 1)
        unit = self.unit[parts]
        addend, widening = self(shown.expand(len(unit), -1, -1), parts).unbind(2)
        factor = widening.clamp(-FACTOR, FACTOR).exp()
        return Correction((addend * unit).mean(0), factor.mean(0))


def corrections(
    correctors: Mapping[int, Corrector], kriging: Kriging, evidence: Evidence, said: Fill
) -> Correction:
    """Return what was learned of every missing pixel; elsewhere nothing.

    Parameters
    ----------
    correctors : mapping
        From channel to what was learned of it.
    kriging : Kriging
        What it was learned with.
    evidence : Evidence
        (B, 4, H, W) each.
    said : Fill
        What the model makes of it.

    Returns
    -------
    Correction
        (B, 4, H, W) each.
    """
    addend = torch.zeros_like(evidence.prior)
    widening = torch.ones_like(evidence.prior)
    features = Features(evidence, said, kriging)
    for channels in alike(evidence.missing, correctors):
        where = evidence.missing[:, channels[0]]
        places = where.flatten().nonzero()[:, 0]
        if not len(places):
            continue
        found: dict[int, list[Correction]] = {channel: [] for channel in channels}
        for some in places.split(AT_ONCE):
            there = features.at(some)
            for channel in channels:
                corrector = correctors[channel].to(where.device)
                found[channel].append(corrector.correct(there.of(channel)))
        for channel, parts in found.items():
            addend[:, channel][where] = torch.cat([part.addend for part in parts])
            widening[:, channel][where] = torch.cat([part.widening for part in parts])
    return Correction(addend, widening)


def alike(missing: Tensor, channels: Iterable[int]) -> list[list[int]]:
    """Return channels, those that miss the same pixels together.

    Parameters
    ----------
    missing : torch.Tensor
        (B, 4, H, W), boolean.
    channels : iterable of int
        Which of the four.

    Returns
    -------
    list of list of int
    """
    found: list[list[int]] = []
    for channel in channels:
        for group in found:
            if torch.equal(missing[:, group[0]], missing[:, channel]):
                group.append(channel)
                break
        else:
            found.append([channel])
    return found
