"""The three landmarks as volumes of light: chromatin, microtubules, endoplasmic reticulum.

Each function returns a float32 volume of shape (slabs, Y, X) on the canvas of the layout,
in arbitrary units: exposure sets the scale later. Sizes are in µm, so that a field at
another magnification shows the same cells.
"""

from __future__ import annotations

import numpy as np

from dualgland_training.simulate.filaments import Habit, Seeds, grow
from dualgland_training.simulate.layout import Layout
from dualgland_training.simulate.noise import smooth_noise
from dualgland_training.simulate.outlines import ANGLES, radius_at
from napari_dualgland.typing import Float32Array, FloatArray

NUCLEUS_HEIGHT = 2.4
"""Height of the middle of a nucleus above the glass, in µm."""

TUBULE = Habit(bend=0.2, memory=1.8, edge_reach=0.7, nucleus_reach=0.4, edge_loss=0.7)
"""How microtubules grow: nearly straight over several µm, along edges and around nuclei."""

TUBULES_PER_AREA = 1.0
"""Microtubules per µm² of cell."""


def nucleus_occupancy(layout: Layout, slabs: FloatArray) -> Float32Array:
    """Return which share of each voxel lies in a nucleus, 0 to 1; a pancake with soft rims.

    Parameters
    ----------
    layout : Layout
        The cells.
    slabs : numpy.ndarray
        (slabs,), heights of their centres above the glass, µm.

    Returns
    -------
    numpy.ndarray
        float32, (slabs, Y, X) of the canvas.
    """
    half = 2.2 * np.sqrt(np.clip(1 - np.minimum(layout.nucleus_level, 2) ** 4, 0, None))
    above = half[None] - np.abs(slabs - NUCLEUS_HEIGHT)[:, None, None]
    share = np.clip(above / 0.7 + 0.5, 0, 1) * (layout.nuclei > 0)
    return np.asarray(share, dtype=np.float32)


def cytoplasm_occupancy(layout: Layout, slabs: FloatArray) -> Float32Array:
    """Return which share of each voxel lies in a cell but in no nucleus, 0 to 1.

    Parameters
    ----------
    layout : Layout
        The cells.
    slabs : numpy.ndarray
        (slabs,), heights of their centres above the glass, µm.

    Returns
    -------
    numpy.ndarray
        float32, (slabs, Y, X) of the canvas.
    """
    above = layout.thickness[None] - slabs[:, None, None].astype(np.float32)
    share = np.clip(above / 1.0 + 0.7, 0, 1) * (layout.cells > 0)
    return np.asarray(share * (1 - nucleus_occupancy(layout, slabs)), dtype=np.float32)


def nucleoli(layout: Layout, rng: np.random.Generator) -> Float32Array:
    """Return a map of the nucleoli, 0 to 1: one to five soft blobs in every nucleus.

    Parameters
    ----------
    layout : Layout
        The cells.
    rng : numpy.random.Generator
        Source of everything random.

    Returns
    -------
    numpy.ndarray
        float32, (Y, X) of the canvas.
    """
    blobs = np.zeros(layout.shape, np.float32)
    for outline in layout.outlines:
        for _ in range(rng.integers(1, 6)):
            side = int(rng.integers(len(ANGLES)))
            out = outline.nucleus[side] * np.sqrt(rng.uniform(0, 0.45))
            y = (outline.y + out * np.sin(ANGLES[side])) / layout.pixel_size
            x = (outline.x + out * np.cos(ANGLES[side])) / layout.pixel_size
            _add_blob(blobs, y, x, rng.uniform(0.5, 1.5, 2) / layout.pixel_size, rng)
    ragged = 0.25 * smooth_noise(layout.shape, 0.5 / layout.pixel_size, rng)
    return np.asarray(np.clip((blobs + ragged - 0.4) / 0.45, 0, 1) * (layout.nuclei > 0))


