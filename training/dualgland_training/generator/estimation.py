"""What draws the estimate: the two glands, reconstruction, honesty, compartments."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from dualgland_training.generator.batch import Batch
from dualgland_training.generator.recipe import LossOptions
from dualgland_training.losses import pituitary_loss, reconstruction_loss, salivary_loss
from dualgland_training.losses.means import weighted
from dualgland_training.losses.pituitary import feedback_gain
from dualgland_training.trainer import distributed
from napari_dualgland.model.compartments import COMPARTMENTS
from napari_dualgland.model.generator import Estimate

MEMORY = 0.98
"""Share of the average violation that a step leaves as it was."""


class EstimateLoss:
    """The loss of the generator's first half, with the state of its feedback.

    Parameters
    ----------
    weights : LossOptions
        What every term weighs.
    device : torch.device
        Of the networks.
    """

    def __init__(self, weights: LossOptions, device: torch.device) -> None:
        self.weights = weights
        self.violation = torch.zeros(len(COMPARTMENTS), device=device)

    def state(self) -> dict[str, Tensor]:
        """Return the average violation of the set points, for a checkpoint."""
        return {"violation": self.violation}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Put back what :meth:`state` gave."""
        self.violation = state["violation"].to(self.violation)

    def _pituitary(self, composite: Tensor, batch: Batch, compartments: Tensor) -> Tensor:
        """Return the pituitary loss, and remember what is out of balance."""
        loss, named = pituitary_loss(
            composite,
            batch.target,
            batch.scored,
            compartments,
            eta=self.weights.boundary,
            home=self.weights.home,
            gain=feedback_gain(self.violation),
            terms=True,
        )
        if "violation" in named:
            # Over all processes, or their gains would drift apart.
            seen = distributed.mean(named["violation"])
            self.violation = torch.lerp(self.violation, seen, 1 - MEMORY)
        return loss

    def __call__(self, said: Estimate, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss and its named terms, before they are weighed."""
        weights, target = self.weights, batch.target
        composite = torch.where(batch.scored, said.mean, target)
        terms = reconstruction_loss(said.mean, said.log_sigma, batch.prior, target, batch.scored)
        loss = torch.stack([getattr(weights, name) * term for name, term in terms.items()]).sum()
        compartments = batch.compartments
        if weights.salivary:
            terms["salivary"] = salivary_loss(
                composite, target, batch.scored, jump=weights.jump, distance=batch.distance
            )
            loss = loss + weights.salivary * terms["salivary"]
        if weights.pituitary:
            terms["pituitary"] = self._pituitary(composite, batch, compartments)
            loss = loss + weights.pituitary * terms["pituitary"]
        if weights.compartments and said.compartments is not None:
            # Where a landmark was never recorded, nobody knows the compartments.
            whole = batch.known.all(1)[:, None, None]
            apart = F.cross_entropy(said.compartments, compartments, reduction="none")
            terms["compartments"] = weighted(apart, whole.expand_as(apart).float())
            loss = loss + weights.compartments * terms["compartments"]
        return loss, terms
