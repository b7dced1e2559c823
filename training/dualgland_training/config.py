"""Every option of a training run and its default, in one place.

A recipe is a YAML file with any of these fields; what it leaves out stands here. The
resolved configuration goes into every checkpoint and into the model card.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from napari_dualgland.errors import DualglandError
from napari_dualgland.model.precision import Precision

Family = Literal["box", "thin", "thick", "random", "saturated", "channel", "lines", "scratches"]
Role = Literal["microtubules", "protein", "nucleus", "er"]
Kind = Literal["fields", "fields512", "cells", "singles", "images"]
Part = Literal["validation", "test", "shift"]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(gt=0)]
Width = Annotated[float, Field(gt=0, le=16)]


def _rising(bounds: tuple[float, float]) -> tuple[float, float]:
    if not 0 < bounds[0] <= bounds[1]:
        raise ValueError("the range must rise from a number above 0")
    return bounds


def _some(weights: dict[Family, float]) -> dict[Family, float]:
    if not any(weights.values()):
        raise ValueError("at least one weight must be above 0")
    return weights


def _no_checkpoint(name: str) -> str:
    if name.startswith("step-"):
        raise ValueError("a name that begins with step- is that of a checkpoint")
    return name


Range = Annotated[tuple[float, float], AfterValidator(_rising)]


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataOptions(_Options):
    """Where the images lie and what is kept from training.

    Paths are looked for from the recipe's folder, then from the working directory.

    Attributes
    ----------
    images : tuple of str
        Globs of images that ``napari_dualgland.read`` opens: members of HPA four-file
        sets, TIFF, OME-TIFF, OME-Zarr. ``**`` goes into folders.
    channels : dict
        From role to position or name of a channel, where names do not tell.
    split : pathlib.Path or None
        CSV with a column ``glob`` (or ``path``, or ``field``: the name of an image) and
        ``split`` (train, validation, test, shift) or ``group`` or both. Images of no row
        are left out. Without it images are drawn whole, by the seed.
    validation_share, test_share : float
        Of the images (or groups) that are drawn for it where nothing says.
    credit : str
        Attribution of the images, for the model card.
    root : pathlib.Path or None
        Folder with ``fields``, ``fields512``, ``cells``, ``singles`` and ``other_atlas`` as in
        the atlas collection. ``other_atlas`` is never trained on.
    held_out_fields, held_out_groups : tuple of str
        Of ``root``: fields and groups of cells for the final figures, never trained on.
    validation_fields, validation_groups : tuple of str
        Of ``root``: fields and groups of cells by which a checkpoint is chosen.
    validation_singles : int
        Of ``root``: every n-th single-channel field is kept for validation.
    watched : tuple of str
        Parts of the split that are looked at while training: ``validation``, by which a
        checkpoint is chosen, and, never chosen by, ``test`` and ``shift`` (images of another
        kind, to see how far what was learned carries).
    shares : dict
        How often a source is drawn: ``fields``, ``fields512``, ``cells``, ``singles`` of
        ``root``, ``images`` of the globs. What there is none of is not drawn.
    """

    images: tuple[str, ...] = ()
    channels: dict[Role, int | str] = {}
    split: Path | None = None
    validation_share: float = Field(default=0.1, ge=0, le=0.5)
    test_share: float = Field(default=0.1, ge=0, le=0.5)
    credit: str = ""
    root: Path | None = None
    held_out_fields: tuple[str, ...] = ()
    held_out_groups: tuple[str, ...] = ()
    validation_fields: tuple[str, ...] = ()
    validation_groups: tuple[str, ...] = ()
    validation_singles: int = Field(default=10, ge=0)
    watched: tuple[Part, ...] = ("validation",)
    shares: dict[Kind, Weight] = {
        "fields": 0.4,
        "fields512": 0.15,
        "cells": 0.3,
        "singles": 0.15,
        "images": 1.0,
    }


class DamageOptions(_Options):
    """How often each family of damage is drawn, and over which channels.

    Attributes
    ----------
    families : dict
        Weight of each family of :mod:`dualgland_training.damage`.
    all_channels : float
        Share of samples in which all channels lose the same pixels; the rest lose them
        in one, two or three channels.
    scale : tuple of float
        Range of the damage's size relative to its definition at 0.16 µm.
    """

    families: Annotated[dict[Family, Weight], AfterValidator(_some)] = {
        "box": 0.28,
        "thin": 0.22,
        "thick": 0.17,
        "random": 0.17,
        "saturated": 0.1,
        "channel": 0.06,
    }
    all_channels: Share = 0.45
    scale: Range = (0.6, 1.0)


class AugmentOptions(_Options):
    """How a crop is shaken, so that exposure and couplings are not learned by heart.

    Attributes
    ----------
    gain : float
        Standard deviation of the logarithm of a channel's gain.
    gamma : float
        The same of a channel's gamma.
    permute : float
        Share of samples whose channels change roles.
    decouple : float
        Share of samples of which one channel comes from another image.
    zoom : tuple of float
        Range of continuous magnification on top of the pyramid of the source.
    noisy : float
        Share of samples to which noise is added.
    noise, shot : float
        Largest standard deviation of what is added, normalised units: everywhere, and at
        intensity 1, growing with the root of the intensity.
    """

    gain: Weight = 0.25
    gamma: Weight = 0.15
    permute: Share = 0.15
    decouple: Share = 0.1
    zoom: Range = (0.8, 1.25)
    noisy: Share = 0.5
    noise: Weight = 0.015
    shot: Weight = 0.14


class LossOptions(_Options):
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
        """Return the factor of the adversarial terms at a step: 0, a ramp, 1."""
        begun = step - self.reconstruction_share * steps
        if begun < 0:
            return 0.0
        return min(1.0, (begun + 1) / max(1.0, self.ramp_share * steps))


class TrainConfig(_Options):
    """A training run.

    Attributes
    ----------
    name : str
        Of the model, and so of its file. The pickers show a lab's model only under a name
        that no shipped model has.
    widths, depths : tuple of int
        Of the generator.
    crop, sources, crops_per_source : int
        A batch is ``sources × crops_per_source`` crops of ``crop``² pixels; several
        processes share it, so ``sources`` is a multiple of their number.
    reuse : int
        How often the crops of a source are used, with what was laid out for them, some 4 ×
        ``reuse`` steps apart and each time turned, mirrored and exposed anew.
    steps, warmup : int
        Optimiser steps in all and until the learning rate is full.
    schedule : str
        What comes then: ``cosine``, down to 2 % over all steps; or ``constant``, from which a
        good model can be taken at any time, by its average or by a short ``cooldown``.
    cooldown : int
        Last steps of a ``constant`` schedule, over which the rate falls to 0 in a line.
    learning_rate, weight_decay, ema, clip : float
        Of AdamW, of the moving average of the weights, of the gradient norm.
    seed : int
        Of everything random.
    log_every, validate_every, checkpoint_every : int
        In steps.
    validation_crops, pictures : int
        Crops of each case and set that are looked at in validation, and cases that are
        pictured.
    threads : int
        CPU threads of each process.
    workers : int or None
        Processes that draw batches ahead; None: none on a CPU, up to 8 beside a GPU.
    device : str
        As in ``dualgland impute --device``.
    precision : str
        ``bf16`` (autocast), ``fp32``, or ``auto``: the faster one, which bf16 is where the
        device has it in hardware.
    compile : bool
        Compile the generator: ``torch.compile`` needs a C++ compiler and some minutes.
    refine : int
        Of the generator.
    blurs : tuple of float
        Of the generator: standard deviations in pixels of the blurs between which the prior
        is divided into bands, each weighted per pixel; empty for none.
    discriminator_width : int
        Channels of its first level.
    start : pathlib.Path or None
        Weights of an earlier model to start from; what has another name or shape is new.
    reference : str or None
        Name or file of a model whose figures stand beside those of every validation.
    base : pathlib.Path
        Folder of the recipe; not part of what is kept.
    """

    name: Annotated[str, AfterValidator(_no_checkpoint)] = Field(
        default="generator", pattern=r"^[\w][\w.-]*$"
    )
    widths: tuple[Positive, Positive, Positive] = (48, 96, 192)
    depths: tuple[Positive, Positive, Positive] = (1, 2, 3)
    crop: int = Field(default=128, multiple_of=16, gt=0)
    sources: int = Field(default=4, gt=0)
    crops_per_source: int = Field(default=3, gt=0)
    reuse: int = Field(default=4, gt=0)
    steps: int = Field(default=10_000, gt=0)
    warmup: int = Field(default=200, ge=0)
    schedule: Literal["cosine", "constant"] = "cosine"
    cooldown: int = Field(default=0, ge=0)
    learning_rate: float = Field(default=6e-4, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    ema: float = Field(default=0.999, ge=0, lt=1)
    clip: float = Field(default=1.0, gt=0)
    seed: int = Field(default=0, ge=0)
    log_every: int = Field(default=50, gt=0)
    validate_every: int = Field(default=500, gt=0)
    checkpoint_every: int = Field(default=250, gt=0)
    validation_crops: int = Field(default=24, ge=0)
    pictures: int = Field(default=4, ge=0)
    threads: int = Field(default=2, gt=0)
    workers: int | None = Field(default=None, ge=0)
    device: str = "auto"
    precision: Precision = "auto"
    compile: bool = False
    refine: int = Field(default=0, ge=0)
    blurs: tuple[Width, ...] = (0.6, 1.0, 1.6, 2.5)
    discriminator_width: int = Field(default=32, gt=0)
    start: Path | None = None
    reference: str | None = None
    losses: LossOptions = LossOptions()
    data: DataOptions = DataOptions()
    damage: DamageOptions = DamageOptions()
    augment: AugmentOptions = AugmentOptions()
    base: Path = Field(default=Path(), exclude=True)

    def found(self, path: Path) -> Path:
        """Return a path of the recipe as seen from its folder, else from here."""
        from_recipe = self.base / path.expanduser()
        return from_recipe if from_recipe.exists() else path.expanduser()


def read_recipe(path: Path, **overrides: object) -> TrainConfig:
    """Return the configuration that a recipe resolves to.

    ``overrides`` are options of the first level that count more than the recipe's.

    Raises
    ------
    DualglandError
        If there is no such file, it is not YAML, or an option does not exist or has a
        wrong value; all of them are named.
    """
    try:
        options = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise DualglandError(f"{path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DualglandError(f"{path}: is not YAML ({' '.join(str(error).split())})") from None
    if not isinstance(options, dict):
        raise DualglandError(f"{path}: is not a list of options like 'steps: 1000'")
    try:
        return TrainConfig.model_validate(options | overrides | {"base": path.parent})
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, e['loc']))}: {e['msg'].lower()}" for e in error.errors()]
        raise DualglandError(f"{path}: {'; '.join(wrong)}") from None
