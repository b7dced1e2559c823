"""A step of every network down its own loss, averaged over processes and checked.

Here lie the networks, their optimisers and the moving average of the generator: all that
changes with a step, and so all that a checkpoint holds.
"""

from __future__ import annotations

import math
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor, nn

from dualgland_training import distributed
from dualgland_training.batches import Batch
from dualgland_training.config import TrainConfig
from dualgland_training.objective import Objective
from napari_dualgland.errors import DualglandError

Terms = dict[str, dict[str, Tensor]]
"""What one step says: by network, then by name."""

NOISE = 0x6E6F6973
"""Tells the seed of the noise from that of the batches."""


class NotFinite(DualglandError):
    """A loss or a gradient is NaN or infinite; training on would destroy the weights."""


def learning_rate(step: int, config: TrainConfig) -> float:
    """Return the factor of the learning rate: linear warm-up, then as the schedule says."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    if config.schedule == "constant":
        return min(1.0, (config.steps - step) / max(1, config.cooldown))
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move an average of weights a step towards a network; buffers are copied."""
    with torch.no_grad():
        for mean, now in zip(average.parameters(), network.parameters(), strict=True):
            mean.lerp_(now, 1 - decay)
        for kept, buffer in zip(average.buffers(), network.buffers(), strict=True):
            kept.copy_(buffer)


def mean_terms(window: list[Terms]) -> dict[str, dict[str, float]]:
    """Return the mean of every term over some steps and all processes, by network.

    A network that was not stepped every time counts the steps that it was in.
    """
    names = list({(net, term): None for said in window for net in said for term in said[net]})
    means = [
        torch.stack([s[net][term].float() for s in window if term in s.get(net, {})]).mean()
        for net, term in names
    ]
    values = distributed.mean(torch.stack(means)).tolist()
    table: dict[str, dict[str, float]] = {}
    for (net, term), value in zip(names, values, strict=True):
        table.setdefault(net, {})[term] = value
    return table


class Descent:
    """Networks, optimisers and moving average of a run.

    Parameters
    ----------
    objective : Objective
    config : TrainConfig

    Attributes
    ----------
    networks, optimisers : dict
        By name.
    average : Generator
        Exponential moving average of the generator's weights; what is validated and
        exported.
    """

    def __init__(self, objective: Objective, config: TrainConfig) -> None:
        self.objective, self.config = objective, config
        self.networks = objective.networks
        for network in self.networks.values():
            distributed.agree(network.state_dict().values())
        self.average = deepcopy(objective.generator).requires_grad_(False)
        self.optimisers = {name: objective.optimiser(name) for name in self.networks}
        self.rates = {
            name: [group["lr"] for group in optimiser.param_groups]
            for name, optimiser in self.optimisers.items()
        }
        if config.compile:
            objective.generator.compile()

    def advance(self, batch: Batch, step: int) -> Terms:
        """Step every network once; return the terms of their losses.

        Raises
        ------
        NotFinite
            Before the step of the network whose gradient is NaN or infinite.
        """
        said: Terms = {}
        for name, loss, terms in self.objective.losses(batch, step, self._noise(step)):
            norm = self._descend(name, loss, step)
            said[name] = {k: term.detach() for k, term in terms.items()}
            said[name] |= {"loss": loss.detach(), "gradient": norm}
        # A young average follows closely, or it would remember the random start.
        decay = min(self.config.ema, (1 + step) / (10 + step))
        follow(self.average, self.networks["generator"], decay)
        return said

    def rehearse(self, batch: Batch, step: int) -> None:
        """Compute all gradients of a batch and step nothing: does it fit the memory?

        Other processes, which had memory enough, are not asked along: they wait elsewhere.
        """
        with distributed.apart():
            for name, loss, _ in self.objective.losses(batch, step, self._noise(step)):
                loss.backward()  # type: ignore[no-untyped-call]
                self.optimisers[name].zero_grad(set_to_none=True)

    def _noise(self, step: int) -> torch.Generator:
        seed = np.random.SeedSequence([self.config.seed, step, distributed.rank(), NOISE])
        return torch.Generator().manual_seed(int(seed.generate_state(1)[0]))

    def _descend(self, name: str, loss: Tensor, step: int) -> Tensor:
        """Step one network down its loss; return the norm of the gradient."""
        optimiser = self.optimisers[name]
        # What this optimiser steps, and not all of the network: the texture, a part of the
        # generator, still holds the gradient of its own last step. It would count in the norm
        # by which the generator's is clipped, and a resumed run has no such leftover.
        learned = [p for group in optimiser.param_groups for p in group["params"]]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        distributed.average_gradients(learned)
        norm = torch.nn.utils.clip_grad_norm_(learned, self.config.clip)
        if not torch.isfinite(norm):
            raise NotFinite(
                f"step {step}: the gradient of the {name} is not finite (its loss is "
                f"{float(loss.detach()):.4g}); the last checkpoint is unharmed: lower "
                "learning_rate, or set precision: fp32, and go on with --resume"
            )
        factor = learning_rate(step, self.config)
        for group, rate in zip(optimiser.param_groups, self.rates[name], strict=True):
            group["lr"] = rate * factor
        optimiser.step()
        return norm
