"""What is trained and against what: networks by name, and one loss for each of them.

The loop knows networks, optimisers and gradients but no loss; the objective knows losses
and nothing of the loop. A step of the loop goes through :meth:`Objective.losses`: between
two yields the loop takes the gradient of what was yielded and steps that network alone, so
that what is yielded next already sees the stepped network.

The dual glands draw the estimate; the game against the discriminator draws the texture,
which reads the generator's features and cannot change them; it need not play at every step.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from dualgland_training.batches import Batch, draw_noise
from dualgland_training.config import TrainConfig
from dualgland_training.discriminator import Discriminator
from dualgland_training.estimation import EstimateLoss
from dualgland_training.game import Game
from napari_dualgland.model.generator import build_generator
from napari_dualgland.model.precision import choose_precision


class Objective:
    """Networks by name and their losses.

    Parameters
    ----------
    config : TrainConfig
        The resolved recipe.
    device : torch.device
        Where the networks live.
    precision : str, optional
        ``bf16`` or ``fp32``, where it has been chosen already.

    Attributes
    ----------
    precision : str
        ``bf16`` or ``fp32``: what the recipe's choice came to on this device.
    networks : dict of str to torch.nn.Module
        ``generator`` always, of which ``texture`` is a part that is stepped by itself;
        ``discriminator``. Each gets an optimiser of its own; of the generator a moving
        average is kept and exported.
    """

    def __init__(
        self, config: TrainConfig, device: torch.device, precision: str | None = None
    ) -> None:
        self.config, self.device = config, device
        self.precision = precision or choose_precision(config.precision, device)
        self.generator = build_generator(self.architecture())
        self.generator = self.generator.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        assert self.generator.texture is not None
        self.texture = self.generator.texture
        self.discriminator = Discriminator(config.discriminator_width).to(device)
        self.networks: dict[str, nn.Module] = {
            "generator": self.generator,
            "texture": self.texture,
            "discriminator": self.discriminator,
        }
        self.estimate_loss = EstimateLoss(config.losses, device)
        self.game = Game(config, self.texture, self.discriminator, device)

    def architecture(self) -> dict[str, Any]:
        """Return what the model card says of how to build the generator."""
        config = self.config
        return {
            "kind": "generator",
            "widths": config.widths,
            "depths": config.depths,
            "refine": config.refine,
            "blurs": config.blurs,
            "draws": True,
        }

    def optimiser(self, name: str) -> torch.optim.AdamW:
        """Return the optimiser of a network, at its full learning rate."""
        parts = dict(self.networks[name].named_parameters())
        if name == "generator":
            parts = {k: p for k, p in parts.items() if not k.startswith("texture.")}
        return torch.optim.AdamW(
            parts.values(),
            self.config.learning_rate,
            betas=(0.9, 0.99),
            # Within the hinge the gradient of the discriminator's last bias is zero but for
            # rounding; a smaller floor makes full steps of its sign.
            eps=1e-6 if name == "discriminator" else 1e-8,
            weight_decay=self.config.weight_decay,
        )

    def autocast(self) -> torch.autocast:
        """Return the context in which networks compute."""
        half = self.precision == "bf16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=half)

    def state(self) -> dict[str, Tensor]:
        """Return what else a checkpoint must keep to go on exactly."""
        return self.estimate_loss.state()

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Put back what :meth:`state` gave."""
        self.estimate_loss.load_state(state)

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
            On the CPU; seeded by run, step and process. Not used: the noise of samples is
            drawn per image (:func:`dualgland_training.batches.draw_noise`), so that it does
            not depend on the number of processes.

        Yields
        ------
        name : str
            Of the network to step now.
        loss : torch.Tensor
            Scalar, with a gradient.
        terms : dict
            Named scalars for the log.
        """
        with self.autocast():
            said = self.generator(batch.evidence)
        yield "generator", *self.estimate_loss(said, batch)
        if step % self.config.losses.game_every:
            return
        share = self.config.losses.drawn_share
        every = max(1, round(1 / share))
        # Every n-th crop: sources are all heard, and estimates cost more than they teach here.
        some = Batch(*(part[::every] for part in batch))
        mean, sigma = said.mean[::every].detach(), said.log_sigma[::every].detach().exp()
        features = said.features[::every].detach()
        with self.autocast():
            pair = [self.texture(features, draw_noise(some, 4, salt)) for salt in (0, 1)]
        drawn = [
            torch.where(some.scored, mean + sigma * deviation, some.target) for deviation in pair
        ]
        yield from self.game.losses(drawn, some, step, self.autocast)
