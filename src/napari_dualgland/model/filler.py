"""A model as the engine sees it: from normalised pixels to an estimate of missing ones."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from napari_dualgland.errors import DualglandError
from napari_dualgland.model.evidence import Evidence
from napari_dualgland.model.generator import Generator
from napari_dualgland.model.weights import ModelCard, read_card, read_tensors


class Fill(NamedTuple):
    """What a model says of missing pixels, normalised.

    Attributes
    ----------
    departures : torch.Tensor
        (K, B, 4, H, W): in which directions the estimate may leave the secretory prior,
        0 at observed pixels. The estimate is the prior plus their weighted sum.
    sigma : torch.Tensor or None
        (B, 4, H, W), the standard deviation of the error, None where none is stated.
    """

    departures: Tensor
    sigma: Tensor | None


class Filler(Protocol):
    """Fills the missing pixels of a batch."""

    card: ModelCard
    device: torch.device
    belief: tuple[float, ...]
    """How far to go along each departure where nothing else is known."""

    def fill(self, evidence: Evidence) -> Fill:
        """Estimate the missing pixels from what is known of them."""
        ...

    def to(self, device: torch.device) -> Filler:
        """Return this filler on another device."""
        ...


class PriorFiller:
    """The secretory prior in its guided form; no weights."""

    belief: tuple[float, ...] = (1.0,)

    def __init__(self, card: ModelCard, device: torch.device) -> None:
        self.card, self.device = card, device

    def fill(self, evidence: Evidence) -> Fill:
        """Return what the other channels tell."""
        return Fill((evidence.guided - evidence.prior)[None], None)

    def to(self, device: torch.device) -> PriorFiller:
        """Return this filler on another device."""
        return PriorFiller(self.card, device)


class GeneratorFiller:
    """A trained generator, in full precision.

    The guided prior stays at hand: where rehearsing shows that the image's own couplings
    tell more than the network made of them, they are heard as well.
    """

    belief: tuple[float, ...] = (1.0, 0.0)

    def __init__(self, card: ModelCard, network: Generator, device: torch.device) -> None:
        self.card, self.device = card, device
        self.network = network.to(device).eval()

    def fill(self, evidence: Evidence) -> Fill:
        """Return the network's estimate and the standard deviation that it states."""
        said = self.network(evidence)
        directions = torch.stack([said.mean, evidence.guided]) - evidence.prior
        return Fill(directions, torch.exp(said.log_sigma))

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
        If there is no such model, its weights are damaged, or they do not fit the
        architecture that the card states.
    """
    card, path = read_card(model)
    kind = card.architecture.get("kind")
    if kind == "prior":
        return PriorFiller(card, device)
    if kind != "generator":
        raise DualglandError(f"{path}: unknown architecture {kind!r}; a newer version may know it")
    try:
        network = Generator(card.architecture["widths"], card.architecture["depths"])
        network.load_state_dict(
            {name: tensor.float() for name, tensor in read_tensors(card, path).items()}
        )
    except (KeyError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        raise DualglandError(f"{path}: the weights do not fit their card ({first})") from None
    return GeneratorFiller(card, network, device)
