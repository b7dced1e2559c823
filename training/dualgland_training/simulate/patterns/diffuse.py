"""The pattern without structure of its own."""

from __future__ import annotations

import numpy as np

from dualgland_training.simulate.scene import Scene
from napari_dualgland.typing import Float32Array


def _cytosol(scene: Scene, rng: np.random.Generator) -> Float32Array:
    """Fill the cytoplasm, brighter where the cell is thick, with the dark holes of organelles.

    What leaks into the nucleus varies from protein to protein, and spares the nucleoli.
    """
    clouds = np.exp(scene.any_of(0.05, 0.3, rng) * scene.texture(2.2, rng))
    grain = np.exp(scene.any_of(0.05, 0.45, rng) * scene.texture(0.3, rng))
    holes = 1 - 0.7 * np.clip(scene.texture(0.6, rng) - scene.any_of(1.3, 2.5, rng), 0, 1)
    thick = (scene.layout.thickness / 3.0) ** scene.any_of(0.2, 1.0, rng)
    around = np.exp(-scene.layout.nucleus_distance / scene.any_of(4, 30, rng).clip(4))
    body = clouds * grain * holes * thick * (0.4 + around)
    leak = scene.any_of(0.1, 0.75, rng) * clouds * grain * (1 - 0.5 * scene.nucleoli)
    return np.asarray(body * scene.cytoplasm + leak * scene.nucleus, np.float32)


DIFFUSE = {
    "Cytosol": _cytosol,
}
"""Class → its pattern."""
