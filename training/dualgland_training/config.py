"""Every option of a training run and its default, in one place.

A recipe is a YAML file with any of these fields; what it leaves out stands here. The
resolved configuration goes into every checkpoint and into the model card.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataOptions(_Options):
    """Where the images lie and what is kept from training.

    Attributes
    ----------
    root : pathlib.Path
        Folder with ``fields``, ``cells`` and ``singles`` as in the atlas collection.
    held_out_fields, held_out_groups : tuple of str
        Fields and groups of cells for the final figures: never trained on, never chosen by.
    validation_groups : tuple of str
        Groups of cells by which a checkpoint is chosen.
    validation_singles : int
        Every n-th single-channel field is kept for validation.
    shares : dict
        How often a source is drawn: ``fields``, ``cells``, ``singles``.
    """

    root: Path = Path("../shared/data/hpa")
    held_out_fields: tuple[str, ...] = ()
    held_out_groups: tuple[str, ...] = ()
    validation_groups: tuple[str, ...] = ()
    validation_singles: int = 10
    shares: dict[str, float] = {"fields": 0.5, "cells": 0.35, "singles": 0.15}


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

    families: dict[str, float] = {
        "box": 0.28,
        "thin": 0.22,
        "thick": 0.17,
        "random": 0.17,
        "saturated": 0.1,
        "channel": 0.06,
    }
    all_channels: float = 0.45
    scale: tuple[float, float] = (0.6, 1.0)


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
    noise : float
        Largest standard deviation of added noise, normalised units.
    """

    gain: float = 0.25
    gamma: float = 0.15
    permute: float = 0.15
    decouple: float = 0.1
    zoom: tuple[float, float] = (0.8, 1.25)
    noise: float = 0.015


class TrainConfig(_Options):
    """A training run.

    Attributes
    ----------
    name : str
        Of the model.
    widths, depths : tuple of int
        Of the generator.
    crop, sources, crops_per_source : int
        A batch is ``sources × crops_per_source`` crops of ``crop``² pixels; several
        processes share it, so ``sources`` is a multiple of their number.
    steps, warmup : int
        Optimiser steps in all and until the learning rate is full.
    learning_rate, weight_decay, ema, clip : float
        Of AdamW, of the moving average of the weights, of the gradient norm.
    seed : int
        Of everything random.
    validate_every, checkpoint_every : int
        In steps.
    threads : int
        CPU threads.
    device : str
        As in ``dualgland impute --device``.
    precision : str
        ``bf16`` (autocast) or ``fp32``.
    start : pathlib.Path or None
        Weights of an earlier model to start from; what has another name or shape is new.
    """

    name: str = "generator"
    widths: tuple[int, int, int] = (48, 96, 192)
    depths: tuple[int, int, int] = (1, 2, 3)
    crop: int = Field(default=128, multiple_of=16)
    sources: int = 4
    crops_per_source: int = 3
    steps: int = 10_000
    warmup: int = 200
    learning_rate: float = 6e-4
    weight_decay: float = 1e-2
    ema: float = 0.999
    clip: float = 1.0
    seed: int = 0
    validate_every: int = 500
    checkpoint_every: int = 250
    threads: int = 2
    device: str = "auto"
    precision: Literal["bf16", "fp32"] = "bf16"
    start: Path | None = None
    data: DataOptions = DataOptions()
    damage: DamageOptions = DamageOptions()
    augment: AugmentOptions = AugmentOptions()


def read_recipe(path: Path) -> TrainConfig:
    """Return the configuration that a recipe resolves to.

    Raises
    ------
    pydantic.ValidationError
        For an option that does not exist or has the wrong type.
    """
    return TrainConfig.model_validate(yaml.safe_load(path.read_text()) or {})
