"""The options of training a judge: what stands in ``recipes/judge.yaml``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dualgland_training.data.options import CellRun, Range, Share, Weight
from dualgland_training.trainer.options import Count, Decay, Rate, Side, Steps
from napari_dualgland.model.architecture import WIDEST
from napari_dualgland.model.precision import Precision

JudgeWidths = Annotated[
    tuple[Annotated[int, Field(gt=0, le=WIDEST, multiple_of=4)], ...],
    Field(min_length=1, max_length=8),
]
"""Of each scale; groups of four are normed."""


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
    widths: JudgeWidths
    steps: Steps = 600
    batch: Count = 24
    crop: Side = 128
    learning_rate: Rate = 2e-3
    weight_decay: Decay = 0.05
    average: float = Field(default=0.98, ge=0, lt=1)
    gain: Weight
    gamma: Weight
    noise: Weight
    zoom: Range
    blank: Share = 0.0
    # A gradient of few cells is no outlier: it is left as it is.
    clip: float = Field(default=100.0, gt=0)
    validate_every: Steps = 100
    checkpoint_every: Steps = 100
    threads: int = Field(default=1, gt=0, le=1024)
    precision: Precision = "fp32"
