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
from torch import Tensor

from dualgland_training.batches import Batch, Batches
from dualgland_training.checkpoint import (
    export_model,
    latest_checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from dualgland_training.config import TrainConfig
from dualgland_training.data import read_split
from dualgland_training.losses import reconstruction_loss
from dualgland_training.validate import compare, draw_validation
from napari_dualgland.model.device import choose_device
from napari_dualgland.model.evidence import couplings, detail_moments, gather_evidence
from napari_dualgland.model.generator import Generator

WEIGHTS = {"relative": 1.0, "absolute": 1.0, "likelihood": 0.02}
"""Of the terms of the reconstruction loss."""


class NotFinite(RuntimeError):
    """A loss or a gradient is NaN or infinite; training on would destroy the weights."""


def grouped_couplings(batch: Batch) -> Tensor:
    """Measure couplings over all crops of a source, as the plugin does over a field."""
    moments = detail_moments(batch.target.masked_fill(batch.missing, 0), batch.missing)
    pooled = torch.zeros(int(batch.group.max()) + 1, *moments.shape[1:]).to(moments)
    pooled.index_add_(0, batch.group, moments)
    return couplings(pooled)[batch.group]


def learning_rate(step: int, config: TrainConfig) -> float:
    """Return the factor of the learning rate: linear warm-up, then a cosine to 2 %."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


class Training:
    """A run: model, moving average, optimiser and what they are fed with.

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
        self.rng = np.random.default_rng(config.seed)
        split = read_split(config.data)
        self.batches = Batches(split.train, config, self.rng)
        self.watched = draw_validation(split.validation, 24, 128, seed=1)
        self.model = Generator(config.widths, config.depths).to(self.device)
        self.model = self.model.to(memory_format=torch.channels_last)
        self.average = deepcopy(self.model).requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(),
            config.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=config.weight_decay,
        )
        self.step = 0
        self.figures: dict[str, Any] = {}

    def resume(self) -> None:
        """Go on from the newest checkpoint, if there is one."""
        path = latest_checkpoint(self.folder)
        if path is None:
            return
        self.step, state = load_checkpoint(path, self.model, self.average, self.optimiser)
        self.rng.bit_generator.state = state["rng"]
        self.figures = state["figures"]

    def log(self, **event: Any) -> None:
        """Append one event to the run's log."""
        with (self.folder / "events.jsonl").open("a") as file:
            file.write(json.dumps({"step": self.step, "time": time.time(), **event}) + "\n")

    def _advance(self, batch: Batch) -> dict[str, float]:
        batch = Batch(*(part.to(self.device) for part in batch))
        beta = grouped_couplings(batch)
        evidence = gather_evidence(batch.target, batch.missing, beta)
        with torch.autocast(self.device.type, torch.bfloat16):
            said = self.model(evidence)
        terms = reconstruction_loss(
            said.mean, said.log_sigma, evidence.prior, batch.target, batch.missing
        )
        loss = torch.stack([WEIGHTS[name] * term for name, term in terms.items()]).sum()
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        if not torch.isfinite(norm):
            raise NotFinite(
                f"step {self.step}: the gradient is not finite ({float(loss.detach())=}); lower "
                "the learning rate, or resume from the last checkpoint with another seed"
            )
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.learning_rate * learning_rate(self.step, self.config)
        self.optimiser.step()
        # A young average follows closely, or it would remember the random start.
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, now in zip(self.average.parameters(), self.model.parameters(), strict=True):
                mean.lerp_(now, 1 - decay)
        shown = {name: float(term.detach()) for name, term in terms.items()}
        return shown | {"gradient": float(norm)}

    def _keep(self) -> None:
        state = {
            "config": self.config.model_dump(mode="json"),
            "rng": self.rng.bit_generator.state,
            "figures": self.figures,
        }
        save_checkpoint(self.folder, self.step, self.model, self.average, self.optimiser, state)

    def run(self) -> Path:
        """Train to the end; return the path of the finished model's weights."""
        config = self.config
        window: list[dict[str, float]] = []
        drawing, started = 0.0, time.perf_counter()
        while self.step < config.steps:
            before = time.perf_counter()
            batch = self.batches.draw()
            drawing += time.perf_counter() - before
            window.append(self._advance(batch))
            self.step += 1
            if self.step % 50 == 0:
                spent = time.perf_counter() - started
                means = {k: float(np.mean([w[k] for w in window])) for k in window[0]}
                self.log(
                    losses=means,
                    steps_per_second=len(window) / spent,
                    share_of_drawing=drawing / spent,
                )
                window, drawing, started = [], 0.0, time.perf_counter()
            if self.step % config.validate_every == 0 or self.step == config.steps:
                self.figures = compare(self.average, self.watched)
                self.log(validation=self.figures)
                export_model(self.folder, self.average, config, self.step, self.figures)
                started = time.perf_counter()
            if self.step % config.checkpoint_every == 0 or self.step == config.steps:
                self._keep()
        return export_model(self.folder, self.average, config, self.step, self.figures)
