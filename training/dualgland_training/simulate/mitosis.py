"""What dividing cells show: a spindle of microtubules, or the bridge between two daughters."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from dualgland_training.simulate.layout import Layout
from dualgland_training.simulate.outlines import POLE
from napari_dualgland.typing import Float32Array, Float64Array

FIBRES = 46
"""Fibres drawn per spindle."""


def draw_spindles(layout: Layout, rng: np.random.Generator) -> Float32Array:
    """Draw the spindles of dividing cells.

    Fibres run from pole to pole, bulging around the plate of chromosomes, and short ones stand
    around the poles as asters.

    Parameters
    ----------
    layout : Layout
        The cells.
    rng : numpy.random.Generator
        Source of everything random.

    Returns
    -------
    numpy.ndarray
        float32, (Y, X) of the canvas; peaks near 1.
    """
    light = np.zeros(layout.shape, np.float32)
    for label, outline in enumerate(layout.outlines, start=1):
        if outline.spindle is None:
            continue
        along = np.array([np.sin(outline.spindle), np.cos(outline.spindle)])
        across = np.array([along[1], -along[0]])
        points = [_fibres(rng), _asters(rng)]
        for u, v in points:
            y = outline.y + u * along[0] + v * across[0]
            x = outline.x + u * along[1] + v * across[1]
            _splat(light, layout, label, y, x)
    smooth = ndimage.gaussian_filter(light, 0.12 / layout.pixel_size)
    peak = float(np.quantile(smooth[smooth > 0], 0.97)) if smooth.any() else 1.0
    return np.asarray(smooth / max(peak, 1e-6), np.float32)


def _fibres(rng: np.random.Generator) -> tuple[Float64Array, Float64Array]:
    """Return points (along, across) of the fibres between the poles, in µm."""
    s = np.linspace(-1, 1, 120)[None] * rng.uniform(0.55, 1.0, (FIBRES, 1))
    s = s + rng.choice([-1, 1], (FIBRES, 1)) * (1 - np.abs(s).max(1, keepdims=True))
    bulge = rng.normal(0, 2.1, (FIBRES, 1))
    return (s * POLE).ravel(), (bulge * (1 - s**2)).ravel()


def _asters(rng: np.random.Generator) -> tuple[Float64Array, Float64Array]:
    """Return points (along, across) of short fibres around the poles, in µm."""
    angle = rng.uniform(0, 2 * np.pi, (2, 30, 1))
    out = np.linspace(0, 1, 30)[None, None] * rng.gamma(2.0, 0.8, (2, 30, 1))
    along = np.array([-POLE, POLE])[:, None, None] + out * np.cos(angle)
    return along.ravel(), (out * np.sin(angle)).ravel()


def _splat(
    light: Float32Array,
    layout: Layout,
    label: int,
    y: Float64Array,
    x: Float64Array,
) -> None:
    """Add points in µm to the light of one cell."""
    row, column = np.rint(y / layout.pixel_size), np.rint(x / layout.pixel_size)
    on = (row >= 0) & (column >= 0) & (row < layout.shape[0]) & (column < layout.shape[1])
    row, column = row[on].astype(np.intp), column[on].astype(np.intp)
    own = layout.cells[row, column] == label
    np.add.at(light, (row[own], column[own]), 1.0)


def draw_bridges(layout: Layout, chance: float, rng: np.random.Generator) -> Float32Array:
    """Draw the bridge by which two daughter cells hang together, for some neighbours.

    A bright rod of one to two µm width across their common border, tapering into both.

    Parameters
    ----------
    layout : Layout
        The cells.
    chance : float
        Of two neighbours that neither divide: 0 to 1.
    rng : numpy.random.Generator
        Source of everything random.

    Returns
    -------
    numpy.ndarray
        float32, (Y, X) of the canvas; peaks near 1.
    """
    light = np.zeros(layout.shape, np.float32)
    for a, b in _neighbours(layout):
        one, other = layout.outlines[a - 1], layout.outlines[b - 1]
        divides = one.spindle is not None or other.spindle is not None
        if divides or rng.random() >= chance:
            continue
        border = _border(layout, a, b)
        middle = np.array([(one.y + other.y) / 2, (one.x + other.x) / 2]) / layout.pixel_size
        at = border[np.argmin(((border - middle) ** 2).sum(1))] * layout.pixel_size
        direction = np.array([other.y - one.y, other.x - one.x])
        along = direction / max(float(np.hypot(*direction)), 1e-6)
        across = np.array([along[1], -along[0]])
        s = rng.normal(0, rng.uniform(0.9, 2.0), 500)
        w = rng.normal(0, rng.uniform(0.15, 0.35), 500)
        y, x = (at[i] + s * along[i] + w * across[i] for i in (0, 1))
        for label in (a, b):
            _splat(light, layout, label, y, x)
    smooth = ndimage.gaussian_filter(light, 0.15 / layout.pixel_size)
    return np.asarray(smooth / max(float(smooth.max()), 1e-6), np.float32)


def _neighbours(layout: Layout) -> list[tuple[int, int]]:
    """Return pairs of labels of cells that share a border."""
    pairs: set[tuple[int, int]] = set()
    for one, other in (
        (layout.cells[1:], layout.cells[:-1]),
        (layout.cells[:, 1:], layout.cells[:, :-1]),
    ):
        touch = (one != other) & (one > 0) & (other > 0)
        low, high = np.minimum(one, other)[touch], np.maximum(one, other)[touch]
        pairs.update(zip(low.tolist(), high.tolist(), strict=True))
    return sorted(pairs)


def _border(layout: Layout, a: int, b: int) -> Float64Array:
    """Return the pixels (N, 2) of cell ``a`` that touch cell ``b``."""
    near = ndimage.binary_dilation(layout.cells == b) & (layout.cells == a)
    return np.argwhere(near).astype(np.float64)
