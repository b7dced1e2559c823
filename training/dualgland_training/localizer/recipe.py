"""The options of training a localizer: what stands in ``recipes/localizer.yaml``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from dualgland_training.data.options import CellRun
from dualgland_training.trainer.options import (
    LONGEST,
    Count,
    Decay,
    Name,
    Rate,
    Side,
    Steps,
    check_options,
    read_yaml,
)
from napari_dualgland.frozen import FrozenModel
from napari_dualgland.model.architecture import Depth, Width


class Stage(FrozenModel):
    """One stretch of training.

    Attributes
    ----------
    steps, batch, crop : int
        A step sees ``batch`` views of ``crop``² pixels.
    learning_rate : float
        The highest; it rises over the first steps and falls to nothing (AdamW).
    real : float
        Share of annotated cells in a batch; the others are drawn.
    """

    steps: int = Field(ge=0, le=LONGEST)
    batch: Count = 12
    crop: Side = Field(default=160, ge=64, multiple_of=16)
    learning_rate: Rate = 1.5e-3
    real: float = Field(default=0.0, ge=0, le=1)


class HeadStage(FrozenModel):
    """The second stage: how the head is fitted to what the trunk pools.

    Attributes
    ----------
    views : int
        Shaken views per annotated cell, beside two of it as it is.
    drawn : int
        Drawn cells beside them.
    crop : int
        Largest side of a view.
    steps, batch : int
        A step sees ``batch`` views of real cells and as many of drawn ones.
    learning_rate, weight_decay : float
        Of AdamW.
    among : float
        Weight of telling the five annotated classes from each other.
    """

    views: int = Field(default=6, ge=0, le=65_536)
    drawn: Count = Field(default=3000, ge=8)
    crop: Side = Field(default=208, ge=64, multiple_of=16)
    steps: int = Field(default=1200, ge=0, le=LONGEST)
    batch: Count = 256
    learning_rate: Rate = 1e-3
    weight_decay: Decay = 1.0
    among: float = Field(default=3.0, ge=0)


class LocalizerRecipe(CellRun):
    """How a localizer is trained.

    Attributes
    ----------
    widths, depths : tuple of int
        Of :class:`napari_dualgland.model.localizer.Localizer`.
    drawn : Stage
        The first, which the trainer runs: trunk and head on drawn proteins alone.
    head : HeadStage
        The second: the head again, on annotated cells too.
    whole : Stage or None
        In cross-validation, train everything on annotated cells in place of the second stage:
        for comparison.
    weight_decay, average : float
        Of AdamW; decay of the moving average of the weights, which is what is kept.
    folds : int
        Of cross-validation, which repeats the second stage once per fold.
    banks : tuple of pathlib.Path
        Drawn cells to train on.
    heldout : pathlib.Path or None
        Drawn cells of other fields: looked at in validation, and what the finished model is
        calibrated on.
    validation_crops : int
        Drawn cells that are looked at in validation.
    """

    objective: Literal["localizer"] = "localizer"
    name: Name = "localizer"
    clip: float = Field(default=2.0, gt=0)
    log_every: Steps = 25
    widths: tuple[Width, Width, Width, Width] = (32, 64, 128, 192)
    depths: tuple[Depth, Depth, Depth, Depth] = (1, 2, 2, 2)
    drawn: Stage = Stage(steps=3000)
    head: HeadStage = HeadStage()
    whole: Stage | None = None
    weight_decay: Decay = 0.03
    average: float = Field(default=0.997, ge=0, lt=1)
    folds: int = Field(default=4, ge=2, le=1000)
    banks: tuple[Path, ...] = ()
    heldout: Path | None = None
    validation_crops: int = Field(default=57, ge=0, le=65_536)


def read_localizer_recipe(path: Path, **overrides: object) -> LocalizerRecipe:
    """Return the recipe of a file.

    Parameters
    ----------
    path : pathlib.Path
        Of the YAML file.
    **overrides
        Options of the first level that count more than the recipe's; None is left out.

    Returns
    -------
    LocalizerRecipe
        Every option.

    Raises
    ------
    DualglandError
        If there is no such file or an option in it is not one.
    """
    given = {key: value for key, value in overrides.items() if value is not None}
    options = read_yaml(path) | given | {"base": path.parent}
    return check_options(LocalizerRecipe, options, path)
