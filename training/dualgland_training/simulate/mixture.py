"""From patterns to the light of a protein channel, with its exact truth.

A protein may be in several places at once. Each pattern is focused and blurred as the
microscope would, scaled per cell so that its bright parts are 1, and weighted; the truth of a
class is where its own light stands out, whatever else shines there.
"""

from __future__ import annotations

import numpy as np

from dualgland_training.simulate.optics import focus_on
from dualgland_training.simulate.patterns import PATTERNS
from dualgland_training.simulate.scene import Scene
from napari_dualgland.typing import BoolArray, Float32Array, Float64Array, LabelArray

FOCUS = 1.3
"""Height at which a single plane is taken, in µm: the middle of the nuclei, about."""

PSF = 0.11
"""Standard deviation of the point spread function in focus, in µm."""

STANDS_OUT = 0.3
"""A pixel carries a class where that class's light is above this share of its bright parts."""

STANDS_OUT_MORE = {"Nuclear membrane": 0.55}
"""Where a haze belongs to the picture but not to the place: over the nucleus, seen through the
part of its envelope that is out of focus."""

SHARE = 0.004
"""Share of a cell's pixels that are its bright parts, at least half a µm²."""


def pattern_light(
    scene: Scene, name: str, rng: np.random.Generator, height: float = FOCUS
) -> Float32Array:
    """Return the light of one class in focus, (Y, X) of the canvas, bright parts of each cell 1.

    Parameters
    ----------
    scene : Scene
        The cells.
    name : str
        One of the classes but Negative.
    rng : numpy.random.Generator
        Source of everything random.
    height : float
        Focal plane, in µm.

    Returns
    -------
    numpy.ndarray
        float32, (Y, X).
    """
    volume = PATTERNS[name](scene, rng)
    return scaled_per_cell(in_focus(scene, volume, height), scene.layout.cells, scene.pixels_per_um)


def in_focus(scene: Scene, volume: Float32Array, height: float = FOCUS) -> Float32Array:
    """Return what a microscope focused at ``height`` sees of a volume, (Y, X).

    Parameters
    ----------
    scene : Scene
        What the volume was drawn into.
    volume : numpy.ndarray
        (slabs, Y, X), light.
    height : float
        Focal plane, in µm.

    Returns
    -------
    numpy.ndarray
        float32, (Y, X).
    """
    return focus_on(volume, scene.slabs, height, PSF, scene.layout.pixel_size)


def _bright_parts(light: Float32Array, cells: LabelArray, pixels_per_um: float) -> Float64Array:
    """Return per cell the light that its brightest pixels exceed, (N + 1,), 0 for background."""
    count = int(cells.max(initial=0))
    found = np.zeros(count + 1)
    order = np.argsort(cells, axis=None, kind="stable")
    edges = np.searchsorted(cells.ravel()[order], np.arange(1, count + 2))
    flat = light.ravel()[order]
    for label in range(1, count + 1):
        own = flat[edges[label - 1] : edges[label]]
        if own.size:
            number = max(int(SHARE * own.size), int(0.5 * pixels_per_um**2), 1)
            number = min(number, own.size)
            found[label] = np.partition(own, own.size - number)[own.size - number]
    return found


def scaled_per_cell(light: Float32Array, cells: LabelArray, pixels_per_um: float) -> Float32Array:
    """Return light scaled so that the bright parts of every cell are 1; 0 outside cells.

    Parameters
    ----------
    light : numpy.ndarray
        (Y, X), arbitrary units.
    cells : numpy.ndarray
        (Y, X), int32 labels.
    pixels_per_um : float
        Pixels to a µm.

    Returns
    -------
    numpy.ndarray
        float32, (Y, X).
    """
    bright = _bright_parts(light, cells, pixels_per_um)
    table = np.zeros(bright.size, np.float32)
    np.divide(1, bright, out=table, where=bright > 1e-9)
    return np.asarray(light * table[cells], np.float32)


def truth_of(light: Float32Array, name: str) -> BoolArray:
    """Return where a class stands out in its own scaled light.

    Parameters
    ----------
    light : numpy.ndarray
        (Y, X), scaled so that the bright parts of each cell are 1.
    name : str
        The class.

    Returns
    -------
    numpy.ndarray
        (Y, X) boolean.
    """
    return np.asarray(light > STANDS_OUT_MORE.get(name, STANDS_OUT))
