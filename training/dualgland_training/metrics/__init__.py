"""Figures of how good fills are: pure functions on arrays and tensors.

:mod:`.fidelity`, given here, holds a fill against the truth; :mod:`.calibration` a stated
uncertainty against errors; :mod:`.sets` compares whole sets of pictures and needs torch.
"""

from dualgland_training.metrics.fidelity import (
    FEWEST,
    FLOOR,
    mean_absolute_error,
    mean_squared_error,
    noise_variance,
    pearson,
    psnr,
    rim_jump,
    set_point_error,
    set_points,
    ssim,
    texture_ratio,
)

__all__ = [
    "FEWEST",
    "FLOOR",
    "mean_absolute_error",
    "mean_squared_error",
    "noise_variance",
    "pearson",
    "psnr",
    "rim_jump",
    "set_point_error",
    "set_points",
    "ssim",
    "texture_ratio",
]
