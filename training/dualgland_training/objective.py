"""What is trained and against what: networks by name, and one loss for each of them.

The loop knows networks, optimisers and gradients but no loss; the objective knows losses
and nothing of the loop. A step of the loop goes through :meth:`Objective.losses`: between
two yields the loop takes the gradient of what was yielded and steps that network alone, so
that what is yielded next already sees the stepped network.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from dualgland_training.batches import Batch
from dualgland_training.config import TrainConfig
from dualgland_training.losses import reconstruction_loss
from napari_dualgland.model.evidence import couplings, detail_moments, gather_evidence
from napari_dualgland.model.generator import Generator

WEIGHTS = {"relative": 1.0, "absolute": 1.0, "likelihood": 0.02}
"""Of the terms of the reconstruction loss."""


def grouped_couplings(batch: Batch) -> Tensor:
    """Measure couplings over all crops of a source, as the plugin does over a field."""
    moments = detail_moments(batch.target.masked_fill(batch.missing, 0), batch.missing)
    pooled = torch.zeros(int(batch.group.max()) + 1, *moments.shape[1:]).to(moments)
    pooled.index_add_(0, batch.group, moments)
    return couplings(pooled)[batch.group]


class Objective:
    """Networks by name and their losses.

    Parameters
    ----------
    config : TrainConfig
        The resolved recipe.
    device : torch.device
        Where the networks live.

    Attributes
    ----------
    networks : dict of str to torch.nn.Module
        ``generator`` always; what else is trained along. Each gets an optimiser of its own;
        of the generator a moving average is kept and exported.
    """

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        self.config, self.device = config, device
        self.generator = Generator(config.widths, config.depths).to(device)
        self.generator = self.generator.to(memory_format=torch.channels_last)
        self.networks: dict[str, nn.Module] = {"generator": self.generator}

    def architecture(self) -> dict[str, Any]:
        """Return what the model card says of how to build the generator."""
        config = self.config
        return {"kind": "generator", "widths": config.widths, "depths": config.depths}

    def optimiser(self, name: str) -> torch.optim.AdamW:
        """Return the optimiser of a network, at its full learning rate."""
        return torch.optim.AdamW(
            self.networks[name].parameters(),
            self.config.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=self.config.weight_decay,
        )

    def autocast(self) -> torch.autocast:
        """Return the context in which networks compute: bfloat16 unless fp32 is asked for."""
        half = self.config.precision == "bf16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=half)

    def state(self) -> dict[str, Tensor]:
        """Return what else a checkpoint must keep to go on exactly; none here."""
        return {}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Put back what :meth:`state` gave."""

    def losses(
        self, batch: Batch, step: int, noise: torch.Generator
    ) -> Iterator[tuple[str, Tensor, dict[str, Tensor]]]:
        """Yield the loss of one network after the other.

        Parameters
        ----------
        batch : Batch
            Already on the device. In several processes, this process's slice. Losses are
            means over images, so that slices of one size average to the joined batch.
        step : int
            Optimiser steps done so far.
        noise : torch.Generator
            On the CPU; seeded by run, step and process. What must not depend on the number
            of processes is drawn per image instead:
            :func:`dualgland_training.batches.draw_noise`.

        Yields
        ------
        name : str
            Of the network to step now.
        loss : torch.Tensor
            Scalar, with a gradient.
        terms : dict
            Named scalars for the log.
        """
        beta = grouped_couplings(batch)
        evidence = gather_evidence(batch.target, batch.missing, beta)
        with self.autocast():
            said = self.generator(evidence)
        terms = reconstruction_loss(
            said.mean, said.log_sigma, evidence.prior, batch.target, batch.scored
        )
        loss = torch.stack([WEIGHTS[name] * term for name, term in terms.items()]).sum()
        yield "generator", loss, terms
