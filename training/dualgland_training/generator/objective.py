"""What the generator is trained against: networks by name, and one loss for each of them.

The dual glands draw the estimate; the game against the discriminator draws the texture,
which reads the generator's features and cannot change them; it need not play at every step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from dualgland_training.data.source import Split
from dualgland_training.data.split import divided_as, parts_of, read_split
from dualgland_training.generator.batch import Batch, draw_noise
from dualgland_training.generator.batches import Batches
from dualgland_training.generator.card import generator_card
from dualgland_training.generator.discriminator import Discriminator
from dualgland_training.generator.estimation import EstimateLoss
from dualgland_training.generator.game import Game
from dualgland_training.generator.initial import load_start
from dualgland_training.generator.pictures import sample_sheet, write_sheet
from dualgland_training.generator.recipe import TrainConfig
from dualgland_training.generator.validation import Validation, pooled, watched_sources
from dualgland_training.trainer import distributed
from dualgland_training.trainer.memory import say_what_fits
from dualgland_training.trainer.model_card import write_model
from dualgland_training.trainer.objective import Loss, Objective, Validated, Warn
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.model.descent import expect_no_window
from napari_dualgland.model.generator import (
    Generator,
    GeneratorArchitecture,
    build_generator,
    load_generator,
)
from napari_dualgland.model.weights import ModelCard, card_for

VALIDATION_CROP = 128
"""Side in pixels of the crops that are looked at while training."""


class GeneratorObjective(Objective[Batch]):
    """Networks by name and their losses.

    Parameters
    ----------
    config : TrainConfig
        The resolved recipe.
    device : torch.device
        Where the networks live.
    precision : str
        ``bf16`` or ``fp32``.
    warn : callable
        Told of every image that is left out.

    Attributes
    ----------
    networks : dict of str to torch.nn.Module
        ``generator``, of which ``texture`` is a part that is stepped by itself, and
        ``discriminator``.
    """

    def __init__(
        self, config: TrainConfig, device: torch.device, precision: str, warn: Warn
    ) -> None:
        expect_no_window()
        self.config, self.device, self.precision = config, device, precision
        self._divide(read_split(config, warn))
        self._parts = parts_of(self.split)
        self.steps = config.steps
        self.crops = config.sources * config.crops_per_source
        self.generator = build_generator(self.architecture())
        self.generator = self.generator.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        assert self.generator.texture is not None
        self.averaged: nn.Module = self.generator
        self.texture = self.generator.texture
        self.discriminator = Discriminator(config.discriminator_width).to(device)
        self.networks: dict[str, nn.Module] = {
            "generator": self.generator,
            "texture": self.texture,
            "discriminator": self.discriminator,
        }
        self.estimate_loss = EstimateLoss(config.losses, device)
        self.game = Game(config, self.texture, self.discriminator, device)
        self.watched: Validation | None = None

    def _divide(self, split: Split) -> None:
        rank, world = distributed.rank(), distributed.world()
        self.split = split
        self._batches = Batches(split.train, self.config, rank, world, self.device)

    def architecture(self) -> dict[str, Any]:
        """Return what the model card says of how to build the generator."""
        config = self.config
        return {
            "kind": "generator",
            "widths": config.widths,
            "depths": config.depths,
            "refine": config.refine,
            "blurs": config.blurs,
            "lost_gain": config.lost_gain,
            "draws": True,
        }

    @override
    def begin(self) -> dict[str, Any]:
        """Load the weights that the recipe starts from; return whose, and which tensors are new.

        Raises
        ------
        DualglandError
            If a model cannot be read, is no generator, or is to be taken as it is and is built
            otherwise than the recipe says.
        """
        config = self.config
        if config.start is None:
            return {}
        shares = config.start if isinstance(config.start, dict) else {config.start: 1.0}
        models = {config.found(model): share for model, share in shares.items()}
        cards = {str(model): card_for("impute", str(model))[0] for model in models}
        new = load_start(self.generator, models)
        if config.steps == 0:
            self._refuse_other_build(cards)
        return {"start": {m: card.sha256 for m, card in cards.items()}, "new_tensors": new}

    def _refuse_other_build(self, cards: Mapping[str, ModelCard]) -> None:
        """Refuse what no step would put right: tensors that are new, or left behind."""
        ours = GeneratorArchitecture.model_validate(self.architecture()).model_dump()
        for model, card in cards.items():
            theirs = GeneratorArchitecture.model_validate(card.architecture).model_dump()
            if other := [f"{k}: {v}" for k, v in theirs.items() if ours[k] != v]:
                raise DualglandError(
                    Kind.MISMATCH,
                    model,
                    f"is built otherwise than the recipe says ({', '.join(other)})",
                    way_out="say so in the recipe, or train for some steps",
                )

    @override
    def images(self) -> dict[str, int]:
        """Return how many images there are in each part of the split."""
        return {part: len(sources) for part, sources in self.split._asdict().items()}

    @override
    def division(self) -> dict[str, list[str]]:
        """Return the names of a lab's own images, by what they are or were for."""
        return self._parts

    @override
    def keep_division(self, was: Mapping[str, list[str]], warn: Warn) -> None:
        """Leave each image what it was for: what was trained on is never held out later."""
        if not was or was == self._parts:
            return
        self._divide(divided_as(was, self.split, self.config, warn))
        # One that is away today may be back when the run goes on again.
        now = parts_of(self.split)
        self._parts = {part: sorted({*was[part], *now[part]}) for part in now}

    @override
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

    @override
    def rate(self, step: int) -> float:
        """Return the factor of the learning rate: linear warm-up, then as the schedule says."""
        config = self.config
        if step < config.warmup:
            return (step + 1) / config.warmup
        if config.schedule == "constant":
            return min(1.0, (config.steps - step) / max(1, config.cooldown))
        done = (step - config.warmup) / max(1, config.steps - config.warmup)
        return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))

    @override
    def decay(self, step: int) -> float:
        """Return the decay of the average: a young one follows closely and forgets the start."""
        return min(self.config.ema, (1 + step) / (10 + step))

    @override
    def batches(self) -> Batches:
        """Return this process's batches."""
        return self._batches

    def autocast(self) -> torch.autocast:
        """Return the context in which networks compute."""
        half = self.precision == "bf16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=half)

    @override
    def state(self) -> dict[str, Tensor]:
        """Return the state of the glands' feedback."""
        return self.estimate_loss.state()

    @override
    def load_state(self, state: dict[str, Tensor]) -> None:
        """Put back what :meth:`state` gave."""
        self.estimate_loss.load_state(state)

    @override
    def losses(self, batch: Batch, step: int, noise: torch.Generator) -> Iterator[Loss]:
        """Yield the loss of one network after the other."""
        with self.autocast():
            said = self.generator(batch.evidence)
        yield Loss("generator", *self.estimate_loss(said, batch))
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

    @override
    def what_fits(self, attempt: Callable[[int], None]) -> str:
        """Return what to say when memory ran out; ``attempt`` takes the first so many crops."""
        processes, config = distributed.world(), self.config
        sources = len(self._batches.places)
        each, side = config.crops_per_source, config.crop
        return say_what_fits(attempt, sources, each, side, processes, self.device)

    @override
    def watch(self, warn: Warn) -> None:
        """Draw the crops that validation looks at; nothing where no image is fit for it."""
        config = self.config
        sets = watched_sources(self.split, config)
        if not sets or config.validation_crops == 0:
            warn("no image with all four channels is kept for validation: no figures")
            return
        # A mistyped name is told before a minute is spent on the crops.
        reference = None if config.reference is None else load_generator(config.reference)
        self.watched = Validation(sets, config.validation_crops, VALIDATION_CROP, self.device)
        if reference is not None:
            self.watched.refer(reference.to(self.device))

    @override
    def validate(self, network: nn.Module, folder: Path, step: int) -> Validated | None:
        """Compare the averaged generator with its prior."""
        if self.watched is None:
            return None
        assert isinstance(network, Generator)
        table = self.watched.look(network)
        pictures = None
        if self.config.pictures:
            first = next(iter(self.watched.sets.values()))
            sheet = sample_sheet(network, first, self.config.pictures)
            pictures = write_sheet(sheet, folder, step)
        return Validated(table, pooled(table), pictures)

    @override
    def export(self, network: nn.Module, folder: Path, step: int, figures: dict[str, Any]) -> Path:
        """Write the model as it stands, with its card."""
        card = generator_card(self.config, self.split, self.architecture(), step, figures)
        return write_model(folder, network, card)
