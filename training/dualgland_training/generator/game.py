"""The game that draws plausible pictures: texture against discriminator.

The texture is held to three things. Samples must be distributed as the truth is around the
estimate (the ranked probability score; alone it would do, were there data without end), be
taken for measured by the discriminator, and stir the discriminator and a frozen network of
cells as the measured pixels do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from dualgland_training.generator.batch import Batch
from dualgland_training.generator.discriminator import Discriminator, patch_weights
from dualgland_training.generator.recipe import TrainConfig
from dualgland_training.losses.adversarial import (
    discriminator_loss,
    feature_distance,
    generator_loss,
    gradient_penalty,
)
from dualgland_training.losses.spread import spread_loss
from dualgland_training.perceptual.judge import load_judge
from dualgland_training.trainer.objective import Loss


class Game:
    """Losses of texture and discriminator.

    Parameters
    ----------
    config : TrainConfig
    texture, discriminator : torch.nn.Module
        The players.
    device : torch.device
    """

    def __init__(
        self,
        config: TrainConfig,
        texture: nn.Module,
        discriminator: Discriminator,
        device: torch.device,
    ) -> None:
        self.config, self.weights = config, config.losses
        self.texture, self.discriminator = texture, discriminator
        # Never the judge that keeps the score: the texture would learn to please it.
        self.eyes = load_judge("features").to(device) if self.weights.perceptual else None

    def losses(
        self,
        drawn: list[Tensor],
        batch: Batch,
        step: int,
        autocast: Callable[[], AbstractContextManager[Any]],
    ) -> Iterator[Loss]:
        """Yield the loss of the texture, then that of the discriminator.

        Parameters
        ----------
        drawn : list of torch.Tensor
            Two composites for each image, (B, 4, H, W).
        batch : Batch
            The images.
        step : int
            Steps done so far.
        autocast : callable
            Gives the context in which networks compute.

        Yields
        ------
        Loss
            Of the network to step now.
        """
        playing = self.weights.game(step, self.config.steps) if self.weights.adversarial else 0.0
        # A picture of which a channel was never recorded is no example of a measured one.
        whole = batch.known.all(1)[:, None, None, None]
        hole = batch.scored & whole
        terms = {"spread": spread_loss(drawn[0], drawn[1], batch.target, batch.scored)}
        loss = self.weights.spread * terms["spread"]
        if self.eyes is not None:
            with torch.no_grad():
                seen = self.eyes.features(batch.target)
            terms["perceptual"] = feature_distance(self.eyes.features(drawn[0]), seen, hole)
            loss = loss + self.weights.perceptual * terms["perceptual"]
        weights = patch_weights(hole)
        if playing:
            self.discriminator.requires_grad_(False)
            with autocast():
                fooled = self.discriminator(drawn[0], hole)
                with torch.no_grad():
                    measured = self.discriminator(batch.target, hole)
            self.discriminator.requires_grad_(True)
            terms["adversarial"] = generator_loss(fooled.logits, weights)
            terms["matching"] = feature_distance(fooled.features, measured.features, hole)
            loss = loss + playing * (
                self.weights.adversarial * terms["adversarial"]
                + self.weights.matching * terms["matching"]
            )
        yield Loss("texture", loss, terms)
        if playing:
            yield self._discriminate(drawn[0].detach(), batch, hole, weights, step, autocast)

    def _discriminate(
        self,
        drawn: Tensor,
        batch: Batch,
        hole: Tensor,
        weights: Tensor,
        step: int,
        autocast: Callable[[], AbstractContextManager[Any]],
    ) -> Loss:
        with autocast():
            said = self.discriminator(torch.cat([batch.target, drawn]), torch.cat([hole, hole]))
        measured, ours = said.logits.chunk(2)
        terms = {
            "hinge": discriminator_loss(measured, ours, weights),
            "measured": (measured * weights).sum() / weights.sum().clamp_min(1e-6),
            "drawn": (ours * weights).sum() / weights.sum().clamp_min(1e-6),
        }
        loss = terms["hinge"]
        every = self.weights.penalty_every
        if self.weights.penalty and step % every == 0:
            picture = batch.target.clone().requires_grad_()
            # In full precision: a gradient of a gradient has no digits to spare.
            logits = self.discriminator(picture, hole).logits
            terms["penalty"] = gradient_penalty(logits, picture, weights)
            loss = loss + every / 2 * self.weights.penalty * terms["penalty"]
        return Loss("discriminator", loss, terms)
