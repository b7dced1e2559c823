"""How judges learn: real cells, by group, in minutes.

Cells are few and classes uneven, so classes are drawn alike often and pictures are turned,
zoomed and re-exposed; of a run the weights (moving average) with the best mean recall on the
validation groups are kept. Held-out groups are looked at when all is done; nothing is chosen
by them.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import override

from dualgland_training.perceptual.card import assess, judge_card
from dualgland_training.perceptual.cells import Batch, draw_batch, read_judged_cells
from dualgland_training.perceptual.judge import Judge
from dualgland_training.perceptual.recipe import JudgeRecipe
from dualgland_training.trainer import distributed
from dualgland_training.trainer.memory import say_which_batch_fits
from dualgland_training.trainer.model_card import write_model
from dualgland_training.trainer.objective import Loss, Objective, Validated, Warn
from dualgland_training.trainer.prefetch import PerStep
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.typing import Float32Array

RISE = 0.3
"""Share of the steps over which the learning rate rises."""

BEST = "best."
"""Begins the names of the best weights so far among what a checkpoint keeps."""


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


class JudgeObjective(Objective[Batch]):
    """A judge and its loss.

    Parameters
    ----------
    recipe : JudgeRecipe
        The resolved recipe.
    device : torch.device
        Where the network lives.
    precision : str
        ``bf16`` or ``fp32``.
    warn : callable
        Told what a person should know.

    Raises
    ------
    DualglandError
        If there are no cells to train on, or several processes are to train.
    """

    def __init__(
        self, recipe: JudgeRecipe, device: torch.device, precision: str, warn: Warn
    ) -> None:
        if distributed.world() > 1:
            found = "a judge is trained by one process alone"
            raise DualglandError(Kind.UNSUPPORTED, "torchrun", found, way_out="leave it out")
        self.recipe, self.device, self.precision = recipe, device, precision
        self.steps, self.crops = recipe.steps, recipe.batch
        self.parts = read_judged_cells(recipe)
        if not self.parts["train"]:
            found = "holds no annotated cell to train on"
            raise DualglandError(Kind.EMPTY, recipe.collection(), found)
        self.by_class: dict[int, list[Float32Array]] = {}
        for cell in self.parts["train"]:
            self.by_class.setdefault(cell.label, []).append(cell.image)
        self.judge: Judge = Judge(recipe.widths).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged: nn.Module = self.judge
        self.networks: dict[str, nn.Module] = {"judge": self.judge}
        self.best: dict[str, Tensor] = {}

    @override
    def begin(self) -> dict[str, Any]:
        """Return nothing: a judge starts from nothing."""
        return {}

    @override
    def images(self) -> dict[str, int]:
        """Return how many cells there are in each part."""
        return {part: len(cells) for part, cells in self.parts.items()}

    @override
    def optimiser(self, name: str) -> torch.optim.AdamW:
        """Return the optimiser of the network, at its full learning rate."""
        recipe = self.recipe
        return torch.optim.AdamW(
            self.networks[name].parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
        )

    @override
    def rate(self, step: int) -> float:
        """Return the factor of the rate: one cycle (Smith and Topin 2019), along cosines."""
        rise = max(1.0, RISE * self.steps - 1)
        if step <= rise:
            return _cosine(1 / 25, 1.0, step / rise)
        return _cosine(1.0, 1 / 25e4, (step - rise) / max(1.0, self.steps - 1 - rise))

    @override
    def decay(self, step: int) -> float:
        """Return the decay of the average, which forgets where it started."""
        return self.recipe.average if step else 0.0

    @override
    def batches(self) -> PerStep[Batch]:
        """Return the views of every step."""
        return PerStep(partial(draw_batch, self.by_class, self.recipe))

    @override
    def losses(self, batch: Batch, step: int, noise: torch.Generator) -> Iterator[Loss]:
        """Yield the one loss."""
        torch.manual_seed(noise.initial_seed())
        half = self.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            logits = self.judge(batch.x)
        yield Loss("judge", F.cross_entropy(logits, batch.target, label_smoothing=0.1), {})

    @override
    def what_fits(self, attempt: Callable[[int], None]) -> str:
        """Return what to say when memory ran out; ``attempt`` takes the first so many views."""
        return say_which_batch_fits(attempt, self.recipe.batch, self.recipe.crop, self.device)

    @override
    def state(self) -> dict[str, Tensor]:
        """Return the best weights so far, with their step and recall."""
        return self.best

    @override
    def load_state(self, state: dict[str, Tensor]) -> None:
        """Put back what :meth:`state` gave."""
        self.best = state

    @override
    def watch(self, warn: Warn) -> None:
        """Say so if no cell is kept for validation."""
        if not self.parts["validation"]:
            warn("no annotated cell is kept for validation: the last weights are kept")

    @override
    def validate(self, network: nn.Module, folder: Path, step: int) -> Validated | None:
        """Name the cells of the validation groups; keep the weights if they are the best so far."""
        if not self.parts["validation"]:
            return None
        assert isinstance(network, Judge)
        figures = assess(network.eval(), self.parts["validation"])
        network.train()
        if not self.best or figures["mean_recall"] > float(self.best["recall"]):
            self.best = {BEST + k: v.detach().clone() for k, v in network.state_dict().items()}
            self.best |= {
                "step": torch.tensor(step),
                "recall": torch.tensor(figures["mean_recall"], dtype=torch.float64),
            }
        row = {key: figures[key] for key in ("accuracy", "mean_recall")} | figures["recall"]
        return Validated({"validation, cells": {"all": row}}, {"validation": row})

    @override
    def export(self, network: nn.Module, folder: Path, step: int, figures: dict[str, Any]) -> Path:
        """Write the best weights so far, with figures of just these, and their card."""
        judge = copy.deepcopy(network)
        assert isinstance(judge, Judge)
        if self.best:
            step = int(self.best["step"])
            judge.load_state_dict(
                {k.removeprefix(BEST): v for k, v in self.best.items() if k.startswith(BEST)}
            )
        judge.load_state_dict({k: v.half().float() for k, v in judge.state_dict().items()})
        return write_model(folder, judge, judge_card(self.recipe, judge.eval(), step, self.parts))
