"""A model as the engine sees it: from normalised pixels to an estimate of missing ones."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from napari_dualgland.model.evidence import NUCLEUS, Evidence
from napari_dualgland.model.generator import Generator, build_generator
from napari_dualgland.model.weights import ModelCard, card_for, load_network


class Fill(NamedTuple):
    """What a model says of missing pixels; each (B, 4, H, W), normalised.

    ``sigma`` is the standard deviation of the error, ``features`` (B, F, H / 2, W / 2) what
    the model saw; None where the model has none.
    """

    mean: Tensor
    sigma: Tensor | None
    features: Tensor | None = None


class Filler(Protocol):
    """Fills the missing pixels of a batch."""

    card: ModelCard
    device: torch.device

    def fill(self, evidence: Evidence) -> Fill:
        """Estimate the missing pixels from what is known of them."""
        ...

    @property
    def draws(self) -> bool:
        """Whether the model can draw plausible pictures."""
        ...

    def draw(self, said: Fill, noise: Tensor) -> Tensor:
        """Draw the deviation of a plausible picture from the mean, in units of ``sigma``.

        ``noise`` is standard normal; both are (B, 4, H, W).
        """
        ...

    def to(self, device: torch.device) -> Filler:
        """Return this filler on another device."""
        ...


class PriorFiller:
    """The secretory prior in its guided form; no weights."""

    def __init__(self, card: ModelCard, device: torch.device) -> None:
        self.card, self.device = card, device

    def fill(self, evidence: Evidence) -> Fill:
        """Return the guided prior, for the nucleus the unguided one.

        A nucleus is not where other stains have detail: guiding it cost 0.7 dB.
        """
        mean = evidence.guided.clone()
        mean[:, NUCLEUS] = evidence.prior[:, NUCLEUS]
        return Fill(mean, None)

    @property
    def draws(self) -> bool:
        """The prior is one fill and knows of no other."""
        return False

    def draw(self, said: Fill, noise: Tensor) -> Tensor:
        """Raise: there is nothing to draw from."""
        raise NotImplementedError("the prior draws no pictures")

    def to(self, device: torch.device) -> PriorFiller:
        """Return this filler on another device."""
        return PriorFiller(self.card, device)


class GeneratorFiller:
    """A trained generator, in full precision."""

    def __init__(self, card: ModelCard, network: Generator, device: torch.device) -> None:
        self.card, self.device = card, device
        self.network = network.to(device).eval()

    def fill(self, evidence: Evidence) -> Fill:
        """Return the network's estimate and the standard deviation that it states."""
        said = self.network(evidence)
        return Fill(said.mean, torch.exp(said.log_sigma), said.features)

    @property
    def draws(self) -> bool:
        """Whether the network has a second half."""
        return self.network.texture is not None

    def draw(self, said: Fill, noise: Tensor) -> Tensor:
        """Draw a deviation with the network's second half."""
        assert self.network.texture is not None
        assert said.features is not None
        drawn: Tensor = self.network.texture(said.features, noise)
        return drawn

    def to(self, device: torch.device) -> GeneratorFiller:
        """Return this filler on another device."""
        return GeneratorFiller(self.card, self.network, device)


def load_filler(model: str, device: torch.device) -> Filler:
    """Load a model by its name or file.

    Parameters
    ----------
    model : str
        As in :func:`~napari_dualgland.model.weights.read_card`.
    device : torch.device
        Where it computes.

    Raises
    ------
    DualglandError
        If there is no such model, it is none that imputes, its weights are damaged, or they
        do not fit the architecture that the card states.
    """
    card, path = card_for("impute", model)
    if card.architecture["kind"] == "prior":
        return PriorFiller(card, device)
    return GeneratorFiller(card, load_network(build_generator, card, path), device)
