"""Patterns inside the nucleus and around it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from dualgland_training.simulate.scatter import dots, scatter
from dualgland_training.simulate.scene import Scene
from napari_dualgland.typing import Float32Array


def _nucleoplasm(scene: Scene, rng: np.random.Generator) -> Float32Array:
    """Fill the nucleus but for the nucleoli: smooth, granular or finely speckled by protein.

    In dividing cells the nuclear envelope is gone and the protein fills the whole cell.
    """
    grain = np.exp(scene.any_of(0.05, 0.4, rng) * scene.texture(0.25, rng))
    clumps = np.exp(scene.any_of(0.05, 0.3, rng) * scene.texture(0.9, rng))
    light = grain * clumps * (1 - scene.any_of(0.5, 0.98, rng) * scene.nucleoli)
    loose = np.where(scene.divides, 0.5, 0.0) * scene.cytoplasm
    return np.asarray(light * (scene.nucleus + loose), np.float32)


def _nuclear_membrane(scene: Scene, rng: np.random.Generator) -> Float32Array:
    """Line the rim of the nucleus, thin and uneven, with folds that run into the nucleus.

    The part of the envelope above and below the focus shows as a haze over the nucleus.
    """
    away = np.where(scene.layout.nuclei > 0, scene.depth, scene.layout.nucleus_distance)
    rim = np.exp(-((away / scene.any_of(0.14, 0.24, rng).clip(0.14)) ** 2))
    # Where two cells crowd together, the rim of one nucleus must not shine in the other cell.
    nearest = ndimage.grey_dilation(
        scene.layout.nuclei, size=2 * round(0.6 * scene.pixels_per_um) + 1
    )
    rim = rim * ((nearest == 0) | (nearest == scene.layout.cells))
    rim = rim * (scene.layout.cells > 0) * np.exp(0.25 * scene.texture(1.0, rng))
    # Zero lines of slow noise, kept in a few places, look as invaginations do.
    folds = np.exp(-((scene.texture(2.2, rng) / 0.07) ** 2)) * (scene.texture(2.5, rng) > 1.1)
    haze = scene.any_of(0.05, 0.25, rng) * np.exp(0.2 * scene.texture(0.4, rng))
    inside = scene.layout.nuclei > 0
    light = np.where(scene.divides, 0.05, 1) * (rim + inside * (haze + 0.5 * folds))
    return scene.through_slabs(light)


def _nucleoli(scene: Scene, rng: np.random.Generator) -> Float32Array:
    """Fill the nucleoli, where DNA is dim: bright ragged blobs, their rim at times brighter."""
    ragged = np.exp(0.25 * scene.texture(0.3, rng))
    ring = 4 * scene.nucleoli * (1 - scene.nucleoli) * scene.any_of(0, 0.5, rng)
    light = (scene.nucleoli**1.5 + ring) * ragged
    return np.asarray(light * scene.nucleus, np.float32)


def _fibrillar_center(scene: Scene, rng: np.random.Generator) -> Float32Array:
    """Set a handful of fine dots, often in a ring, into each nucleolus and nowhere else."""
    where = (scene.nucleoli > 0.5) * (0.3 + 4 * scene.nucleoli * (1 - scene.nucleoli))
    places = scatter(scene.layout, where, rng.uniform(8, 40, scene.count), rng)
    number = places[0].size
    light = dots(scene.layout, places, rng.uniform(0.1, 0.2, number), rng.lognormal(0, 0.3, number))
    light = light + (light > 0) * scene.any_of(0.0, 0.15, rng) * scene.nucleoli
    return np.asarray(light * (scene.nucleus > 0) / len(scene.slabs), np.float32)


def _nuclear_speckles(scene: Scene, rng: np.random.Generator) -> Float32Array:
    """Strew twenty to sixty irregular speckles through the nucleoplasm, none in nucleoli."""
    where = (scene.depth > 0.5) * np.clip(1 - 1.5 * scene.nucleoli, 0, 1)
    where = where * np.exp(0.8 * scene.texture(1.2, rng)) * ~scene.divides
    places = scatter(scene.layout, where, rng.uniform(22, 80, scene.count), rng)
    number = places[0].size
    light = dots(
        scene.layout, places, rng.uniform(0.16, 0.5, number), rng.lognormal(0, 0.45, number)
    )
    light = light * np.exp(0.35 * scene.texture(0.25, rng))
    haze = scene.any_of(0.05, 0.25, rng) * (1 - 0.8 * scene.nucleoli) * ~scene.divides
    return np.asarray((light + haze) * scene.nucleus, np.float32)


def _nuclear_bodies(scene: Scene, rng: np.random.Generator) -> Float32Array:
    """Set two to fifteen round bodies of 0.3 to 0.8 µm into the nucleus, such as PML bodies."""
    where = (scene.depth > 0.6) * (1 - 0.7 * scene.nucleoli) * ~scene.divides
    places = scatter(scene.layout, where, 2 + rng.gamma(1.6, 3.2, scene.count), rng)
    number = places[0].size
    light = dots(
        scene.layout, places, rng.uniform(0.16, 0.36, number), rng.lognormal(0, 0.35, number)
    )
    return np.asarray(light * (scene.nucleus > 0) / len(scene.slabs), np.float32)


NUCLEAR = {
    "Nucleoplasm": _nucleoplasm,
    "Nuclear membrane": _nuclear_membrane,
    "Nucleoli": _nucleoli,
    "Nucleoli fibrillar center": _fibrillar_center,
    "Nuclear speckles": _nuclear_speckles,
    "Nuclear bodies": _nuclear_bodies,
}
"""Class → its pattern."""
