"""The generator's second opinion: which compartment a pixel is in where landmarks are missing.

The generator learned to name the compartments of damaged images. It is asked in windows around
what is missing and nowhere else; the priors that it stands on fill the landmarks in passing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from napari_dualgland.model.evidence import couplings, detail_moments, gather_evidence
from napari_dualgland.model.generator import Generator, build_generator
from napari_dualgland.model.weights import ModelCard, card_for, load_network
from napari_dualgland.typing import BoolArray, Float32Array

CORE, MARGIN, MULTIPLE = 192, 64, 16
"""Blocks along a side of what a window answers for, around it, and that its sides are whole in."""


class Answer(NamedTuple):
    """What is said of a window: where it lies, the (4, h, w) fill, the (5, h, w) compartments."""

    y: slice
    x: slice
    fill: Float32Array
    compartments: Float32Array | None


class Head:
    """Asks a model window by window.

    Parameters
    ----------
    model : str
        Name or file of a model that imputes.
    device : torch.device
        Where it computes.

    Attributes
    ----------
    card : ModelCard
        Of the model.
    """

    def __init__(self, model: str, device: torch.device) -> None:
        self.card: ModelCard
        self.card, path = card_for("impute", model)
        self.device = device
        self._network: Generator | None = None
        if self.card.architecture["kind"] == "generator":
            network = load_network(build_generator, self.card, path).eval().to(device)
            self._network = network if network.compartments is not None else None

    @property
    def speaks(self) -> bool:
        """Whether it names compartments; the prior and the first generators do not."""
        return self._network is not None

    @torch.no_grad()
    def answers(self, unit: Float32Array, lost: BoolArray, about: BoolArray) -> Iterator[Answer]:
        """Go through the windows of a frame.

        Parameters
        ----------
        unit, lost : numpy.ndarray
            (4, h, w): normalised blocks, and which of them hold nothing known.
        about : numpy.ndarray
            (h, w), boolean: what is asked.

        Yields
        ------
        Answer
            Of each window that holds something asked.
        """
        image, hole = torch.from_numpy(unit)[None], torch.from_numpy(lost)[None]
        beta = couplings(detail_moments(image.masked_fill(hole, 0), hole)).to(self.device)
        for core in _cores(about):
            (rows, ys), (columns, xs) = (
                _around(s, n) for s, n in zip(core, about.shape, strict=True)
            )
            pads = [(0, 0), *((0, -(w.stop - w.start) % MULTIPLE) for w in (rows, columns))]
            shown, hidden = (
                torch.from_numpy(np.pad(whole[:, rows, columns], pads, "symmetric"))[None]
                for whole in (unit, lost)
            )
            evidence = gather_evidence(shown.to(self.device), hidden.to(self.device), beta)
            said = None if self._network is None else self._network(evidence).compartments
            named = None if said is None else torch.softmax(said, 1)[0, :, ys, xs].cpu().numpy()
            fill = evidence.prior[0, :, ys, xs].cpu().numpy()
            yield Answer(*core, fill, named)


def _around(core: slice, length: int) -> tuple[slice, slice]:
    """Return the window around a part of an axis, and where in the window the part lies."""
    low, high = max(0, core.start - MARGIN), min(length, core.stop + MARGIN)
    return slice(low, high), slice(core.start - low, core.stop - low)


def windows_in(about: BoolArray) -> int:
    """Return how many windows hold something asked."""
    return sum(1 for _ in _cores(about))


def _cores(about: BoolArray) -> Iterator[tuple[slice, slice]]:
    height, width = about.shape
    for y in range(0, height, CORE):
        for x in range(0, width, CORE):
            core = slice(y, min(y + CORE, height)), slice(x, min(x + CORE, width))
            if about[core].any():
                yield core
