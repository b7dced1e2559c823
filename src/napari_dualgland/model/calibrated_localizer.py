"""A localizer as the engine uses it: from crops of cells to calibrated predictions.

Its card tells how the network's numbers become probabilities: logits are divided by one
temperature and moved by a bias per class, which were fitted on held-out cells; and where a cell
could not be seen the base rates stand.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from napari_dualgland.classes import CLASSES
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.model.localizer import Localizer, build_localizer
from napari_dualgland.model.tensors import USE_ANOTHER, refuse_not_finite
from napari_dualgland.model.weights import ModelCard, card_for, load_network
from napari_dualgland.typing import Float32Array

THRESHOLD, PRIOR = 0.5, 0.05
"""What holds for a class of which the card says nothing."""


class Prediction(NamedTuple):
    """What a localizer says of B cells.

    Attributes
    ----------
    logits : torch.Tensor
        (B, 19) on the CPU, calibrated: the probability is their sigmoid.
    dense : torch.Tensor
        (B, 18, H / 2, W / 2), uint8 on the CPU: probability times 255, in agreement with the
        cell (:func:`agreeing`).
    """

    logits: Tensor
    dense: Tensor


class CalibratedLocalizer:
    """A trained localizer, in full precision, with the calibration of its card.

    Attributes
    ----------
    card : ModelCard
        What was trained and how it is used.
    device : torch.device
        Where it computes.
    thresholds, prior : tuple of float
        Per class: the probability from which it is named, and the base rate.
    """

    def __init__(self, card: ModelCard, network: Localizer, device: torch.device) -> None:
        self.card, self.device = card, device
        self.network = network.to(device).eval()
        self.temperature = float(card.use.get("temperature", 1.0))
        if not 0 < self.temperature < np.inf:
            raise ValueError(f"temperature {self.temperature}")
        stated = card.use.get("bias", {})
        if set(stated) - set(CLASSES):
            raise ValueError(f"no class {min(set(stated) - set(CLASSES))!r}")
        self.bias = tuple(float(stated.get(name, 0.0)) for name in CLASSES)
        if not np.isfinite(self.bias).all():
            raise ValueError("a bias that is not finite")
        self.thresholds = _by_class(card.use.get("thresholds", {}), THRESHOLD)
        self.prior = _by_class(card.use.get("prior", {}), PRIOR)

    @torch.inference_mode()
    def predict(self, x: Float32Array, inside: Float32Array, present: Float32Array) -> Prediction:
        """Predict B crops, each as it is and turned by half a turn, and take the mean.

        Parameters
        ----------
        x, inside, present : numpy.ndarray
            (B, 4, H, W), (B, 1, H, W) and (B, 4), float32, as
            :class:`~napari_dualgland.model.localizer.Localizer` takes them.

        Returns
        -------
        Prediction
            On the CPU.

        Raises
        ------
        DualglandError
            If what the network says is not finite.
        """
        given = [torch.from_numpy(a).to(self.device) for a in (x, inside, present)]
        here = self.network(*given)
        turned = self.network(given[0].flip(2, 3), given[1].flip(2, 3), given[2])
        logits = self.calibrated((here.cell + turned.cell).float().cpu() / 2)
        # A card is checked for numbers that are none, but large ones can still run over.
        refuse_not_finite({"logits": logits}, f"model {self.card.name}", USE_ANOTHER)
        dense = torch.sigmoid(here.dense) + torch.sigmoid(turned.dense.flip(2, 3))
        refuse_not_finite({"maps": dense}, f"model {self.card.name}", USE_ANOTHER)
        dense = agreeing(dense.cpu() / 2, torch.sigmoid(logits), self.thresholds)
        return Prediction(logits, (dense * 255).round().to(torch.uint8))

    def calibrated(self, logits: Tensor) -> Tensor:
        """Return (B, 19) logits of which the sigmoid is the probability."""
        return logits / self.temperature + torch.tensor(self.bias)

    def to(self, device: torch.device) -> CalibratedLocalizer:
        """Return this localizer on another device."""
        return CalibratedLocalizer(self.card, self.network, device)


def agreeing(dense: Tensor, cell: Tensor, thresholds: tuple[float, ...]) -> Tensor:
    """Scale dense probabilities so that they agree with those of their cells.

    A pixel is read from its surroundings; the cell is read from all of them, and better. Where a
    class is not probable enough to be named for the cell, its pixels fade in proportion.

    Parameters
    ----------
    dense : torch.Tensor
        (B, 18, h, w) probabilities.
    cell : torch.Tensor
        (B, 19) probabilities.
    thresholds : tuple of float
        19: the probability from which a class is named.

    Returns
    -------
    torch.Tensor
        (B, 18, h, w), none larger than it was.
    """
    share = (cell / torch.tensor(thresholds)).clamp(max=1)[:, : dense.shape[1]]
    return dense * share[:, :, None, None]


def _by_class(stated: dict[str, float], otherwise: float) -> tuple[float, ...]:
    """Return what a card states per class, in the order of CLASSES."""
    unknown = set(stated) - set(CLASSES)
    if unknown:
        raise ValueError(f"no class {min(unknown)!r}")
    values = tuple(float(stated.get(name, otherwise)) for name in CLASSES)
    if not all(0 <= value <= 1 for value in values):
        raise ValueError("a probability that is not between 0 and 1")
    return tuple(np.clip(values, 1e-4, 1 - 1e-4).tolist())


def load_localizer(model: str, device: torch.device) -> CalibratedLocalizer:
    """Load a localizer by its name or file.

    Parameters
    ----------
    model : str
        As in :func:`~napari_dualgland.model.weights.read_card`.
    device : torch.device
        Where it computes.

    Returns
    -------
    CalibratedLocalizer
        For evaluation.

    Raises
    ------
    DualglandError
        If there is no such model, it is no localizer, its weights are damaged, or they do not
        fit the architecture that the card states.
    """
    card, path = card_for("localize", model)
    network = load_network(build_localizer, card, path)
    try:
        return CalibratedLocalizer(card, network, device)
    except (AttributeError, TypeError, ValueError) as error:
        found = f"the card's calibration cannot be used ({error})"
        raise DualglandError(Kind.WRONG_CONTENT, path, found, part="use") from None