def _add_blob(
    image: Float32Array,
    y: float,
    x: float,
    radii: FloatArray,
    rng: np.random.Generator,
) -> None:
    """Raise ``image`` to an elliptic Gaussian around (y, x)."""
    far = int(3 * radii.max()) + 2
    top, left = max(0, int(y) - far), max(0, int(x) - far)
    bottom, right = min(image.shape[0], int(y) + far), min(image.shape[1], int(x) + far)
    if top >= bottom or left >= right:
        return
    rows, columns = np.ogrid[top:bottom, left:right]
    turn = rng.uniform(0, np.pi)
    along = ((rows - y) * np.sin(turn) + (columns - x) * np.cos(turn)) / radii[0]
    across = ((rows - y) * np.cos(turn) - (columns - x) * np.sin(turn)) / radii[1]
    blob = np.exp(-0.5 * (along**2 + across**2))
    np.maximum(image[top:bottom, left:right], blob, out=image[top:bottom, left:right])


def draw_nucleus(
    layout: Layout,
    slabs: FloatArray,
    blobs: Float32Array,
    rng: np.random.Generator,
) -> Float32Array:
    """Draw DNA: clumped chromatin, a denser rim, dim nucleoli, nuclei of varied brightness.

    Parameters
    ----------
    layout : Layout
        The cells.
    slabs : numpy.ndarray
        (slabs,), heights of their centres above the glass, µm.
    blobs : numpy.ndarray
        (Y, X), 0 to 1: the nucleoli.
    rng : numpy.random.Generator
        Source of everything random.

    Returns
    -------
    numpy.ndarray
        float32, (slabs, Y, X) of the canvas.
    """
    per_um = 1 / layout.pixel_size
    coarse = smooth_noise(layout.shape, 1.6 * per_um, rng)
    clumps = smooth_noise(layout.shape, 0.42 * per_um, rng)
    holes = smooth_noise(layout.shape, 0.33 * per_um, rng)
    count = len(layout.outlines)
    grain = layout.per_cell(rng.uniform(0.13, 0.24, count))
    texture = np.exp(0.11 * coarse + grain * clumps)
    texture *= 1 - 0.45 * np.clip(holes - 1.4, 0, 1)
    texture *= 1 - 0.55 * blobs
    rim = np.exp(-(((layout.nucleus_level - 0.965) / 0.03) ** 2))
    texture *= 1 + 0.12 * rim
    brightness = layout.per_cell(rng.lognormal(0, 0.27, count))
    fine = np.stack([smooth_noise(layout.shape, 0.2 * per_um, rng) for _ in slabs])
    # Nothing but DNA is stained, but the rest of the cell is never quite dark.
    haze = 0.004 * cytoplasm_occupancy(layout, slabs)
    light = nucleus_occupancy(layout, slabs) * (texture * brightness) * np.exp(0.22 * fine)
    return np.asarray(light + haze, dtype=np.float32)


def draw_microtubules(layout: Layout, slabs: FloatArray, rng: np.random.Generator) -> Float32Array:
    """Draw filaments from the organizing centres, and free tubulin between them.

    Parameters
    ----------
    layout : Layout
        The cells.
    slabs : numpy.ndarray
        (slabs,), heights of their centres above the glass, µm.
    rng : numpy.random.Generator
        Source of everything random.

    Returns
    -------
    numpy.ndarray
        float32, (slabs, Y, X) of the canvas.
    """
    light = grow(layout, _tubule_seeds(layout, rng), TUBULE, slabs, rng)
    brightness = layout.per_cell(rng.lognormal(0, 0.22, len(layout.outlines)))
    free = 0.022 * cytoplasm_occupancy(layout, slabs) + 0.01 * nucleus_occupancy(layout, slabs)
    return np.asarray((light + free) * brightness, dtype=np.float32)


