"""Damage as microscopes and file systems make it, drawn with a seed.

Every family of damage is a function from a shape and a random generator to a boolean
mask that is True where pixels are lost; training draws them on the fly, the sample data
and the benchmarks draw them once. Sizes are in pixels at about 0.16 µm and scale with
``scale`` so that a field at another magnification is hurt alike.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from napari_dualgland.typing import BoolArray, FloatArray

Rng = np.random.Generator


def _random_mask(shape: tuple[int, int], rng: Rng, scale: float = 1.0) -> BoolArray:
    """Scattered dropout: 25 to 90 % of the pixels, each by itself."""
    return rng.random(shape) < rng.uniform(0.25, 0.9)


def _box_mask(shape: tuple[int, int], rng: Rng, scale: float = 1.0) -> BoolArray:
    """Dead tiles and stitching gaps: rectangles of 24 to 80 px, about one per 192² px."""
    mask = np.zeros(shape, bool)
    count = max(1, round(shape[0] * shape[1] / (192 * scale) ** 2))
    for _ in range(count):
        h, w = (int(s) for s in rng.uniform(24, 80, 2) * scale)
        y, x = rng.integers(0, max(1, shape[0] - h)), rng.integers(0, max(1, shape[1] - w))
        mask[y : y + h, x : x + w] = True
    return mask


def _lines_mask(shape: tuple[int, int], rng: Rng, scale: float = 1.0) -> BoolArray:
    """Dropped lines of a scanner: runs of 1 to 3 rows or columns, whole or in part."""
    mask = np.zeros(shape, bool)
    view = mask if rng.random() < 0.7 else mask.T
    for _ in range(max(1, round(view.shape[0] / (64 * scale)))):
        y, thick = rng.integers(0, view.shape[0]), rng.integers(1, 4)
        start, stop = 0, view.shape[1]
        if rng.random() < 0.5:
            start, stop = np.sort(rng.integers(0, view.shape[1] + 1, 2))
        view[y : y + thick, start:stop] = True
    return mask


def _stroke(shape: tuple[int, int], rng: Rng, length: float, bend: float) -> BoolArray:
    """Return the pixels under one bending line that starts anywhere in the image."""
    steps = max(2, int(length))
    angle = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, bend, steps))
    y = rng.uniform(0, shape[0]) + np.cumsum(np.sin(angle))
    x = rng.uniform(0, shape[1]) + np.cumsum(np.cos(angle))
    yi, xi = np.rint(y).astype(int), np.rint(x).astype(int)
    inside = (yi >= 0) & (yi < shape[0]) & (xi >= 0) & (xi < shape[1])
    mask = np.zeros(shape, bool)
    mask[yi[inside], xi[inside]] = True
    return mask


def _widened(mask: BoolArray, radius: float) -> BoolArray:
    """Return all pixels within ``radius`` of the mask."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return mask
    # Distances are taken near the mask alone: a field has hundreds of scratches.
    reach = int(radius) + 1
    near = (
        slice(max(0, rows[0] - reach), rows[-1] + reach + 1),
        slice(max(0, columns[0] - reach), columns[-1] + reach + 1),
    )
    wide = np.zeros_like(mask)
    wide[near] = ndimage.distance_transform_edt(~mask[near]) <= radius
    return wide


def _scratches_mask(shape: tuple[int, int], rng: Rng, scale: float = 1.0) -> BoolArray:
    """Scratches and fibres of dust: long bending lines, 1 to 7 px wide."""
    mask = np.zeros(shape, bool)
    for _ in range(max(2, round(shape[0] * shape[1] / (96 * scale) ** 2))):
        length = rng.uniform(60, 220) * scale
        mask |= _widened(
            _stroke(shape, rng, length, bend=0.02 if rng.random() < 0.6 else 0.15),
            rng.uniform(0.5, 3.0) * scale,
        )
    return mask


def _thin_mask(shape: tuple[int, int], rng: Rng, scale: float = 1.0) -> BoolArray:
    """Scratches, dropped lines or fibres of dust."""
    return (_scratches_mask if rng.random() < 0.6 else _lines_mask)(shape, rng, scale)


def _thick_mask(shape: tuple[int, int], rng: Rng, scale: float = 1.0) -> BoolArray:
    """Large irregular holes: widened random strokes and blobs."""
    mask = np.zeros(shape, bool)
    for _ in range(max(1, round(shape[0] * shape[1] / (176 * scale) ** 2))):
        strokes = np.zeros(shape, bool)
        strokes |= _stroke(shape, rng, rng.uniform(20, 90) * scale, bend=0.25)
        mask |= _widened(strokes, rng.uniform(8, 24) * scale)
    return mask


def _saturated_mask(image: FloatArray, rng: Rng, scale: float = 1.0) -> BoolArray:
    """Clipped blobs: discs centred on bright places of ``image`` (Y, X)."""
    shape = image.shape
    smooth = ndimage.gaussian_filter(image, 4 * scale)
    bright = np.flatnonzero(smooth >= np.quantile(smooth, 0.9))
    seeds = np.zeros(shape, bool)
    for _ in range(max(1, round(shape[0] * shape[1] / (160 * scale) ** 2))):
        seeds.flat[rng.choice(bright)] = True
    rough = ndimage.gaussian_filter(rng.normal(size=shape), 3 * scale)
    reach = rng.uniform(5, 16) * scale * (1 + 2.5 * scale * rough)
    return np.asarray(ndimage.distance_transform_edt(~seeds) <= reach, dtype=bool)


FAMILIES: dict[str, Callable[[tuple[int, int], Rng, float], BoolArray]] = {
    "random": _random_mask,
    "thin": _thin_mask,
    "lines": _lines_mask,
    "scratches": _scratches_mask,
    "thick": _thick_mask,
    "box": _box_mask,
}
"""Families that need no image; ``saturated`` and ``channel`` do and are drawn apart."""


def draw_damage(
    image: FloatArray,
    family: str,
    rng: Rng,
    channels: tuple[int, ...] | None = None,
    scale: float = 1.0,
) -> BoolArray:
    """Return a mask of one family over some channels of an image.

    Parameters
    ----------
    image : numpy.ndarray
        (C, Y, X); looked at by ``saturated`` alone.
    family : str
        A key of :data:`FAMILIES`, ``saturated`` or ``channel``.
    rng : numpy.random.Generator
        Source of all randomness.
    channels : tuple of int, optional
        Channels that are hurt, all by the same hole; default all. ``saturated`` hurts
        each channel where that channel is bright.
    scale : float
        Size of the damage relative to 0.16 µm pixels.

    Returns
    -------
    numpy.ndarray
        (C, Y, X), boolean; at least one pixel is True.

    Raises
    ------
    KeyError
        For an unknown family.
    """
    mask = np.zeros(image.shape, bool)
    hurt = tuple(range(image.shape[0])) if channels is None else channels
    plane = (image.shape[1], image.shape[2])
    while not mask.any():
        if family == "channel":
            mask[list(hurt)] = True
        elif family == "saturated":
            for c in hurt:
                mask[c] = _saturated_mask(image[c], rng, scale)
        else:
            mask[list(hurt)] = FAMILIES[family](plane, rng, scale)
    return mask
