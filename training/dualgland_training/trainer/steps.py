"""A step of every network down its own loss, averaged over processes and checked.

Here lie the networks, their optimisers and the moving average: all that changes with a
step, and so all that a checkpoint holds.
"""

from __future__ import annotations

from typing import Generic

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from dualgland_training.trainer import distributed
from dualgland_training.trainer.objective import B, Objective
from dualgland_training.trainer.options import RunOptions
from napari_dualgland.errors import DualglandError, Kind

Terms = dict[str, dict[str, Tensor]]
"""What one step says: by network, then by name."""

Tensors = tuple[Tensor, ...] | list[Tensor]

NOISE = 0x6E6F6973
"""Tells the seed of the noise from that of the batches."""


UNHARMED = (
    "the last checkpoint is unharmed: lower learning_rate, or set precision: fp32, and go on with "
    "--resume"
)


class NotFinite(DualglandError):
    """A loss, a gradient or a weight is NaN or infinite; training on would destroy the weights."""


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


class Steps(Generic[B]):
    """Networks, optimisers and moving average of a run.

    Parameters
    ----------
    objective : Objective
        What is trained.
    options : RunOptions
        How.

    Attributes
    ----------
    networks, optimisers : dict
        By name.
    average : torch.nn.Module
        Exponential moving average of the weights; what is validated and exported.
    done : int
        Steps that are done.
    """

    def __init__(self, objective: Objective[B], options: RunOptions) -> None:
        self.objective, self.options = objective, options
        self.networks = objective.networks
        for network in self.networks.values():
            distributed.agree(network.state_dict().values())
        self._averaged = AveragedModel(objective.averaged, multi_avg_fn=self._follow)
        # The start counts: at 0 AveragedModel would copy, whatever the decay.
        self._averaged.n_averaged.fill_(1)
        self.average: nn.Module = self._averaged.module.requires_grad_(False)
        self.optimisers = {name: objective.optimiser(name) for name in self.networks}
        self._schedules: dict[str, LambdaLR] = {}
        self.done = 0
        if options.compile:
            objective.averaged.compile()

    def _follow(self, average: Tensors, now: Tensors, count: Tensor | int) -> None:
        decay = self.objective.decay(self.done)
        get_ema_multi_avg_fn(decay)(average, now, count)  # type: ignore[no-untyped-call]

    def advance(self, batch: B, step: int) -> Terms:
        """Step every network once.

        Parameters
        ----------
        batch : tuple of torch.Tensor
            On the device.
        step : int
            Steps done so far.

        Returns
        -------
        dict
            The terms of the losses, by network and name.

        Raises
        ------
        NotFinite
            Before the step of the network whose gradient is NaN or infinite.
        """
        self.done = step
        said: Terms = {}
        for name, loss, terms in self.objective.losses(batch, step, self._noise(step)):
            norm = self._descend(name, loss)
            said[name] = {k: term.detach() for k, term in terms.items()}
            said[name] |= {"loss": loss.detach(), "gradient": norm}
        self._averaged.update_parameters(self.objective.averaged)
        self.done = step + 1
        for schedule in self._schedules.values():
            schedule.step()
        return said

    def check(self) -> None:
        """Refuse weights that are not finite, before they are looked at or kept.

        A step may be too long even where its gradient was sound.

        Raises
        ------
        NotFinite
            With the name of the network and of the weight.
        """
        for name, network in {**self.networks, "average": self.average}.items():
            for weight, tensor in network.state_dict().items():
                if not torch.isfinite(tensor).all():
                    raise NotFinite(
                        Kind.NOT_FINITE,
                        f"step {self.done}",
                        "the weights are not finite",
                        part=f"{name}.{weight}",
                        way_out=UNHARMED,
                    )

    def rehearse(self, batch: B, step: int) -> None:
        """Compute all gradients of a batch and step nothing: does it fit the memory?

        Other processes, which had memory enough, are not asked along: they wait elsewhere.

        Parameters
        ----------
        batch : tuple of torch.Tensor
            On the device.
        step : int
            Steps done so far.
        """
        with distributed.apart():
            for name, loss, _ in self.objective.losses(batch, step, self._noise(step)):
                loss.backward()  # type: ignore[no-untyped-call]
                self.optimisers[name].zero_grad(set_to_none=True)

    def _noise(self, step: int) -> torch.Generator:
        seed = np.random.SeedSequence([self.options.seed, step, distributed.rank(), NOISE])
        return torch.Generator().manual_seed(int(seed.generate_state(1)[0]))

    def _descend(self, name: str, loss: Tensor) -> Tensor:
        """Step one network down its loss; return the norm of the gradient."""
        optimiser = self.optimisers[name]
        # What this optimiser steps, and not all of the network: the texture, a part of the
        # generator, still holds the gradient of its own last step. It would count in the norm
        # by which the generator's is clipped, and a resumed run has no such leftover.
        learned = [p for group in optimiser.param_groups for p in group["params"]]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        distributed.average_gradients(learned)
        norm = torch.nn.utils.clip_grad_norm_(learned, self.options.clip)
        if not (torch.isfinite(norm) and torch.isfinite(loss)):
            raise NotFinite(
                Kind.NOT_FINITE,
                f"step {self.done}",
                f"a gradient of norm {float(norm):.4g}, a loss of {float(loss.detach()):.4g}",
                part=name,
                way_out=UNHARMED,
            )
        # Not before its first step: a schedule that is stepped before its optimiser complains,
        # and some networks rest for long. The rate follows from the steps done, not from turns.
        if name not in self._schedules:
            self._schedules[name] = LambdaLR(optimiser, lambda _: self.objective.rate(self.done))
        optimiser.step()
        return norm
