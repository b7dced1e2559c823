"""Filaments, and the places where they begin."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from dualgland_training.simulate.filaments import Habit, Seeds, grow
from dualgland_training.simulate.scatter import dots, scatter
from dualgland_training.simulate.scene import Scene
from napari_dualgland.typing import AnyArray, Float32Array, Float64Array

VIMENTIN = Habit(bend=0.35, memory=2.5, edge_reach=1.5, nucleus_reach=0.5, edge_loss=0.3)
"""Intermediate filaments: wavy over a few µm, woven around the nucleus."""

STRESS = Habit(bend=0.015, memory=8.0, edge_reach=0.5, nucleus_reach=0.3, edge_loss=0.2)
"""Stress fibres: straight through the cell."""


def _clip(values: AnyArray, size: int) -> Float32Array:
    return np.asarray(np.clip(values, 1, size - 3), np.float32)


def _areas(scene: Scene) -> Float64Array:
    """Return the area of every cell, in µm²."""
    pixels = np.bincount(scene.layout.cells.ravel(), minlength=scene.count + 1)[1:]
    return np.asarray(pixels * scene.layout.pixel_size**2, np.float64)


def _filaments(scene: Scene, seeds: Seeds, habit: Habit, rng: np.random.Generator) -> Float32Array:
    light = grow(scene.layout, seeds, habit, scene.slabs, rng)
    return light * np.float32(scene.pixels_per_um)


def _seeds(
    scene: Scene,
    places: tuple[AnyArray, AnyArray],
    heading: AnyArray,
    height: AnyArray,
    length: AnyArray,
    brightness: AnyArray,
) -> Seeds:
    rows, columns = scene.layout.shape
    parts = (heading, height, length, brightness)
    heading, height, length, brightness = (p.astype(np.float32) for p in parts)
    y, x = _clip(places[0], rows), _clip(places[1], columns)
    return Seeds(y, x, heading, height, length, brightness)


def _intermediate_filaments(scene: Scene, rng: np.random.Generator) -> Float32Array:
    """Weave a wavy net around the nucleus that thins towards the edge: vimentin, keratins.

    Filaments bundle into thick strands; they collapse to a cage in dividing cells.
    """
    layout = scene.layout
    near = 0.1 + np.exp(-layout.nucleus_distance / scene.any_of(3, 12, rng).clip(3))
    density = near * (layout.nuclei == 0) * (layout.edge_distance > 1)
    area = _areas(scene)
    places = scatter(layout, density, area * rng.uniform(0.4, 1.3, scene.count), rng)
    number = places[0].size
    around = _outwards(scene)[places] + rng.choice([-1, 1], number) * rng.normal(1.1, 0.5, number)
    light = _filaments(
        scene,
        _seeds(
            scene,
            places,
            around,
            rng.beta(1.3, 1.8, number),
            4 + rng.gamma(2.0, 5.0, number),
            rng.lognormal(0, 0.7, number),
        ),
        VIMENTIN,
        rng,
    )
    light = scene.blurred(light, rng.uniform(0.05, 0.12))
    # Strands too fine to be told apart add up to a haze of the same distribution.
    haze = scene.blurred(light, 0.7)
    return np.asarray(light + scene.any_of(0.2, 1.0, rng) * haze, np.float32)


def _outwards(scene: Scene) -> Float32Array:
    """Return the direction away from the nucleus in radians, (Y, X)."""
    smooth = ndimage.gaussian_filter(scene.layout.nucleus_distance, 1.0 * scene.pixels_per_um)
    return np.asarray(np.arctan2(*np.gradient(smooth)), np.float32)


def _actin_filaments(scene: Scene, rng: np.random.Generator) -> Float32Array:
    """Lay stress fibres in parallel through the cell and a cortex along its edge.

    In some cells only the ends of the fibres show: focal adhesions, short streaks near the
    edge that point inwards.
    """
    layout = scene.layout
    focal = rng.random(scene.count) < 0.3
    area = _areas(scene)
    # One direction per cell, that of its long axis give or take.
    axis = layout.per_cell(rng.uniform(-np.pi, np.pi, scene.count))
    fibres = np.where(focal, 0.01, rng.uniform(0.08, 0.5, scene.count)) * area
    bundles = np.exp(0.9 * scene.texture(0.8, rng)) * (layout.cells > 0)
    places = scatter(layout, bundles, fibres, rng)
    number = places[0].size
    turn = rng.choice([0, np.pi], number) + rng.normal(0, 0.1, number)
    under = rng.uniform(0.0, 0.05, number)  # beneath the nucleus, or it would stop them
    seeds = _seeds(
        scene,
        places,
        axis[places] + turn,
        under,
        6 + rng.gamma(2.0, 6.0, number),
        rng.lognormal(0, 0.8, number),
    )
    light = _filaments(scene, seeds, STRESS, rng)
    light = scene.blurred(light + _cortex(scene, focal, rng), 0.08)
    # Fibres too fine to be told apart add up to a haze of the same distribution.
    haze = scene.blurred(light, 0.8)
    light = light + scene.any_of(0.1, 0.9, rng) * haze * (layout.cells > 0)
    return np.asarray(light + _adhesions(scene, focal, rng), np.float32)


def _cortex(scene: Scene, focal: AnyArray, rng: np.random.Generator) -> Float32Array:
    """Return the actin that lines the edge of the cell, (slabs, Y, X)."""
    share = scene.layout.per_cell(np.where(focal, 0.02, rng.uniform(0.1, 0.7, scene.count)))
    edge = np.exp(-scene.layout.edge_distance / 0.4) * (scene.layout.cells > 0)
    edge = 2 * edge * share * np.exp(0.5 * scene.texture(2.0, rng))
    return scene.through_slabs(edge)


def _adhesions(scene: Scene, focal: AnyArray, rng: np.random.Generator) -> Float32Array:
    """Return focal adhesions: streaks of two to four µm near the edge, (slabs, Y, X)."""
    layout = scene.layout
    near = np.exp(-(((layout.edge_distance - 2.0) / 1.5) ** 2)) * (layout.nuclei == 0)
    near = near * (layout.nucleus_distance > 3) * (scene.texture(4.0, rng) > -0.3)
    count = np.where(focal, rng.uniform(20, 60, scene.count), rng.uniform(0, 8, scene.count))
    places = scatter(layout, near, count, rng)
    number = places[0].size
    seeds = _seeds(
        scene,
        places,
        _outwards(scene)[places] + np.pi + rng.normal(0, 0.2, number),
        np.full(number, 0.02),
        rng.uniform(1.0, 3.0, number),
        rng.lognormal(1.0, 0.4, number),
    )
    streaks = _filaments(scene, seeds, STRESS, rng)
    return np.asarray(2 * scene.blurred(streaks, 0.16), np.float32)


def _microtubules(scene: Scene, rng: np.random.Generator) -> Float32Array:
    """Follow the tubulin of the landmark; in a few cells only the ends of the filaments.

    Proteins that bind microtubules cover them unevenly, so the texture is not a copy.
    """
    cover = np.exp(scene.any_of(0.1, 0.5, rng) * scene.texture(0.5, rng))
    slow = np.exp(0.25 * scene.texture(4.0, rng))
    level = float(np.quantile(scene.microtubules[:, scene.layout.cells > 0], 0.99))
    light = (scene.microtubules / max(level, 1e-6)) ** 1.1 * cover * slow
    ends = scene.some(0.1, rng)
    tips = _tips(scene, ends, rng)
    return np.asarray(np.where(ends, 0.03, 1) * light + tips, np.float32)


def _tips(scene: Scene, ends: AnyArray, rng: np.random.Generator) -> Float32Array:
    """Return short dashes, brightest towards the edge, where microtubules end, (slabs, Y, X)."""
    layout = scene.layout
    near = ends * (layout.nuclei == 0) * np.exp(-layout.edge_distance / 6.0)
    places = scatter(layout, near, rng.uniform(25, 80, scene.count), rng)
    number = places[0].size
    heading = _outwards(scene)[places] + rng.normal(0, 0.5, number)
    parts = (np.full(number, 0.3), rng.uniform(0.6, 2.2, number), rng.lognormal(0, 0.3, number))
    light = _filaments(scene, _seeds(scene, places, heading, *parts), STRESS, rng)
    return scene.blurred(light, 0.1)


def _mitotic_spindle(scene: Scene, rng: np.random.Generator) -> Float32Array:
    """Cover the spindle of a dividing cell, or the bridge between two daughters.

    Cells that do neither show nothing.
    """
    light = scene.spindle * np.exp(0.3 * scene.texture(0.4, rng)) * (scene.layout.cells > 0)
    return scene.through_slabs(light)


def _centrosome(scene: Scene, rng: np.random.Generator) -> Float32Array:
    """Set one or two dots at the microtubule focus; around it, in some cells, a swarm of specks.

    Two dots in most cells, half a µm to two apart.
    """
    layout = scene.layout
    rows, columns, radii, bright = [], [], [], []
    for outline in layout.outlines:
        swarm = rng.random() < 0.3
        for pole in outline.poles:
            number = 1 if outline.spindle is not None else 1 + int(rng.random() < 0.6)
            spread = rng.normal(0, 0.5, (number, 2))
            parts = [np.array(pole) + spread]
            size, light = [rng.uniform(0.16, 0.28, number)], [rng.uniform(0.7, 1.3, number)]
            if swarm:
                many = int(rng.integers(20, 120))
                parts.append(np.array(pole) + rng.normal(0, rng.uniform(0.8, 2.5), (many, 2)))
                size.append(rng.uniform(0.1, 0.2, many))
                light.append(rng.lognormal(-1.2, 0.5, many))
            at = np.rint(np.concatenate(parts) / layout.pixel_size).astype(np.intp)
            on = ((at >= 0) & (at < np.array(layout.shape))).all(1)
            rows.append(at[on, 0])
            columns.append(at[on, 1])
            radii.append(np.concatenate(size)[on])
            bright.append(np.concatenate(light)[on])
    if not rows:
        return np.zeros((len(scene.slabs), *layout.shape), np.float32)
    places = np.concatenate(rows), np.concatenate(columns)
    spots = dots(layout, places, np.concatenate(radii), np.concatenate(bright))
    return scene.through_slabs(spots * (layout.cells > 0))


CYTOSKELETON = {
    "Intermediate filaments": _intermediate_filaments,
    "Actin filaments": _actin_filaments,
    "Microtubules": _microtubules,
    "Mitotic spindle": _mitotic_spindle,
    "Centrosome": _centrosome,
}
"""Class → its pattern."""
