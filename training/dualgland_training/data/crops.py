"""Crops of one source, shaken, so that exposure and couplings are not learned by heart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from dualgland_training.data.options import AugmentOptions, DamageOptions
from napari_dualgland.typing import AnyArray, BoolArray, Float32Array

Rng = np.random.Generator
Image = tuple[npt.NDArray[np.float16], BoolArray]
"""A (4, H, W) image and which of its channels are known."""


def draw_crop(image: AnyArray, size: int, rng: Rng, tries: int = 4) -> AnyArray:
    """Cut a crop that holds some signal, mirrored where the image ends.

    Parameters
    ----------
    image : numpy.ndarray
        (C, H, W).
    size : int
        Side of the crop, pixels.
    rng : numpy.random.Generator
        Draws where it is cut.
    tries : int
        Until the last is taken, signal or not.

    Returns
    -------
    numpy.ndarray
        (C, size, size).
    """
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
    rng: Rng, options: DamageOptions, family: str, known: BoolArray
) -> tuple[int, ...] | None:
    """Draw which channels are hurt, a known one among them.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws.
    options : DamageOptions
        How often all channels are hurt alike.
    family : str
        Of damage.
    known : numpy.ndarray
        (4,), boolean: which channels there are.

    Returns
    -------
    tuple of int or None
        None for all of them.
    """
    if family == "channel":
        return (int(rng.choice(np.flatnonzero(known))),)
    if rng.random() < options.all_channels:
        return None
    count = rng.choice([1, 2, 3], p=[0.75, 0.15, 0.1])
    # The antibody is what is most often lost alone, and what matters most.
    weights = np.array([0.2, 0.4, 0.2, 0.2])
    hurt = tuple(int(c) for c in rng.choice(4, count, replace=False, p=weights))
    return hurt if known[list(hurt)].any() else (int(rng.choice(np.flatnonzero(known))),)


def _shaken(crops: Float32Array, rng: Rng, options: AugmentOptions) -> Float32Array:
    """Change gamma per channel, alike for all (B, C, H, W) crops."""
    gamma = np.exp(rng.normal(0, options.gamma, (1, 4, 1, 1))).astype(np.float32)
    return np.asarray(np.sign(crops) * np.abs(crops) ** gamma)


def draw_crops(
    image: Callable[[Rng], Image], rng: Rng, count: int, size: int, options: AugmentOptions
) -> tuple[Float32Array, BoolArray]:
    """Return the shaken crops of one source and which of their channels are known.

    Parameters
    ----------
    image : callable
        Draws an image of a source.
    rng : numpy.random.Generator
        Draws.
    count, size : int
        Crops, and their side in pixels.
    options : AugmentOptions
        How they are shaken.

    Returns
    -------
    crops : numpy.ndarray
        (count, 4, size, size), float32, normalised.
    known : numpy.ndarray
        (4,), boolean.
    """
    whole, known = image(rng)
    zoom = rng.uniform(*options.zoom) if rng.random() < 0.5 else 1.0
    side = round(size / zoom)
    crops = np.stack([draw_crop(whole, side, rng) for _ in range(count)])
    if rng.random() < options.decouple:
        stranger, has = image(rng)
        channel = rng.integers(4)
        if has[channel]:
            known[channel] = True
            for crop in crops:
                crop[channel] = draw_crop(stranger, side, rng)[channel]
    if rng.random() < options.permute:
        order = rng.permutation(4)
        crops, known = crops[:, order], known[order]
    crops = crops.astype(np.float32)
    if side != size:
        # Not above: it takes seconds to import, and whoever evaluates zooms nothing.
        from torchvision.transforms.v2.functional import resize

        crops = resize(torch.from_numpy(crops), [size, size], antialias=True).numpy()
    crops = _shaken(crops, rng, options)
    if rng.random() < options.noisy:
        # Of the detector, and of the light: the variance of counted photons grows with them.
        read, shot = rng.uniform(0, options.noise), rng.uniform(0, options.shot)
        sigma = np.sqrt(read**2 + shot**2 * np.maximum(crops, 0))
        crops = crops + sigma * rng.standard_normal(crops.shape, dtype=np.float32)
    return crops.astype(np.float32), known
