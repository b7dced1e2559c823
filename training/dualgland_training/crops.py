"""Crops of one source, shaken, so that exposure and couplings are not learned by heart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from dualgland_training.config import AugmentOptions, DamageOptions, TrainConfig

Rng = np.random.Generator
Mask = npt.NDArray[np.bool_]
Image = tuple[npt.NDArray[np.float16], Mask]
"""A (4, H, W) image and which of its channels are known."""


def draw_crop(image: npt.NDArray[Any], size: int, rng: Rng, tries: int = 4) -> npt.NDArray[Any]:
    """Cut a (C, size, size) crop that holds some signal, mirrored where the image ends."""
    short = [max(0, size - s) for s in image.shape[1:]]
    if any(short):
        image = np.pad(image, [(0, 0), (0, short[0]), (0, short[1])], mode="symmetric")
    for _ in range(tries):
        y, x = (rng.integers(0, s - size + 1) for s in image.shape[1:])
        crop = image[:, y : y + size, x : x + size]
        if crop[:, ::4, ::4].astype(np.float32).mean() > 0.05:
            break
    return crop


def draw_channels(
    rng: Rng, options: DamageOptions, family: str, known: Mask
) -> tuple[int, ...] | None:
    """Draw which channels are hurt, a known one among them; None for all of them."""
    if family == "channel":
        return (int(rng.choice(np.flatnonzero(known))),)
    if rng.random() < options.all_channels:
        return None
    count = rng.choice([1, 2, 3], p=[0.75, 0.15, 0.1])
    # The antibody is what is most often lost alone, and what matters most.
    weights = np.array([0.2, 0.4, 0.2, 0.2])
    hurt = tuple(int(c) for c in rng.choice(4, count, replace=False, p=weights))
    return hurt if known[list(hurt)].any() else (int(rng.choice(np.flatnonzero(known))),)


def shake(crops: npt.NDArray[np.float32], rng: Rng, options: AugmentOptions) -> npt.NDArray[Any]:
    """Change gamma per channel, alike for all (B, C, H, W) crops."""
    gamma = np.exp(rng.normal(0, options.gamma, (1, 4, 1, 1))).astype(np.float32)
    return np.sign(crops) * np.abs(crops) ** gamma


def draw_crops(
    image: Callable[[Rng], Image], rng: Rng, config: TrainConfig
) -> tuple[npt.NDArray[np.float32], Mask]:
    """Return the shaken crops of one source and which of their channels are known.

    Parameters
    ----------
    image : callable
        Draws an image of a source.
    rng : numpy.random.Generator
    config : TrainConfig
        Says how many crops of which side, and how they are shaken.

    Returns
    -------
    crops : numpy.ndarray
        (crops_per_source, 4, crop, crop), float32, normalised.
    known : numpy.ndarray
        (4,), boolean.
    """
    whole, known = image(rng)
    zoom = rng.uniform(*config.augment.zoom) if rng.random() < 0.5 else 1.0
    side = round(config.crop / zoom)
    crops = np.stack([draw_crop(whole, side, rng) for _ in range(config.crops_per_source)])
    if rng.random() < config.augment.decouple:
        stranger, has = image(rng)
        channel = rng.integers(4)
        if has[channel]:
            known[channel] = True
            for crop in crops:
                crop[channel] = draw_crop(stranger, side, rng)[channel]
    if rng.random() < config.augment.permute:
        order = rng.permutation(4)
        crops, known = crops[:, order], known[order]
    crops = crops.astype(np.float32)
    if side != config.crop:
        crops = F.interpolate(
            torch.from_numpy(crops),
            (config.crop, config.crop),
            mode="bilinear",
            antialias=True,
            align_corners=False,
        ).numpy()
    crops = shake(crops, rng, config.augment)
    if rng.random() < config.augment.noisy:
        # Of the detector, and of the light: the variance of counted photons grows with them.
        read, shot = rng.uniform(0, config.augment.noise), rng.uniform(0, config.augment.shot)
        sigma = np.sqrt(read**2 + shot**2 * np.maximum(crops, 0))
        crops = crops + sigma * rng.standard_normal(crops.shape, dtype=np.float32)
    return crops.astype(np.float32), known
