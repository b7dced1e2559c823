"""What patterns are drawn into: a plan of cells with the light of their landmarks.

A scene is simulated throughout, or has the landmarks of a real cell; patterns cannot tell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from dualgland_training.simulate.landmarks import (
    cytoplasm_occupancy,
    draw_er,
    draw_microtubules,
    draw_nucleus,
    nucleoli,
    nucleus_occupancy,
)
from dualgland_training.simulate.layout import Layout
from dualgland_training.simulate.mitosis import draw_bridges, draw_spindles
from dualgland_training.simulate.noise import smooth_noise
from napari_dualgland.typing import BoolArray, Float32Array, FloatArray

SLABS = np.arange(0.5, 5.5, 1.0)
"""Heights of the slabs in which a cell is drawn, in µm above the glass."""

FLAT = np.array([1.3])
"""One slab at the height of focus: enough for a single plane, and five times faster."""


@dataclass(frozen=True)
class Scene:
    """Cells, their landmarks and what patterns need to know of them.

    Attributes
    ----------
    layout : Layout
        The plan.
    slabs : numpy.ndarray
        Heights of the slabs in which patterns are drawn, in µm above the glass.
    nucleoli : numpy.ndarray
        float32, (Y, X) of the canvas, 0 to 1: where nucleoli lie.
    microtubules, er : numpy.ndarray
        float32, (slabs, Y, X): light of these landmarks, arbitrary units.
    spindle : numpy.ndarray
        float32, (Y, X): spindles and cytokinetic bridges, peaks near 1; 0 elsewhere.
    """

    layout: Layout
    slabs: FloatArray
    nucleoli: Float32Array
    microtubules: Float32Array
    er: Float32Array
    spindle: Float32Array

    @property
    def count(self) -> int:
        """Number of cells."""
        return len(self.layout.outlines)

    @property
    def pixels_per_um(self) -> float:
        """Pixels per µm."""
        return 1 / self.layout.pixel_size

    @cached_property
    def nucleus(self) -> Float32Array:
        """Share of each voxel that lies in a nucleus, (slabs, Y, X)."""
        return nucleus_occupancy(self.layout, self.slabs)

    @cached_property
    def cytoplasm(self) -> Float32Array:
        """Share of each voxel that lies in a cell but in no nucleus, (slabs, Y, X)."""
        return cytoplasm_occupancy(self.layout, self.slabs)

    @cached_property
    def depth(self) -> Float32Array:
        """Distance from the rim of the nucleus inwards in µm, 0 outside nuclei, (Y, X)."""
        inside = ndimage.distance_transform_edt(self.layout.nuclei > 0)
        return np.asarray(inside * self.layout.pixel_size, np.float32)

    @cached_property
    def divides(self) -> BoolArray:
        """Whether each pixel belongs to a dividing cell, (Y, X)."""
        flags = np.array([o.spindle is not None for o in self.layout.outlines], np.float32)
        return self.layout.per_cell(flags) > 0

    @cached_property
    def centre_distance(self) -> Float32Array:
        """Distance from the nearest microtubule organizing centre in µm, (Y, X)."""
        far = np.ones(self.layout.shape, bool)
        for outline in self.layout.outlines:
            for y, x in outline.poles:
                row, column = round(y * self.pixels_per_um), round(x * self.pixels_per_um)
                if 0 <= row < far.shape[0] and 0 <= column < far.shape[1]:
                    far[row, column] = False
        if far.all():
            return np.full(far.shape, 1e3, np.float32)
        away = ndimage.distance_transform_edt(far)
        return np.asarray(away * self.layout.pixel_size, np.float32)

    def texture(self, scale: float, rng: np.random.Generator) -> Float32Array:
        """Return smooth noise that varies over ``scale`` µm, (Y, X).

        Parameters
        ----------
        scale : float
            In µm.
        rng : numpy.random.Generator
            Source of everything random.

        Returns
        -------
        numpy.ndarray
            float32, mean about 0 and standard deviation about 1.
        """
        return smooth_noise(self.layout.shape, scale * self.pixels_per_um, rng)

    def any_of(self, low: float, high: float, rng: np.random.Generator) -> Float32Array:
        """Return a map of one uniform random number per cell, (Y, X).

        Parameters
        ----------
        low, high : float
            Bounds of the numbers.
        rng : numpy.random.Generator
            Source of everything random.

        Returns
        -------
        numpy.ndarray
            float32, 0 in the background.
        """
        return self.layout.per_cell(rng.uniform(low, high, self.count))

    def some(self, chance: float, rng: np.random.Generator) -> BoolArray:
        """Return the pixels of a random share of the cells, (Y, X).

        Parameters
        ----------
        chance : float
            Share of the cells, 0 to 1.
        rng : numpy.random.Generator
            Source of everything random.

        Returns
        -------
        numpy.ndarray
            (Y, X) boolean.
        """
        return self.layout.per_cell((rng.random(self.count) < chance).astype(np.float32)) > 0

    def through_slabs(self, light: FloatArray) -> Float32Array:
        """Return light of (Y, X) shared out evenly over the slabs: float32, (slabs, Y, X)."""
        shape = (len(self.slabs), *self.layout.shape)
        return np.asarray(np.broadcast_to(light / len(self.slabs), shape), np.float32)

    def blurred(self, light: Float32Array, sigma_um: float) -> Float32Array:
        """Return light blurred by a Gaussian within each slab, (slabs, Y, X).

        Parameters
        ----------
        light : numpy.ndarray
            (slabs, Y, X).
        sigma_um : float
            Its standard deviation, in µm.

        Returns
        -------
        numpy.ndarray
            Of the dtype of ``light``.
        """
        sigma = sigma_um * self.pixels_per_um
        return np.asarray(ndimage.gaussian_filter(light, (0, sigma, sigma)))


class Streams(NamedTuple):
    """Sources of random numbers: a change in how one part is drawn leaves the others."""

    nucleoli: np.random.Generator
    microtubules: np.random.Generator
    nucleus: np.random.Generator
    er: np.random.Generator


class Drawn(NamedTuple):
    """A scene and the light of its DNA, float32, (slabs, Y, X)."""

    scene: Scene
    nucleus: Float32Array


def draw_scene(
    layout: Layout,
    streams: Streams,
    slabs: FloatArray = SLABS,
    bridges: float = 0.0,
) -> Drawn:
    """Draw the landmarks of a layout.

    Parameters
    ----------
    layout : Layout
        The plan.
    streams : Streams
        Random numbers, a source for each part.
    slabs : numpy.ndarray
        Heights of the slabs, in µm.
    bridges : float
        Chance that two neighbours still hang together by a cytokinetic bridge.

    Returns
    -------
    Drawn
        The scene, and the light of its DNA.
    """
    blobs = nucleoli(layout, streams.nucleoli)
    tubulin = draw_microtubules(layout, slabs, streams.microtubules)
    er = draw_er(layout, slabs, streams.er)
    dna = draw_nucleus(layout, slabs, blobs, streams.nucleus)
    spindle = np.zeros(layout.shape, np.float32)
    if any(o.spindle is not None for o in layout.outlines) or bridges:
        bright = float(np.quantile(tubulin[:, layout.cells > 0], 0.99))
        spindle = draw_spindles(layout, streams.microtubules)
        spindle += np.float32(1.2) * draw_bridges(layout, bridges, streams.microtubules)
        scene = Scene(layout, slabs, blobs, tubulin, er, spindle)
        blobs = np.where(scene.divides, np.float32(0), blobs)
        # The interphase network falls apart and the ER clears the spindle; chromosomes are
        # several times as dense as chromatin.
        divides = scene.divides.astype(np.float32)
        tubulin = tubulin * (1 - np.float32(0.85) * divides) + np.float32(bright * 1.3) * spindle
        er = er * (1 - np.float32(0.7) * divides * np.clip(spindle, 0, 1))
        dna = dna * (1 + np.float32(1.2) * divides)
    return Drawn(Scene(layout, slabs, blobs, tubulin, er, spindle), dna)


def flattened(scene: Scene) -> Scene:
    """Return the scene with one slab, for patterns of a single plane."""
    if len(scene.slabs) == 1:
        return scene
    return replace(
        scene,
        slabs=FLAT,
        microtubules=scene.microtubules.sum(0, keepdims=True),
        er=scene.er.sum(0, keepdims=True),
    )
