"""The training loop: draw, gather evidence, step, average, look, keep.

Everything that happened goes, a line each, into ``events.jsonl`` of the run's folder; a
run that was killed goes on from its last checkpoint as if nothing had happened.
"""

from __future__ import annotations

import json
import math
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dualgland_training import distributed
from dualgland_training.batches import Batch, Batches
from dualgland_training.checkpoint import (
    export_model,
    latest_checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from dualgland_training.config import TrainConfig
from dualgland_training.data import read_split
from dualgland_training.initial import load_start
from dualgland_training.objective import Objective
from dualgland_training.validate import compare, draw_validation
from napari_dualgland.model.device import choose_device

Terms = dict[str, dict[str, Tensor]]
"""What one step says: by network, then by name."""

NOISE = 0x6E6F6973
"""Tells the seed of the noise from that of the batches."""


class NotFinite(RuntimeError):
    """A loss or a gradient is NaN or infinite; training on would destroy the weights."""


def learning_rate(step: int, config: TrainConfig) -> float:
    """Return the factor of the learning rate: linear warm-up, then a cosine to 2 %."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move an average of weights a step towards a network; buffers are copied."""
    with torch.no_grad():
        for mean, now in zip(average.parameters(), network.parameters(), strict=True):
            mean.lerp_(now, 1 - decay)
        for kept, buffer in zip(average.buffers(), network.buffers(), strict=True):
            kept.copy_(buffer)


class Training:
    """A run: networks, moving average, optimisers and what they are fed with.

    Parameters
    ----------
    config : TrainConfig
        The resolved recipe.
    folder : pathlib.Path
        Where checkpoints, events and the finished model go.
    """

    def __init__(self, config: TrainConfig, folder: Path) -> None:
        self.config, self.folder = config, folder
        folder.mkdir(parents=True, exist_ok=True)
        torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed)
        self.device = choose_device(config.device)
        distributed.join(self.device)
        split = read_split(config.data)
        self.batches = Batches(split.train, config, distributed.rank(), distributed.world())
        self.watched = draw_validation(split.validation, 24, 128, seed=1)
        self.objective = Objective(config, self.device)
        self.networks = self.objective.networks
        self.step = 0
        self.figures: dict[str, Any] = {}
        if config.start is not None:
            new = load_start(self.networks["generator"], config.start)
            self.log(start=str(config.start), new_tensors=new)
        for network in self.networks.values():
            distributed.agree(network.state_dict().values())
        self.average = deepcopy(self.objective.generator).requires_grad_(False)
        self.optimisers = {name: self.objective.optimiser(name) for name in self.networks}
        self.rates = {
            name: [group["lr"] for group in optimiser.param_groups]
            for name, optimiser in self.optimisers.items()
        }

    def resume(self) -> None:
        """Go on from the newest checkpoint, if there is one."""
        path = latest_checkpoint(self.folder)
        if path is None:
            return
        self.step, kept, state = load_checkpoint(path, self.networks, self.average, self.optimisers)
        self.objective.load_state(kept)
        self.figures = state["figures"]

    def log(self, **event: Any) -> None:
        """Append one event to the run's log; the first process writes for all."""
        if distributed.rank() == 0:
            with (self.folder / "events.jsonl").open("a") as file:
                file.write(json.dumps({"step": self.step, "time": time.time(), **event}) + "\n")

    def _advance(self, batch: Batch) -> Terms:
        """Step every network once; return the terms of their losses."""
        seed = np.random.SeedSequence([self.config.seed, self.step, distributed.rank(), NOISE])
        noise = torch.Generator().manual_seed(int(seed.generate_state(1)[0]))
        said: Terms = {}
        for name, loss, terms in self.objective.losses(batch.to(self.device), self.step, noise):
            norm = self._descend(name, loss)
            said[name] = {k: term.detach() for k, term in terms.items()}
            said[name] |= {"loss": loss.detach(), "gradient": norm}
        # A young average follows closely, or it would remember the random start.
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        follow(self.average, self.networks["generator"], decay)
        return said

    def _descend(self, name: str, loss: Tensor) -> Tensor:
        """Step one network down its loss; return the norm of the gradient.

        Raises
        ------
        NotFinite
            Before the step, if the gradient is NaN or infinite.
        """
        network, optimiser = self.networks[name], self.optimisers[name]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        distributed.average_gradients(network.parameters())
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), self.config.clip)
        if not torch.isfinite(norm):
            raise NotFinite(
                f"step {self.step}: the gradient of the {name} is not finite "
                f"(loss {float(loss.detach()):.4g}); lower the learning rate, or resume from "
                "the last checkpoint with another seed"
            )
        factor = learning_rate(self.step, self.config)
        for group, rate in zip(optimiser.param_groups, self.rates[name], strict=True):
            group["lr"] = rate * factor
        optimiser.step()
        return norm

    def _keep(self) -> None:
        if distributed.rank() == 0:
            state = {"config": self.config.model_dump(mode="json"), "figures": self.figures}
            save_checkpoint(
                self.folder,
                self.step,
                self.networks,
                self.average,
                self.optimisers,
                self.objective.state(),
                state,
            )

    def _export(self) -> Path:
        return export_model(
            self.folder,
            self.average,
            self.config,
            self.objective.architecture(),
            self.step,
            self.figures,
        )

    def run(self) -> Path:
        """Train to the end; return the path of the finished model's weights."""
        config = self.config
        window: list[Terms] = []
        drawing, started = 0.0, time.perf_counter()
        while self.step < config.steps:
            before = time.perf_counter()
            batch = self.batches.draw(self.step)
            drawing += time.perf_counter() - before
            window.append(self._advance(batch))
            self.step += 1
            if self.step % 50 == 0:
                spent = time.perf_counter() - started
                self.log(
                    losses=mean_terms(window),
                    steps_per_second=len(window) / spent,
                    share_of_drawing=drawing / spent,
                )
                window, drawing, started = [], 0.0, time.perf_counter()
            if self.step % config.validate_every == 0 or self.step == config.steps:
                self.figures = compare(self.average, self.watched)
                self.log(validation=self.figures)
                self._export()
                started = time.perf_counter()
            if self.step % config.checkpoint_every == 0 or self.step == config.steps:
                self._keep()
        return self._export()


def mean_terms(window: list[Terms]) -> dict[str, dict[str, float]]:
    """Return the mean of every term over some steps and all processes, by network."""
    means: dict[str, dict[str, float]] = {}
    for name in window[-1]:
        said = [step[name] for step in window if name in step]
        means[name] = {
            term: float(
                distributed.mean(torch.stack([s[term].float() for s in said if term in s]).mean())
            )
            for term in said[-1]
        }
    return means
