"""Every option of training a generator and its default, in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from dualgland_training.data.options import AugmentOptions, DamageOptions, ImageRun
from dualgland_training.trainer.options import (
    LONGEST,
    Count,
    Decay,
    Name,
    Rate,
    Side,
    check_options,
    read_yaml,
)
from napari_dualgland.frozen import FrozenModel
from napari_dualgland.model.architecture import WIDEST, Depth, Width

Blur = Annotated[float, Field(gt=0, le=16)]
Averaged = Annotated[dict[Path, Annotated[float, Field(gt=0, le=1)]], Field(min_length=1)]


class LossOptions(FrozenModel):
    """What every term of the losses weighs; 0 leaves it out.

    Attributes
    ----------
    salivary, pituitary : float
        Of the gland losses, which draw the estimate.
    jump, boundary, home : float
        Inside them: ½ of the rim's discontinuity, η of compartment boundaries, and the
        weight of the set points.
    relative, absolute, likelihood : float
        Of the reconstruction loss: error over that of the prior, error, and how well the
        stated standard deviation fits it.
    compartments : float
        Cross-entropy of the compartments that the generator names.
    spread : float
        How samples are distributed, by their ranked probability score.
    adversarial, matching, perceptual : float
        What drawn samples are held to: to be taken for measured, to stir the levels of the
        discriminator and of a frozen network of cells as measured pixels do.
    penalty, penalty_every : float and int
        Of the discriminator's gradient on measured pixels (R1), and every how many steps.
    reconstruction_share : float
        Of the steps, before the adversarial terms begin.
    ramp_share : float
        Of the steps, over which they grow to their weights.
    game_every : int
        Texture and discriminator are stepped at every n-th step alone.
    drawn_share : float
        Of each batch, from which samples are drawn.
    """

    salivary: float = Field(default=10.0, ge=0)
    pituitary: float = Field(default=2.0, ge=0)
    jump: float = Field(default=0.5, ge=0)
    boundary: float = Field(default=3.0, ge=0)
    home: float = Field(default=0.1, ge=0)
    relative: float = Field(default=1.0, ge=0)
    absolute: float = Field(default=0.0, ge=0)
    likelihood: float = Field(default=0.02, ge=0)
    compartments: float = Field(default=0.05, ge=0)
    spread: float = Field(default=1.0, ge=0)
    adversarial: float = Field(default=0.1, ge=0)
    matching: float = Field(default=0.2, ge=0)
    perceptual: float = Field(default=0.2, ge=0)
    penalty: float = Field(default=1.0, ge=0)
    penalty_every: int = Field(default=16, gt=0)
    reconstruction_share: float = Field(default=0.2, ge=0, le=1)
    ramp_share: float = Field(default=0.1, ge=0, le=1)
    game_every: int = Field(default=1, gt=0)
    drawn_share: float = Field(default=0.5, gt=0, le=1)

    def game(self, step: int, steps: int) -> float:
        """Return the factor of the adversarial terms: 0, a ramp, 1.

        Parameters
        ----------
        step, steps : int
            Done so far, and in all.

        Returns
        -------
        float
            0 to 1.
        """
        begun = step - self.reconstruction_share * steps
        if begun < 0:
            return 0.0
        return min(1.0, (begun + 1) / max(1.0, self.ramp_share * steps))


class TrainConfig(ImageRun):
    """A training run of the generator.

    Attributes
    ----------
    widths, depths : tuple of int
        Of the generator.
    crop, sources, crops_per_source : int
        A batch is ``sources × crops_per_source`` crops of ``crop``² pixels; several
        processes share it, so ``sources`` is a multiple of their number.
    reuse : int
        How often the crops of a source are used, with what was laid out for them, some 4 ×
        ``reuse`` steps apart and each time turned, mirrored and exposed anew.
    steps, warmup : int
        Optimiser steps in all and until the learning rate is full. Of 0 steps comes what the
        recipe starts from, validated and with a card: so models are averaged.
    schedule : str
        What comes then: ``cosine``, down to 2 % over all steps; or ``constant``, from which a
        good model can be taken at any time, by its average or by a short ``cooldown``.
    cooldown : int
        Last steps of a ``constant`` schedule, over which the rate falls to 0 in a line.
    learning_rate, weight_decay, ema : float
        Of AdamW, and of the moving average of the weights.
    validation_crops, pictures : int
        Crops of each case and set that are looked at in validation, and cases that are
        pictured.
    refine : int
        Of the generator.
    blurs : tuple of float
        Of the generator: standard deviations in pixels of the blurs between which the prior
        is divided into bands, each weighted per pixel; empty for none.
    lost_gain : float
        Of the generator; has no part in training. Found afterwards, on images that were trained
        on: 3 for the shipped one.
    discriminator_width : int
        Channels of its first level.
    start : pathlib.Path, dict of pathlib.Path to float, or None
        Weights of an earlier model to start from; what has another name or shape is new. Of
        several that are built alike, with their shares, the average.
    reference : str or None
        Name or file of a model whose figures stand beside those of every validation.
    """

    objective: Literal["generator"] = "generator"
    name: Name = "generator"
    widths: tuple[Width, Width, Width] = (48, 96, 192)
    depths: tuple[Depth, Depth, Depth] = (1, 2, 3)
    crop: Side = Field(default=128, multiple_of=16)
    sources: Count = 4
    crops_per_source: Count = 3
    reuse: Count = 4
    steps: int = Field(default=10_000, ge=0, le=LONGEST)
    warmup: int = Field(default=200, ge=0, le=LONGEST)
    schedule: Literal["cosine", "constant"] = "cosine"
    cooldown: int = Field(default=0, ge=0, le=LONGEST)
    learning_rate: Rate = 6e-4
    weight_decay: Decay = 1e-2
    ema: float = Field(default=0.999, ge=0, lt=1)
    validation_crops: int = Field(default=24, ge=0, le=65_536)
    pictures: int = Field(default=4, ge=0, le=64)
    refine: int = Field(default=0, ge=0, le=WIDEST)
    blurs: tuple[Blur, ...] = (0.6, 1.0, 1.6, 2.5)
    lost_gain: float = Field(default=1.0, gt=0, le=16)
    discriminator_width: Width = 32
    start: Path | Averaged | None = Field(default=None, validate_default=True)
    reference: str | None = None
    losses: LossOptions = LossOptions()
    damage: DamageOptions = DamageOptions()
    augment: AugmentOptions = AugmentOptions()

    @field_validator("start")
    @classmethod
    def _not_from_nothing(cls, start: object, before: ValidationInfo) -> object:
        if start is None and before.data.get("steps") == 0:
            raise ValueError("0 steps from nothing make no model")
        return start


def read_recipe(path: Path, **overrides: object) -> TrainConfig:
    """Return the configuration that a recipe resolves to.

    Parameters
    ----------
    path : pathlib.Path
        Of the YAML file.
    **overrides
        Options of the first level that count more than the recipe's.

    Returns
    -------
    TrainConfig
        Every option.

    Raises
    ------
    DualglandError
        If there is no such file, it is not YAML, or an option does not exist or has a
        wrong value; all of them are named.
    """
    options = read_yaml(path) | overrides | {"base": path.parent}
    return check_options(TrainConfig, options, path)
