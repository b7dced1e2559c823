"""The shapes of cells and nuclei, in polar form: resting, spread out, or rounded up to divide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_dualgland.typing import Float64Array, FloatArray

ANGLES = np.linspace(-np.pi, np.pi, 256, endpoint=False)
"""Directions at which outlines are tabulated, in radians."""

POLE = 4.8
"""Distance of the poles of a spindle from the plate, in µm."""


@dataclass(frozen=True)
class Outline:
    """One cell: a centre and two polar outlines around it.

    Attributes
    ----------
    y, x : float
        Centre of the nucleus on the canvas, in µm.
    nucleus, reach : numpy.ndarray
        Radius of the nucleus and of the cell at every angle of :data:`ANGLES`, in µm.
    mtoc : tuple of float
        Microtubule organizing centre (y, x), beside the nucleus, in µm.
    spindle : float or None
        Direction of the mitotic spindle in radians; None for a cell that does not divide.
        The nucleus of a dividing cell is the plate of its chromosomes.
    """

    y: float
    x: float
    nucleus: Float64Array
    reach: Float64Array
    mtoc: tuple[float, float]
    spindle: float | None = None

    @property
    def poles(self) -> tuple[tuple[float, float], ...]:
        """Where microtubules begin (y, x), in µm: the two poles of a spindle, or the one centre."""
        if self.spindle is None:
            return (self.mtoc,)
        dy, dx = POLE * np.sin(self.spindle), POLE * np.cos(self.spindle)
        return (self.y - dy, self.x - dx), (self.y + dy, self.x + dx)


def radius_at(outline: Float64Array, angle: FloatArray) -> Float64Array:
    """Return the radius of a tabulated outline at any angle in radians.

    Parameters
    ----------
    outline : numpy.ndarray
        Radius at every angle of :data:`ANGLES`.
    angle : numpy.ndarray
        Radians, any shape.

    Returns
    -------
    numpy.ndarray
        float64, of the shape of ``angle`` and in the unit of the outline.
    """
    return np.asarray(np.interp(angle, ANGLES, outline, period=2 * np.pi))


def nucleus_outline(rng: np.random.Generator) -> tuple[Float64Array, float]:
    """Return the outline of a nucleus in µm and the direction of its long axis."""
    axis = rng.uniform(-np.pi, np.pi)
    long = rng.lognormal(np.log(10.8), 0.14)
    short = long * rng.uniform(0.58, 0.92)
    turned = ANGLES - axis
    ellipse = long * short / np.hypot(short * np.cos(turned), long * np.sin(turned))
    wobble = np.zeros_like(ANGLES)
    for order in range(2, 7):
        wobble += rng.normal(0, 0.075 / order**0.8) * np.cos(
            order * ANGLES + rng.uniform(0, 2 * np.pi)
        )
    if rng.random() < 0.25:  # a dent, as in a kidney
        wobble -= rng.uniform(0.1, 0.3) * _bump(rng.uniform(-np.pi, np.pi), rng.uniform(4, 10))
    return ellipse * (1 + wobble), axis


def plate_outline(rng: np.random.Generator) -> tuple[Float64Array, float]:
    """Return the outline of a metaphase plate in µm and the direction of its long axis."""
    axis = rng.uniform(-np.pi, np.pi)
    long, short = rng.uniform(4.5, 7.0), rng.uniform(1.3, 2.6)
    turned = ANGLES - axis
    plate = long * short / np.hypot(short * np.cos(turned), long * np.sin(turned))
    for order in range(3, 9):
        plate *= 1 + rng.normal(0, 0.05) * np.cos(order * ANGLES + rng.uniform(0, 2 * np.pi))
    return plate, axis


def round_outline(rng: np.random.Generator) -> Float64Array:
    """Return how far a dividing cell reaches, in µm: it has rounded up."""
    reach = np.full(ANGLES.shape, rng.uniform(8.5, 11.5))
    for order in range(2, 5):
        reach *= 1 + rng.normal(0, 0.03) * np.cos(order * ANGLES + rng.uniform(0, 2 * np.pi))
    return reach


def cell_outline(
    nucleus: Float64Array, axis: float, elongated: bool, rng: np.random.Generator
) -> Float64Array:
    """Return how far a cell spreads around its nucleus, in µm.

    Parameters
    ----------
    nucleus : numpy.ndarray
        Its radius at every angle of :data:`ANGLES`, in µm.
    axis : float
        Direction of its long axis, in radians.
    elongated : bool
        Whether the cell is spindly.
    rng : numpy.random.Generator
        Source of everything random.

    Returns
    -------
    numpy.ndarray
        Radius of the cell at every angle, in µm.
    """
    reach = np.full(ANGLES.shape, rng.uniform(11.0, 14.0))
    if elongated:
        tilt = axis + rng.normal(0, 0.3)
        reach *= 0.75
        for end in (tilt, tilt + np.pi + rng.normal(0, 0.4)):
            reach += rng.uniform(14, 42) * _bump(end, rng.uniform(10, 50))
    for _ in range(rng.integers(3, 7)):
        reach += rng.uniform(4, 24) * _bump(rng.uniform(-np.pi, np.pi), rng.uniform(5, 40))
    return np.asarray(np.maximum(reach, nucleus + 2.0))


def _bump(angle: float, sharpness: float) -> Float64Array:
    """Return a von Mises bump of height 1 around ``angle``."""
    return np.asarray(np.exp(sharpness * (np.cos(ANGLES - angle) - 1)))
