"""The options of training a judge: what stands in ``recipes/judge.yaml``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dualgland_training.data.options import CellRun
from napari_dualgland.model.precision import Precision


class JudgeRecipe(CellRun):
    """How one judge is trained.

    Attributes
    ----------
    name : str
        ``judge`` keeps the score, ``features`` serves the training loss.
    widths : tuple of int
        Of :class:`dualgland_training.perceptual.judge.Judge`.
    steps, batch, crop : int
        A step sees ``batch`` crops of ``crop``² pixels.
    learning_rate, weight_decay, average : float
        Of AdamW with one cycle; decay of the moving average of the weights.
    gain, gamma, noise : float
        Standard deviations of log gain and log gamma per channel, and of added noise.
    zoom : tuple of float
        Range of magnification.
    blank : float
        Chance that a landmark channel is blanked, so that no single one is relied on.
    """

    objective: Literal["judge"] = "judge"
    name: Literal["judge", "features"]
    widths: tuple[int, ...]
    steps: int = Field(default=600, gt=0)
    batch: int = Field(default=24, gt=0)
    crop: int = Field(default=128, ge=16)
    learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    average: float = Field(default=0.98, ge=0, lt=1)
    gain: float
    gamma: float
    noise: float
    zoom: tuple[float, float]
    blank: float = 0.0
    # A gradient of few cells is no outlier: it is left as it is.
    clip: float = Field(default=100.0, gt=0)
    validate_every: int = Field(default=100, gt=0)
    checkpoint_every: int = Field(default=100, gt=0)
    threads: int = Field(default=1, gt=0)
    precision: Precision = "fp32"
