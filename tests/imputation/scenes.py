"""Small scenes for the engine's tests: cheap, smooth where they must be, seeded."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

from napari_dualgland import ROLES, Channel, Imputation, Stack, impute
from napari_dualgland.imputation.calibration.calibrate import calibrate_steps
from napari_dualgland.imputation.calibration.calibration import Calibration
from napari_dualgland.imputation.frames import StackFrames
from napari_dualgland.imputation.masks import HiddenMasks, PackedMasks
from napari_dualgland.imputation.statistics import StackStatistics, StatisticsWindows
from napari_dualgland.model.filler import Filler

CHANNELS = tuple(Channel(role, role) for role in ROLES)

PLAIN = {"model": "prior", "device": "cpu", "rehearse": False}
"""Without calibration, which is tested for itself."""

CALIBRATED = {"model": "generator", "rehearse": True}


def run(stack: Stack, missing: np.ndarray | None = None, **options: object) -> Imputation:
    return impute(stack, missing, **(PLAIN | options))


def blobs(shape: tuple[int, int] = (96, 112), seed: int = 0) -> np.ndarray:
    """Four channels of smooth blobs from 0 to 1, the protein much like the ER; (4, Y, X)."""
    rng = np.random.default_rng(seed)
    planes = [ndimage.gaussian_filter(rng.random(shape), 3, mode="reflect") for _ in range(4)]
    planes[1] = 0.7 * planes[3] + 0.3 * planes[1]
    image = np.stack(planes)
    low, high = image.min((1, 2), keepdims=True), image.max((1, 2), keepdims=True)
    return (image - low) / np.maximum(high - low, 1e-9)


def in_dtype(image: np.ndarray, dtype: str) -> np.ndarray:
    """Bring an image from 0 to 1 to a dtype, over 200 grey levels or 0 to 1."""
    kind = np.dtype(dtype).kind
    return (image if kind == "f" else np.rint(200 * image)).astype(dtype)


def stack_of(image: np.ndarray, axes: str = "CYX", **fields: object) -> Stack:
    return Stack(image, axes, CHANNELS, **fields)  # type: ignore[arg-type]


def box(shape: tuple[int, ...], channels: object = slice(None), side: int = 24) -> np.ndarray:
    """A square hole near the middle; (4, Y, X)."""
    mask = np.zeros(shape, bool)
    y, x = shape[1] // 2 - side // 2, shape[2] // 2 - side // 2
    mask[channels, y : y + side, x : x + side] = True
    return mask


def hidden_of(image: np.ndarray, mask: np.ndarray) -> HiddenMasks:
    """What must not be looked at of one frame, (4, Y, X) each."""
    masks = PackedMasks((1, 1, *image.shape))
    masks.add(mask)
    return HiddenMasks(masks, StackFrames(image[None, None], range(4)))


def statistics_of(image: np.ndarray, mask: np.ndarray) -> StackStatistics:
    return StatisticsWindows(hidden_of(image, mask)).measure()


def calibrated(image: np.ndarray, mask: np.ndarray, filler: Filler, **options: Any) -> Calibration:
    """Calibrate to the end."""
    hidden, statistics = hidden_of(image, mask), statistics_of(image, mask)
    steps = calibrate_steps(hidden, statistics, filler, 0, **options)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            done: Calibration = end.value
            return done
