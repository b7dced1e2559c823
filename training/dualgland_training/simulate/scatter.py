"""Things that come in numbers: where they lie, and dots of light of a given size there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from dualgland_training.simulate.layout import Layout
from napari_dualgland.typing import AnyArray, Float32Array, FloatArray

SIZES = 4
"""Dots are blurred in this many groups of like size."""


def scatter(
    layout: Layout,
    density: AnyArray,
    counts: AnyArray,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Scatter a number of places over every cell.

    Parameters
    ----------
    layout : Layout
        The cells.
    density : numpy.ndarray
        (Y, X): how likely a place is, in any unit.
    counts : numpy.ndarray
        Per cell: how many places are expected.
    rng : numpy.random.Generator
        Source of the places.

    Returns
    -------
    tuple of numpy.ndarray
        Rows and columns on the canvas.
    """
    weight = np.where(layout.cells > 0, density, 0)
    sums = np.bincount(layout.cells.ravel(), weight.ravel(), len(counts) + 1)
    per_unit = np.zeros(len(counts) + 1)
    np.divide(np.concatenate([[0], counts]), sums, out=per_unit, where=sums > 0)
    y, x = np.nonzero(rng.random(layout.shape) < weight * per_unit[layout.cells])
    return y, x


def dots(
    layout: Layout,
    places: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]],
    radii: FloatArray,
    brightness: FloatArray,
) -> Float32Array:
    """Return round dots of light.

    Parameters
    ----------
    layout : Layout
        The canvas.
    places : tuple of numpy.ndarray
        Rows and columns.
    radii : numpy.ndarray
        Per dot, as the standard deviation of a Gaussian, in µm.
    brightness : numpy.ndarray
        Per dot: light at its peak.

    Returns
    -------
    numpy.ndarray
        float32, (Y, X).
    """
    light = np.zeros(layout.shape, np.float32)
    if radii.size == 0:
        return light
    edges = np.quantile(radii, np.linspace(0, 1, SIZES + 1))
    group = np.clip(np.searchsorted(edges, radii, "right") - 1, 0, SIZES - 1)
    for i in range(SIZES):
        own = group == i
        if not own.any():
            continue
        sigma = max(float(radii[own].mean()) / layout.pixel_size, 0.35)
        points = np.zeros(layout.shape, np.float32)
        np.add.at(points, (places[0][own], places[1][own]), brightness[own])
        light += ndimage.gaussian_filter(points, sigma) * np.float32(2 * np.pi * sigma**2)
    return light
