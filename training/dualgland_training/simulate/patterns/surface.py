"""The pattern of the cell's surface."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from dualgland_training.simulate.scatter import dots, scatter
from dualgland_training.simulate.scene import Scene
from napari_dualgland.typing import Float32Array


def _plasma_membrane(scene: Scene, rng: np.random.Generator) -> Float32Array:
    """Line the edge of the cell, uneven, with ruffles and spikes; the rest is a grainy sheet.

    The membrane also covers the cell above and below the focus, nucleus and all: unlike the
    cytosol, its haze does not spare the nucleus. In many cells that sheet is most of what is
    seen, as bright where the cell is thin as where it is thick, and brighter where the edge
    ruffles. Some proteins keep to the contacts between cells (junctions) and leave free edges
    bare.
    """
    layout = scene.layout
    inside = layout.cells > 0
    flat = scene.some(0.5, rng)
    width = scene.any_of(0.18, 0.6, rng).clip(0.18)
    edge = np.exp(-layout.edge_distance / width) * inside
    patches = np.exp(scene.any_of(0.2, 0.9, rng) * scene.texture(2.0, rng))
    junctions = scene.some(0.2, rng)
    contact = _contacts(scene)
    edge = edge * patches * np.where(junctions, 1.5 * contact, 0.6 + 0.6 * contact)
    edge = edge * np.where(flat & ~junctions, scene.any_of(0.1, 0.8, rng), 1)
    spikes = np.exp(-((scene.texture(0.5, rng) / 0.12) ** 2)) * np.exp(-layout.edge_distance / 2)
    spikes = spikes * (scene.texture(2.5, rng) > 0.6) * inside * ~junctions
    sheet = np.exp(scene.any_of(0.15, 0.8, rng) * scene.texture(0.22, rng)) * inside
    level = np.where(flat, scene.any_of(0.4, 0.9, rng), scene.any_of(0.08, 0.5, rng))
    sheet = sheet * np.where(junctions, 0.03, level)
    sheet = sheet * np.exp(scene.any_of(0.1, 0.35, rng) * scene.texture(2.5, rng))
    # Over the nucleus the upper side of the cell is farthest out of focus.
    over = np.where(layout.nuclei > 0, scene.any_of(0.45, 1.1, rng), 1).astype(np.float32)
    sheet = sheet * ndimage.gaussian_filter(over, 0.5 * scene.pixels_per_um)
    reach = scene.any_of(1.0, 4.0, rng).clip(1.0)
    ruffles = np.exp(-layout.edge_distance / reach) * np.clip(scene.texture(5.0, rng) - 0.3, 0, 1)
    ruffles = ruffles * inside * ~junctions * scene.any_of(0.0, 1.2, rng)
    sheet = sheet * (1 + ruffles)
    specks = scatter(layout, layout.cells > 0, rng.uniform(0, 60, scene.count), rng)
    number = specks[0].size
    fine = dots(layout, specks, rng.uniform(0.1, 0.2, number), rng.lognormal(-0.7, 0.5, number))
    light = edge + 0.7 * spikes + sheet + np.where(junctions, 0, 0.5) * fine
    shape = (len(scene.slabs), *layout.shape)
    return np.asarray(np.broadcast_to(light / len(scene.slabs), shape), np.float32)


def _contacts(scene: Scene) -> Float32Array:
    """Return how near a pixel of a cell is to another cell, 0 to 1, (Y, X)."""
    cells = scene.layout.cells
    reach = max(1, round(0.6 * scene.pixels_per_um))
    touch = np.zeros(cells.shape, bool)
    for axis in (0, 1):
        for step in (reach, -reach):
            other = np.roll(cells, step, axis)
            touch |= (other != cells) & (other > 0) & (cells > 0)
    return touch.astype(np.float32)


SURFACE = {
    "Plasma membrane": _plasma_membrane,
}
"""Class → its pattern."""
