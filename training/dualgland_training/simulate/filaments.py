"""Curved filaments as batched random walks: microtubules, and the worms of mitochondria.

All filaments of a field grow together, one step at a time, so that the cost is a few
hundred passes over arrays as long as there are filaments. A filament keeps its heading,
bends smoothly, and turns along the cell edge and around the nucleus when it meets them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from dualgland_training.simulate.layout import Layout
from napari_dualgland.typing import BoolArray, Float32Array, FloatArray, LabelArray

STEP = 0.2
"""Length of one step, in µm: finer than the point spread function, so no beads are seen."""


UNDER, OVER = 0.06, 0.8
"""Shares of the height of the cell below and above which filaments pass the nucleus by."""


@dataclass(frozen=True)
class Seeds:
    """Where filaments begin.

    Attributes
    ----------
    y, x : numpy.ndarray
        float32, pixels on the canvas.
    heading : numpy.ndarray
        float32, radians.
    height : numpy.ndarray
        float32, 0 at the glass to 1 at the top of the cell.
    length : numpy.ndarray
        float32, µm.
    brightness : numpy.ndarray
        float32, per µm.
    """

    y: Float32Array
    x: Float32Array
    heading: Float32Array
    height: Float32Array
    length: Float32Array
    brightness: Float32Array


@dataclass(frozen=True)
class Habit:
    """How a kind of filament grows.

    Attributes
    ----------
    bend : float
        Spread of the curvature, in radians per µm.
    memory : float
        Length over which the curvature is kept, in µm.
    edge_reach, nucleus_reach : float
        Distance at which the cell edge and the nucleus turn a filament, in µm.
    edge_loss : float
        Rate at which filaments end at the cell edge, per µm of their length.
    """

    bend: float
    memory: float
    edge_reach: float
    nucleus_reach: float
    edge_loss: float


def grow(
    layout: Layout,
    seeds: Seeds,
    habit: Habit,
    slabs: FloatArray,
    rng: np.random.Generator,
) -> Float32Array:
    """Grow filaments and return the light that they put into each slab.

    Parameters
    ----------
    layout : Layout
        The cells that hold them; a filament ends where it leaves its cell.
    seeds : Seeds
        Where they begin.
    habit : Habit
        How they bend.
    slabs : numpy.ndarray
        Heights of the centres of the slabs above the glass in µm, evenly spaced.
    rng : numpy.random.Generator
        Source of the bends.

    Returns
    -------
    numpy.ndarray
        float32, shape (slabs, Y, X) of the canvas.
    """
    walls = _Walls(layout, habit)
    y, x = seeds.y.copy(), seeds.x.copy()
    uy, ux = np.sin(seeds.heading), np.cos(seeds.heading)
    curvature = rng.standard_normal(y.size, dtype=np.float32) * np.float32(habit.bend)
    home = layout.cells[y.astype(np.intp), x.astype(np.intp)]
    passing = (seeds.height < UNDER) | (seeds.height > OVER)
    alive = np.flatnonzero((home > 0) & (passing | ~walls.in_nucleus(y, x)))
    steps_left = np.ceil(seeds.length / STEP).astype(np.int32)
    keep = np.float32(np.exp(-STEP / habit.memory))
    stir = np.float32(habit.bend * np.sqrt(1 - keep**2))
    pixels = np.float32(STEP / layout.pixel_size)
    light = _Light(layout, slabs)
    while alive.size:
        light.add(y[alive], x[alive], seeds.height[alive], seeds.brightness[alive])
        curvature = keep * curvature
        curvature[alive] += stir * rng.standard_normal(alive.size, dtype=np.float32)
        vy, vx = _turn(uy[alive], ux[alive], curvature[alive] * np.float32(STEP))
        vy, vx = walls.steer(y[alive], x[alive], vy, vx, passing[alive])
        uy[alive], ux[alive] = vy, vx
        y[alive] += pixels * vy
        x[alive] += pixels * vx
        steps_left[alive] -= 1
        alive = alive[(steps_left[alive] > 0) & _at_home(layout, y[alive], x[alive], home[alive])]
        alive = alive[rng.random(alive.size) >= walls.loss(y[alive], x[alive])]
        alive = alive[passing[alive] | ~walls.in_nucleus(y[alive], x[alive])]
    return light.volume()


def _turn(
    uy: Float32Array, ux: Float32Array, angle: Float32Array
) -> tuple[Float32Array, Float32Array]:
    """Rotate unit vectors by small angles."""
    cos, sin = np.cos(angle), np.sin(angle)
    return uy * cos + ux * sin, ux * cos - uy * sin


def _at_home(layout: Layout, y: Float32Array, x: Float32Array, home: LabelArray) -> BoolArray:
    """Tell which positions are still on the canvas and in their own cell."""
    rows, columns = layout.shape
    on = (y >= 1) & (x >= 1) & (y < rows - 2) & (x < columns - 2)
    same = np.zeros_like(on)
    same[on] = layout.cells[y[on].astype(np.intp), x[on].astype(np.intp)] == home[on]
    return same


class _Walls:
    """The cell edge and the nucleus as soft walls along which filaments turn."""

    def __init__(self, layout: Layout, habit: Habit) -> None:
        # Distances are smoothed over half a micrometre: their ridges would kink filaments.
        sigma = 0.5 / layout.pixel_size
        self._inside = layout.nuclei > 0
        self._loss = habit.edge_loss * STEP * np.exp(-layout.edge_distance / habit.edge_reach)
        self._edge = self._wall(layout.edge_distance, habit.edge_reach, sigma)
        self._nucleus = self._wall(layout.nucleus_distance, habit.nucleus_reach, sigma)

    @staticmethod
    def _wall(
        distance: Float32Array, reach: float, sigma: float
    ) -> tuple[Float32Array, Float32Array]:
        """Return the vector (y, x) that points away from a wall, long close to it."""
        smooth = ndimage.gaussian_filter(distance, sigma)
        dy, dx = np.gradient(smooth)
        push = np.exp(-distance / reach) / np.maximum(np.hypot(dy, dx), 1e-6)
        return (dy * push).astype(np.float32), (dx * push).astype(np.float32)

    def in_nucleus(self, y: Float32Array, x: Float32Array) -> BoolArray:
        """Tell which positions lie over a nucleus."""
        return np.asarray(self._inside[y.astype(np.intp), x.astype(np.intp)])

    def loss(self, y: Float32Array, x: Float32Array) -> Float32Array:
        """Return the chance that a filament ends here, per step."""
        return np.asarray(self._loss[y.astype(np.intp), x.astype(np.intp)])

    def steer(
        self,
        y: Float32Array,
        x: Float32Array,
        uy: Float32Array,
        ux: Float32Array,
        passing: BoolArray,
    ) -> tuple[Float32Array, Float32Array]:
        """Turn headings that run into a wall; those ``passing`` the nucleus mind the edge only."""
        at = y.astype(np.intp), x.astype(np.intp)
        for (wall_y, wall_x), free in ((self._edge, False), (self._nucleus, passing)):
            ny, nx = np.where(free, 0, wall_y[at]), np.where(free, 0, wall_x[at])
            against = np.minimum(0, uy * ny + ux * nx)
            uy, ux = uy - against * ny, ux - against * nx
        norm = np.maximum(np.hypot(uy, ux), 1e-6)
        return np.asarray(uy / norm, np.float32), np.asarray(ux / norm, np.float32)


class _Light:
    """Collects points of light and bins them into slabs, shared over neighbouring pixels."""

    def __init__(self, layout: Layout, slabs: FloatArray) -> None:
        self._layout = layout
        self._slabs = slabs
        self._points: list[tuple[Float32Array, Float32Array, Float32Array, Float32Array]] = []

    def add(
        self, y: Float32Array, x: Float32Array, height: Float32Array, brightness: Float32Array
    ) -> None:
        """Add one step of every living filament."""
        self._points.append((y, x, height, brightness))

    def volume(self) -> Float32Array:
        """Return the light per pixel and slab."""
        rows, columns = self._layout.shape
        count = len(self._slabs)
        if not self._points:
            return np.zeros((count, rows, columns), np.float32)
        y, x, height, brightness = (
            np.concatenate(part) for part in zip(*self._points, strict=True)
        )
        iy, ix = y.astype(np.intp), x.astype(np.intp)
        z = height * self._layout.thickness[iy, ix]
        spacing = self._slabs[1] - self._slabs[0] if count > 1 else 1.0
        slab = np.clip(np.rint((z - self._slabs[0]) / spacing), 0, count - 1).astype(np.intp)
        fy, fx = y - iy, x - ix
        flat = (slab * rows + iy) * columns + ix
        volume = np.zeros(count * rows * columns)
        for offset, weight in (
            (0, (1 - fy) * (1 - fx)),
            (1, (1 - fy) * fx),
            (columns, fy * (1 - fx)),
            (columns + 1, fy * fx),
        ):
            volume += np.bincount(flat + offset, weight * brightness * STEP, volume.size)
        return volume.reshape(count, rows, columns).astype(np.float32)
