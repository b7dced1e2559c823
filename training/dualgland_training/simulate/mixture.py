"""From patterns to the light of a protein channel, with its exact truth.

A protein may be in several places at once. Each pattern is focused and blurred as the
microscope would, scaled per cell so that its bright parts are 1, and weighted; the truth of a
class is where its own light stands out, whatever else shines there.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from dualgland_training.simulate.layout import Floats, Labels
from dualgland_training.simulate.optics import focus_on
from dualgland_training.simulate.patterns import PATTERNS
from dualgland_training.simulate.scene import Scene

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
) -> Floats:
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
    """
    volume = PATTERNS[name](scene, rng)
    return scaled_per_cell(in_focus(scene, volume, height), scene.layout.cells, scene.um)


def in_focus(scene: Scene, volume: Floats, height: float = FOCUS) -> Floats:
    """Return what a microscope focused at ``height`` sees of a volume, (Y, X)."""
    return focus_on(volume, scene.slabs, height, PSF, scene.layout.pixel_size)


def bright_parts(light: Floats, cells: Labels, um: float) -> npt.NDArray[np.float64]:
    """Return per cell the light that its brightest pixels exceed, (N + 1,), 0 for background."""
    count = int(cells.max(initial=0))
    found = np.zeros(count + 1)
    order = np.argsort(cells, axis=None, kind="stable")
    edges = np.searchsorted(cells.ravel()[order], np.arange(1, count + 2))
    flat = light.ravel()[order]
    for label in range(1, count + 1):
        own = flat[edges[label - 1] : edges[label]]
        if own.size:
            number = max(int(SHARE * own.size), int(0.5 * um**2), 1)
            number = min(number, own.size)
            found[label] = np.partition(own, own.size - number)[own.size - number]
    return found


def scaled_per_cell(light: Floats, cells: Labels, um: float) -> Floats:
    """Return light scaled so that the bright parts of every cell are 1; 0 outside cells."""
    bright = bright_parts(light, cells, um)
    table = np.zeros(bright.size, np.float32)
    np.divide(1, bright, out=table, where=bright > 1e-9)
    return np.asarray(light * table[cells], np.float32)


def truth_of(light: Floats, name: str) -> npt.NDArray[np.bool_]:
    """Return where a class stands out in its own scaled light."""
    return np.asarray(light > STANDS_OUT_MORE.get(name, STANDS_OUT))


def mix(parts: Mapping[str, Floats], weights: Mapping[str, float]) -> Floats:
    """Return the weighted sum of the lights of several classes, (Y, X)."""
    total: Floats = np.asarray(sum(weights[name] * parts[name] for name in weights), np.float32)
    return total