def _tubule_seeds(layout: Layout, rng: np.random.Generator) -> Seeds:
    """Start half of the microtubules at the centre, the others around the nucleus."""
    area = np.bincount(layout.cells.ravel(), minlength=len(layout.outlines) + 1)[1:]
    density = TUBULES_PER_AREA * rng.lognormal(0, 0.2, len(layout.outlines))
    counts = np.ceil(area * layout.pixel_size**2 * density).astype(int)
    parts = [_tubules_of(layout, label, n, rng) for label, n in enumerate(counts, start=1) if n > 0]
    y, x, heading = (np.concatenate(p).astype(np.float32) for p in zip(*parts, strict=True))
    rows, columns = layout.shape
    total = y.size
    return Seeds(
        y=np.clip(y, 1, rows - 3),
        x=np.clip(x, 1, columns - 3),
        heading=heading,
        height=rng.beta(1.3, 1.6, total).astype(np.float32),
        length=(3 + rng.gamma(1.8, 7.0, total)).astype(np.float32),
        brightness=rng.lognormal(0, 0.45, total).astype(np.float32),
    )


def _tubules_of(
    layout: Layout, label: int, count: int, rng: np.random.Generator
) -> tuple[FloatArray, ...]:
    """Return (y, x, heading) of the microtubules of one cell, in canvas pixels."""
    outline = layout.outlines[label - 1]
    at_centre = count // 5
    spread = rng.normal(0, 0.7, (2, at_centre))
    y, x = outline.mtoc[0] + spread[0], outline.mtoc[1] + spread[1]
    angle = rng.uniform(-np.pi, np.pi, at_centre)
    # The rest begins anywhere in the cytoplasm, more often near the nucleus, and runs
    # outwards: cells hold many microtubules that no centre has made.
    around = rng.uniform(-np.pi, np.pi, count - at_centre)
    inner, outer = radius_at(outline.nucleus, around), radius_at(outline.reach, around)
    out = inner + (outer - inner) * rng.beta(0.8, 2.0, around.size)
    y = np.concatenate([y, outline.y + out * np.sin(around)]) / layout.pixel_size
    x = np.concatenate([x, outline.x + out * np.cos(around)]) / layout.pixel_size
    angle = np.concatenate([angle, around + rng.normal(0, 1.0, around.size)])
    return y, x, angle


def draw_er(layout: Layout, slabs: FloatArray, rng: np.random.Generator) -> Float32Array:
    """Draw sheets around the nucleus that dissolve into a mesh towards the cell edge.

    Parameters
    ----------
    layout : Layout
        The cells.
    slabs : numpy.ndarray
        (slabs,), heights of their centres above the glass, µm.
    rng : numpy.random.Generator
        Source of everything random.

    Returns
    -------
    numpy.ndarray
        float32, (slabs, Y, X) of the canvas.
    """
    per_um = 1 / layout.pixel_size
    count = len(layout.outlines)
    fall = np.maximum(layout.per_cell(rng.uniform(4.0, 13.0, count)), 1e-3)
    near = np.exp(-layout.nucleus_distance / fall)
    cloud = (0.16 + near) * (1 - np.exp(-layout.edge_distance / 0.8))
    cloud *= np.exp(0.38 * smooth_noise(layout.shape, 2.2 * per_um, rng))
    cloud *= np.exp(0.3 * smooth_noise(layout.shape, 0.7 * per_um, rng))
    brightness = layout.per_cell(rng.lognormal(0, 0.3, count))
    cloud *= brightness
    sheet = np.exp(-layout.nucleus_distance / 2.5)
    envelope = np.exp(-(((layout.nucleus_level - 1.0) / 0.03) ** 2))
    inside = nucleus_occupancy(layout, slabs)
    light = cytoplasm_occupancy(layout, slabs)
    for level in range(len(slabs)):
        # The zero lines of a random field close into a mesh, as tubules of the ER do.
        tubules = np.exp(-((smooth_noise(layout.shape, 0.27 * per_um, rng) / 0.3) ** 2))
        specks = np.clip(smooth_noise(layout.shape, 0.16 * per_um, rng) - 1.9, 0, 1.5)
        mesh = (1 - 0.3 * sheet) * tubules + 0.12 * sheet + 1.6 * specks
        light[level] *= cloud * mesh
        light[level] += inside[level] * brightness * (0.07 * (1 + 0.5 * tubules) + 0.3 * envelope)
    return light
