"""A model as the engine sees it: from normalised pixels to an estimate of missing ones."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from napari_dualgland.model.evidence import NUCLEUS, Evidence
from napari_dualgland.model.generator import Generator, build_generator
from napari_dualgland.model.precision import Precision, choose_precision
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
    precision: str

    learns: bool
    """Whether it tells features, from which something can be learned inside an image."""

    def fill(self, evidence: Evidence) -> Fill:
        """Estimate the missing pixels from what is known of them."""
        ...

    @property
    def draws(self) -> bool:
        """Whether the model can draw plausible pictures."""
        ...

    def draw(self, said: Fill, noise: Tensor) -> Tensor:
        """Draw the deviation of a plausible picture from the mean.

        Parameters
        ----------
        said : Fill
            What the model makes of the pixels.
        noise : torch.Tensor
            (B, 4, H, W), standard normal.

        Returns
        -------
        torch.Tensor
            (B, 4, H, W), in units of ``sigma``.
        """
        ...

    def to(self, device: torch.device) -> Filler:
        """Return this filler on another device."""
        ...


class PriorFiller:
    """The secretory prior in its guided form; no weights."""

    learns = False

    def __init__(self, card: ModelCard, device: torch.device) -> None:
        self.card, self.device, self.precision = card, device, "fp32"

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
        """Raise: there is nothing to draw from.

        Parameters
        ----------
        said, noise
            As for :class:`Filler`.

        Returns
        -------
        torch.Tensor
            Never.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError("the prior draws no pictures")

    def to(self, device: torch.device) -> PriorFiller:
        """Return this filler on another device."""
        return PriorFiller(self.card, device)


class GeneratorFiller:
    """A trained generator.

    Parameters
    ----------
    card : ModelCard
        Of the network.
    network : Generator
        With its weights.
    device : torch.device
        Where it computes.
    wanted : str
        Precision, as :func:`~napari_dualgland.model.precision.choose_precision` takes it. What
        is said is float32 in any case; in bfloat16 it differs by less than a grey level.
    """

    learns = True

    def __init__(
        self,
        card: ModelCard,
        network: Generator,
        device: torch.device,
        wanted: Precision = "auto",
    ) -> None:
        self.card, self.device, self.wanted = card, device, wanted
        self.precision: str = choose_precision(wanted, device)
        self.network = network.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def fill(self, evidence: Evidence) -> Fill:
        """Return the network's estimate and the standard deviation that it states."""
        with self._autocast():
            said = self.network(evidence)
        return Fill(said.mean, torch.exp(said.log_sigma), said.features.float())

    @property
    def draws(self) -> bool:
        """Whether the network has a second half."""
        return self.network.texture is not None

    def draw(self, said: Fill, noise: Tensor) -> Tensor:
        """Draw a deviation with the network's second half.

        Parameters
        ----------
        said, noise
            As for :class:`Filler`.

        Returns
        -------
        torch.Tensor
            (B, 4, H, W), in units of ``sigma``.
        """
        assert self.network.texture is not None
        assert said.features is not None
        with self._autocast():
            drawn: Tensor = self.network.texture(said.features, noise)
        return drawn

    def to(self, device: torch.device) -> GeneratorFiller:
        """Return this filler on another device."""
        return GeneratorFiller(self.card, self.network, device, self.wanted)


def load_filler(model: str, device: torch.device, precision: Precision = "auto") -> Filler:
    """Load a model by its name or file.

    Parameters
    ----------
    model : str
        As in :func:`~napari_dualgland.model.weights.read_card`.
    device : torch.device
        Where it computes.
    precision : str
        In what, as :func:`~napari_dualgland.model.precision.choose_precision` takes it.

    Returns
    -------
    Filler

    Raises
    ------
    DualglandError
        If there is no such model, it is none that imputes, its weights are damaged, or they
        do not fit the architecture that the card states.
    """
    card, path = card_for("impute", model)
    if card.architecture["kind"] == "prior":
        return PriorFiller(card, device)
    return GeneratorFiller(card, load_network(build_generator, card, path), device, precision)
