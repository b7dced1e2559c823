"""The protein of interest: mitochondria, a worm-like network denser around the nucleus."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from dualgland_training.simulate.filaments import Habit, Seeds, grow
from dualgland_training.simulate.landmarks import cytoplasm_occupancy, nucleus_occupancy
from dualgland_training.simulate.layout import Floats, Layout
from dualgland_training.simulate.noise import smooth_noise

WORM = Habit(bend=0.42, memory=1.2, edge_reach=1.0, nucleus_reach=0.4, edge_loss=0.0)
"""How mitochondria lie: short and bent."""

WORMS_PER_AREA = 0.45
"""Mitochondria per µm² of cytoplasm beside the nucleus."""

WIDTH = 0.13
"""Radius of a mitochondrion, as the standard deviation of a Gaussian, in µm."""


def draw_protein(
    layout: Layout,
    slabs: npt.NDArray[np.floating],
    blobs: Floats,
    rng: np.random.Generator,
) -> Floats:
    """Draw mitochondria over a faint cytosol and nucleoplasm that spares the nucleoli.

    Parameters
    ----------
    layout : Layout
        The plan of the field.
    slabs : numpy.ndarray
        Heights of the slabs above the glass, in µm.
    blobs : numpy.ndarray
        Map of the nucleoli, 0 to 1, shape (Y, X) of the canvas.
    rng : numpy.random.Generator
        Source of everything random.

    Returns
    -------
    numpy.ndarray
        float32, shape (slabs, Y, X) of the canvas, arbitrary units.
    """
    worms = grow(layout, _worm_seeds(layout, rng), WORM, slabs, rng)
    width = WIDTH / layout.pixel_size
    worms = ndimage.gaussian_filter(worms, (0, width, width))
    count = len(layout.outlines)
    level = layout.per_cell(rng.lognormal(0, 0.35, count))
    cytosol = 0.012 * (1 - np.exp(-layout.edge_distance / 2.0))
    cytosol *= np.exp(0.3 * smooth_noise(layout.shape, 0.5 / layout.pixel_size, rng))
    nucleoplasm = 0.007 * (1 - 0.6 * blobs)
    light = worms + cytosol * cytoplasm_occupancy(layout, slabs)
    light += nucleoplasm * nucleus_occupancy(layout, slabs)
    return np.asarray(light * level, dtype=np.float32)


def _worm_seeds(layout: Layout, rng: np.random.Generator) -> Seeds:
    """Scatter mitochondria over the cytoplasm, most of them around the nucleus, mostly radial."""
    density = 0.08 + np.exp(-layout.nucleus_distance / 5.0)
    density *= (layout.cells > 0) & (layout.nuclei == 0) & (layout.edge_distance > 0.8)
    density *= np.exp(0.6 * smooth_noise(layout.shape, 3.0 / layout.pixel_size, rng))
    expected = density * (WORMS_PER_AREA * layout.pixel_size**2)
    y, x = np.nonzero(rng.random(layout.shape, dtype=np.float32) < expected)
    inside = (y > 1) & (x > 1) & (y < layout.shape[0] - 3) & (x < layout.shape[1] - 3)
    y, x = y[inside], x[inside]
    smooth = ndimage.gaussian_filter(layout.nucleus_distance, 1.0 / layout.pixel_size)
    outwards = np.arctan2(*(slope[y, x] for slope in np.gradient(smooth)))
    return Seeds(
        y=y.astype(np.float32),
        x=x.astype(np.float32),
        heading=(outwards + rng.normal(0, 0.9, y.size)).astype(np.float32),
        height=rng.beta(1.5, 2.0, y.size).astype(np.float32),
        length=rng.gamma(2.0, 2.4, y.size).astype(np.float32),
        brightness=rng.lognormal(0, 0.4, y.size).astype(np.float32),
    )
