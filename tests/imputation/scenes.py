"""Small scenes for the engine's tests: cheap, smooth where they must be, seeded."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

from napari_dualgland import ROLES, Channel, Stack
from napari_dualgland.imputation.belief import Rehearsal
from napari_dualgland.imputation.rehearsal import rehearse_steps

CHANNELS = tuple(Channel(role, role) for role in ROLES)


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


def rehearse(*args: Any, **options: Any) -> Rehearsal:
    """Rehearse to the end."""
    steps = rehearse_steps(*args, **options)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            done: Rehearsal = end.value
            return done
