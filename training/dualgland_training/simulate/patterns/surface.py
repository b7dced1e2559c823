"""The pattern of the cell's surface."""

from __future__ import annotations

import numpy as np

from dualgland_training.simulate.scatter import dots, scatter
from dualgland_training.simulate.scene import Scene
from napari_dualgland.typing import Float32Array


def _plasma_membrane(scene: Scene, rng: np.random.Generator) -> Float32Array:
    """Line the edge of the cell, uneven, with ruffles and spikes; the rest is a grainy sheet.

    The membrane also covers the cell above and below the focus, nucleus and all: unlike the
    cytosol, its haze does not spare the nucleus. Some proteins keep to the contacts between
    cells (junctions) and leave free edges bare.
    """
    layout = scene.layout
    width = scene.any_of(0.18, 0.6, rng).clip(0.18)
    edge = np.exp(-layout.edge_distance / width) * (layout.cells > 0)
    patches = np.exp(scene.any_of(0.2, 0.9, rng) * scene.texture(2.0, rng))
    junctions = scene.some(0.2, rng)
    contact = _contacts(scene)
    edge = edge * patches * np.where(junctions, 1.5 * contact, 0.6 + 0.6 * contact)
    spikes = np.exp(-((scene.texture(0.5, rng) / 0.12) ** 2)) * np.exp(-layout.edge_distance / 2)
    spikes = spikes * (scene.texture(2.5, rng) > 0.6) * (layout.cells > 0) * ~junctions
    sheet = np.exp(scene.any_of(0.1, 0.6, rng) * scene.texture(0.3, rng)) * (layout.cells > 0)
    sheet = sheet * np.where(junctions, 0.03, scene.any_of(0.08, 0.6, rng))
    sheet = sheet * np.exp(0.2 * scene.texture(2.0, rng))
    specks = scatter(layout, layout.cells > 0, rng.uniform(0, 60, scene.count), rng)
    number = specks[0].size
    fine = dots(layout, specks, rng.uniform(0.1, 0.2, number), rng.lognormal(-0.7, 0.5, number))
    light = edge + 0.7 * spikes + sheet + np.where(junctions, 0, 0.5) * fine
    return scene.through_slabs(light)


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
