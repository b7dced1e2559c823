"""The localizer's first stage, which the trainer runs: trunk and head on drawn proteins."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from dualgland_training.localizer.bank import load_bank
from dualgland_training.localizer.batches import Batch, Examples
from dualgland_training.localizer.card import localizer_card
from dualgland_training.localizer.losses import localizer_loss
from dualgland_training.localizer.recipe import LocalizerRecipe, Stage
from dualgland_training.localizer.scores import on_drawn_cells
from dualgland_training.localizer.start import start_network
from dualgland_training.trainer import distributed
from dualgland_training.trainer.memory import say_which_batch_fits
from dualgland_training.trainer.model_card import write_model
from dualgland_training.trainer.objective import Loss, Objective, Validated, Warn
from dualgland_training.trainer.prefetch import PerStep
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.model.localizer import Localizer

WARM_UP = 0.15
"""Share of the steps over which the learning rate rises."""

UNCALIBRATED: dict[str, Any] = {"temperature": 1.0, "thresholds": {}, "prior": {}}
"""How a localizer is used before ``finish`` has looked at annotated cells."""


class LocalizerObjective(Objective[Batch]):
    """A localizer and its loss over one stage.

    Parameters
    ----------
    recipe : LocalizerRecipe
        The resolved recipe.
    device : torch.device
        Where the network lives.
    precision : str
        ``bf16`` or ``fp32``.
    warn : callable
        Told what a person should know.
    stage : Stage, optional
        Default: the recipe's ``drawn``.
    examples : Examples, optional
        What is seen; default: drawn cells of the recipe's banks.
    start : pathlib.Path, optional
        Weights to start from.

    Raises
    ------
    DualglandError
        If the recipe names no banks, or several processes are to train.
    """

    def __init__(
        self,
        recipe: LocalizerRecipe,
        device: torch.device,
        precision: str,
        warn: Warn,
        stage: Stage | None = None,
        examples: Examples | None = None,
        start: Path | None = None,
    ) -> None:
        if distributed.world() > 1:
            found = "a localizer is trained by one process alone"
            raise DualglandError(Kind.UNSUPPORTED, "torchrun", found, way_out="leave it out")
        self.recipe, self.device, self.precision = recipe, device, precision
        self.stage = recipe.drawn if stage is None else stage
        self.steps, self.crops = self.stage.steps, self.stage.batch
        if examples is None:
            if not recipe.banks:
                raise DualglandError(Kind.LACKING, "banks", "the recipe names no drawn cells")
            bank = load_bank(*(recipe.found(path) for path in recipe.banks))
            examples = Examples(bank, [], recipe.seed + 1)
        self.examples = examples
        network = start_network(recipe, start).train()
        self.network: Localizer = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged: nn.Module = self.network
        self.networks: dict[str, nn.Module] = {"localizer": self.network}
        self.watched = load_bank(recipe.found(recipe.heldout)) if recipe.heldout else None

    @override
    def begin(self) -> dict[str, Any]:
        """Return nothing: the network was started already."""
        return {}

    @override
    def images(self) -> dict[str, int]:
        """Return how many cells there are, drawn and annotated."""
        return self.examples.count()

    @override
    def optimiser(self, name: str) -> torch.optim.AdamW:
        """Return the optimiser of the network, at its full learning rate."""
        return torch.optim.AdamW(
            self.networks[name].parameters(),
            self.stage.learning_rate,
            weight_decay=self.recipe.weight_decay,
        )

    @override
    def rate(self, step: int) -> float:
        """Return the factor of the rate: up in a line, then along a cosine to nothing."""
        rise = max(1, round(WARM_UP * self.steps))
        if step < rise:
            return (step + 1) / rise
        share = (step + 1 - rise) / max(1, self.steps - rise)
        return 0.5 * (1 + math.cos(math.pi * share))

    @override
    def decay(self, step: int) -> float:
        """Return the decay of the average, which forgets where it started."""
        return self.recipe.average if step else 0.0

    @override
    def batches(self) -> PerStep[Batch]:
        """Return the views of every step."""
        stage = self.stage
        draw = partial(self.examples.batch, size=stage.batch, crop=stage.crop, real=stage.real)
        return PerStep(draw)

    @override
    def losses(self, batch: Batch, step: int, noise: torch.Generator) -> Iterator[Loss]:
        """Yield the one loss."""
        torch.manual_seed(self.recipe.seed * 1_000_003 + step + 1)
        half = self.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            reading = self.network(batch.x, batch.inside, batch.present)
        yield Loss("localizer", *localizer_loss(reading, batch))

    @override
    def what_fits(self, attempt: Callable[[int], None]) -> str:
        """Return what to say when memory ran out; ``attempt`` takes the first so many views."""
        return say_which_batch_fits(attempt, self.stage.batch, self.stage.crop, self.device)

    @override
    def state(self) -> dict[str, Tensor]:
        """Return nothing: the network is all there is."""
        return {}

    @override
    def load_state(self, state: dict[str, Tensor]) -> None:
        """Put nothing back."""

    @override
    def watch(self, warn: Warn) -> None:
        """Say so if there is nothing to look at."""
        if self.watched is None or self.recipe.validation_crops == 0:
            self.watched = None
            warn("no drawn cells are kept for validation (heldout:): no figures")

    @override
    def validate(self, network: nn.Module, folder: Path, step: int) -> Validated | None:
        """Read drawn cells of fields that are not trained on."""
        if self.watched is None:
            return None
        assert isinstance(network, Localizer)
        count = self.recipe.validation_crops
        network.eval()
        seen = on_drawn_cells(network, self.watched, self.recipe.seed + 50, count)
        network.train()
        figures = seen.by_class()
        return Validated({"validation, drawn cells": figures}, figures)

    @override
    def export(self, network: nn.Module, folder: Path, step: int, figures: dict[str, Any]) -> Path:
        """Write the model as it stands, not calibrated, with its card."""
        card = localizer_card(self.recipe, step, UNCALIBRATED, figures)
        return write_model(folder, network, card)
