"""The options of training a localizer: what stands in ``recipes/localizer.yaml``."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

from napari_dualgland.errors import DualglandError


class Stage(BaseModel):
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

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(ge=0)
    batch: int = Field(default=12, ge=1)
    crop: int = Field(default=160, ge=64, multiple_of=16)
    learning_rate: float = Field(default=1.5e-3, gt=0)
    real: float = Field(default=0.0, ge=0, le=1)


class HeadStage(BaseModel):
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

    model_config = ConfigDict(frozen=True, extra="forbid")

    views: int = Field(default=6, ge=0)
    drawn: int = Field(default=3000, ge=8)
    crop: int = Field(default=208, ge=64, multiple_of=16)
    steps: int = Field(default=1200, ge=0)
    batch: int = Field(default=256, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1.0, ge=0)
    among: float = Field(default=3.0, ge=0)


class LocalizerRecipe(BaseModel):
    """How a localizer is trained.

    Attributes
    ----------
    name : str
        Of the model.
    widths, depths : tuple of int
        Of :class:`napari_dualgland.model.localizer.Localizer`.
    seed : int
        Of weights, draws and order.
    drawn : Stage
        The first: trunk and head on drawn proteins alone.
    head : HeadStage
        The second: the head again, on annotated cells too.
    whole : Stage or None
        In cross-validation, train everything on annotated cells in place of the second stage:
        for comparison.
    weight_decay, average : float
        Of AdamW; decay of the moving average of the weights, which is what is kept.
    folds : int
        Of cross-validation, which repeats the second stage once per fold.
    split : Path
        Recipe of the generator: the groups that it holds out are held out here, too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "localizer"
    widths: tuple[int, ...] = (32, 64, 128, 192)
    depths: tuple[int, ...] = (1, 2, 2, 2)
    seed: int = 0
    drawn: Stage = Stage(steps=3000)
    head: HeadStage = HeadStage()
    whole: Stage | None = None
    weight_decay: float = 0.03
    average: float = 0.997
    folds: int = 4
    split: Path = Path("generator.yaml")


def read_localizer_recipe(path: Path) -> LocalizerRecipe:
    """Return the recipe of a file.

    Raises
    ------
    DualglandError
        If there is no such file or an option in it is not one.
    """
    try:
        return LocalizerRecipe(**(yaml.safe_load(path.read_text(encoding="utf-8")) or {}))
    except FileNotFoundError:
        raise DualglandError(f"{path}: there is no such recipe") from None
    except (ValueError, TypeError, yaml.YAMLError) as error:
        raise DualglandError(f"{path}: {str(error).splitlines()[0]}") from None
