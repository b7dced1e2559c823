"""Patterns of organelles in the cytoplasm."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from dualgland_training.simulate.filaments import Habit, Seeds, grow
from dualgland_training.simulate.scatter import dots, scatter
from dualgland_training.simulate.scene import Scene
from napari_dualgland.typing import BoolArray, Float32Array

WORM = Habit(bend=0.42, memory=1.2, edge_reach=1.0, nucleus_reach=0.4, edge_loss=0.0)
"""How mitochondria lie: short and bent."""

RIBBON = Habit(bend=0.9, memory=0.8, edge_reach=1.0, nucleus_reach=0.3, edge_loss=0.0)
"""How the cisternae of the Golgi lie: knotted."""

WORMS_PER_AREA = 0.45
"""Mitochondria per µm² of cytoplasm beside the nucleus."""

WIDTH = 0.13
"""Radius of a mitochondrion, as the standard deviation of a Gaussian, in µm."""


def _mitochondria(scene: Scene, rng: np.random.Generator) -> Float32Array:
    """Draw a worm-like network, denser around the nucleus; in some cells broken into grains."""
    broken = scene.layout.per_cell(np.where(rng.random(scene.count) < 0.2, 0.12, 1.0))
    seeds = _worm_seeds(scene, broken, rng)
    worms = grow(scene.layout, seeds, WORM, scene.slabs, rng)
    return scene.blurred(worms, WIDTH)


def _worm_seeds(scene: Scene, broken: Float32Array, rng: np.random.Generator) -> Seeds:
    """Scatter mitochondria over the cytoplasm, most of them around the nucleus, mostly radial."""
    layout = scene.layout
    density = 0.08 + np.exp(-layout.nucleus_distance / scene.any_of(2.5, 9.0, rng).clip(2.5))
    density *= (layout.cells > 0) & (layout.nuclei == 0) & (layout.edge_distance > 0.8)
    density *= np.exp(0.6 * scene.texture(3.0, rng)) * scene.any_of(0.5, 1.5, rng)
    density /= np.sqrt(broken.clip(0.1))
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
        length=(rng.gamma(2.0, 2.4, y.size) * broken[y, x]).astype(np.float32),
        brightness=rng.lognormal(0, 0.4, y.size).astype(np.float32),
    )


def _endoplasmic_reticulum(scene: Scene, rng: np.random.Generator) -> Float32Array:
    """Follow the landmark of the ER: its sheets, its mesh and the envelope of the nucleus.

    Proteins share it out between sheets and mesh in their own way, so it is not a copy.
    """
    cover = np.exp(scene.any_of(0.05, 0.3, rng) * scene.texture(0.35, rng))
    slow = np.exp(scene.any_of(0.05, 0.3, rng) * scene.texture(3.0, rng))
    level = float(np.quantile(scene.er[:, scene.layout.cells > 0], 0.99))
    power = scene.any_of(0.75, 1.3, rng).clip(0.75)
    light = (scene.er.clip(0) / max(level, 1e-6)) ** power * cover * slow
    return np.asarray(light, np.float32)


def _golgi_apparatus(scene: Scene, rng: np.random.Generator) -> Float32Array:
    """Heap knotted ribbons on one side of the nucleus, around the microtubule centre.

    In some cells the stacks are scattered around the nucleus; few vesicles lie further out.
    """
    layout = scene.layout
    reach = scene.any_of(1.5, 4.5, rng).clip(1.5)
    around = np.exp(-((scene.centre_distance / reach) ** 2))
    scattered = np.exp(-layout.nucleus_distance / 2.5) * (scene.texture(2.0, rng) > 0.8)
    density = np.where(scene.some(0.25, rng), scattered, around)
    density = density * (layout.nuclei == 0) * ~scene.divides
    places = scatter(layout, density, rng.uniform(25, 90, scene.count), rng)
    number = places[0].size
    rows, columns = layout.shape
    seeds = Seeds(
        y=np.clip(places[0], 1, rows - 3).astype(np.float32),
        x=np.clip(places[1], 1, columns - 3).astype(np.float32),
        heading=rng.uniform(-np.pi, np.pi, number).astype(np.float32),
        height=rng.beta(2, 2, number).astype(np.float32),
        length=rng.gamma(2.0, 0.45, number).astype(np.float32),
        brightness=rng.lognormal(0, 0.4, number).astype(np.float32),
    )
    ribbons = grow(layout, seeds, RIBBON, scene.slabs, rng)
    ribbons = scene.blurred(ribbons, 0.15)
    level = np.quantile(ribbons[ribbons > 0], 0.97) if (ribbons > 0).any() else 1.0
    far = scatter(layout, layout.nuclei == 0, rng.uniform(0, 25, scene.count), rng)
    few = dots(layout, far, np.full(far[0].size, 0.14), rng.uniform(0.1, 0.4, far[0].size))
    light = ribbons / max(float(level), 1e-6) + few / len(scene.slabs)
    return np.asarray(light, np.float32)


def _aggresome(scene: Scene, rng: np.random.Generator) -> Float32Array:
    """Set one round inclusion of one to three µm beside the nucleus, at the microtubule centre.

    Misfolded protein is carried there along microtubules; now and then there are two or three.
    """
    layout = scene.layout
    near = np.exp(-((scene.centre_distance / 2.0) ** 2)) + 0.004
    near = near * (layout.nuclei == 0) * (layout.edge_distance > 1.5)
    places = scatter(layout, near, 1.0 + rng.gamma(0.6, 0.8, scene.count), rng)
    light = np.zeros(layout.shape, np.float32)
    rows, columns = np.ogrid[: layout.shape[0], : layout.shape[1]]
    for y, x in zip(*places, strict=True):
        radius = rng.uniform(0.5, 1.5) * scene.pixels_per_um
        window = _around(y, x, 2 * radius, layout.shape)
        away = np.hypot(rows[window[0]] - y, columns[:, window[1]] - x) / radius
        disc = 1 / (1 + np.exp((away - 1) * 8)) * (1 - 0.3 * np.exp(-((away / 0.5) ** 2)))
        np.maximum(light[window], disc, out=light[window])
    light *= (layout.nuclei == 0) & (layout.cells > 0)
    return scene.through_slabs(light)


def _around(y: int, x: int, reach: float, shape: tuple[int, int]) -> tuple[slice, slice]:
    far = int(reach) + 2
    return (
        slice(max(0, y - far), min(shape[0], y + far + 1)),
        slice(max(0, x - far), min(shape[1], x + far + 1)),
    )


def _vesicles(scene: Scene, rng: np.random.Generator) -> Float32Array:
    """Strew small bodies through the cytoplasm: each cell one kind of them.

    Peroxisomes are many, small and alike; endosomes and lysosomes fewer, of all sizes, the
    latter around the nucleus; lipid droplets are rings; bodies and rods are few and large.
    """
    layout = scene.layout
    kind = rng.choice(5, scene.count, p=[0.3, 0.2, 0.25, 0.15, 0.1])
    count = np.array([150.0, 40.0, 80.0, 40.0, 8.0])[kind] * rng.uniform(0.5, 1.6, scene.count)
    near = np.array([20.0, 10.0, 5.0, 8.0, 12.0])[kind]
    density = np.exp(-layout.nucleus_distance / layout.per_cell(near).clip(1))
    density = density * (layout.nuclei == 0) * (layout.edge_distance > 0.4)
    density = density * np.exp(0.5 * scene.texture(2.5, rng))
    places = scatter(layout, density, count, rng)
    own = kind[layout.cells[places] - 1] if places[0].size else np.zeros(0, int)
    small = np.array([0.1, 0.12, 0.14, 0.25, 0.16])[own]
    radii = small * rng.lognormal(0, np.array([0.12, 0.35, 0.3, 0.25, 0.4])[own])
    bright = rng.lognormal(0, np.array([0.3, 0.6, 0.5, 0.4, 0.5])[own])
    light = dots(layout, places, radii, bright)
    rings: BoolArray = own == 3
    if rings.any():
        at = places[0][rings], places[1][rings]
        # A ring is a dot with a smaller one taken out.
        light = light - dots(layout, at, radii[rings] * 0.55, 0.85 * bright[rings])
    return scene.through_slabs(light.clip(0))


ORGANELLES = {
    "Endoplasmic reticulum": _endoplasmic_reticulum,
    "Golgi apparatus": _golgi_apparatus,
    "Mitochondria": _mitochondria,
    "Aggresome": _aggresome,
    "Vesicles and punctate cytosolic patterns": _vesicles,
}
"""Class → its pattern."""
