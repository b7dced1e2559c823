"""A whole simulated field: layout, landmarks, protein and optics, from one seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dualgland_training.simulate.layout import Layout, draw_layout
from dualgland_training.simulate.mixture import FOCUS
from dualgland_training.simulate.optics import EXPOSURES, brightest, expose, focus_on
from dualgland_training.simulate.patterns import PATTERNS
from dualgland_training.simulate.scene import Drawn, Streams, draw_scene
from napari_dualgland.pixel_size import PixelSize
from napari_dualgland.stack import ROLE_COLORS, ROLES, Channel, Stack
from napari_dualgland.typing import ByteArray, Float32Array, FloatArray, LabelArray

DEFAULT_LOCATIONS = {"Mitochondria": 1.0, "Cytosol": 0.2}
"""Where the protein is if nothing is said: mitochondria over a faint cytosol."""


@dataclass(frozen=True)
class SimulatedField:
    """A field of view that no microscope has seen, with its truth.

    Attributes
    ----------
    data : numpy.ndarray
        uint8, shape (4, Y, X), or (Z, 4, Y, X) for a z-stack; channels in the order of
        :data:`napari_dualgland.stack.ROLES`.
    cells, nuclei : numpy.ndarray
        int32 labels, shape (Y, X); 0 for background; a nucleus has the label of its cell.
    pixel_size : PixelSize
        In µm; ``z`` for a z-stack only.
    seed : int
        What it was drawn from.
    """

    data: ByteArray
    cells: LabelArray
    nuclei: LabelArray
    pixel_size: PixelSize
    seed: int

    def stack(self, name: str) -> Stack:
        """Return the field as a stack called ``name``."""
        return Stack(
            data=self.data,
            axes="CYX" if self.data.ndim == 3 else "ZCYX",
            channels=tuple(Channel(role, role, ROLE_COLORS[role]) for role in ROLES),
            pixel_size=self.pixel_size,
            name=name,
        )


def simulate_field(
    shape: tuple[int, int] = (1024, 1024),
    pixel_size: float = 0.16,
    seed: int = 0,
    cells: int | None = None,
    depth: int | None = None,
    plane_step: float = 0.8,
    locations: Mapping[str, float] = DEFAULT_LOCATIONS,
) -> SimulatedField:
    """Simulate a field of view of the Human Protein Atlas.

    Parameters
    ----------
    shape : tuple of int
        (Y, X) in pixels.
    pixel_size : float
        In µm. 0.16 is half the resolution of the atlas.
    seed : int
        The same seed gives the same field.
    cells : int or None
        About how many nuclei lie in the field; None leaves it to the seed.
    depth : int or None
        Number of planes of a z-stack; None for a single plane without a z axis.
    plane_step : float
        Distance between planes, in µm.
    locations : mapping of str to float
        The classes that the protein is in, all but Negative, each with its weight.

    Returns
    -------
    SimulatedField

    Raises
    ------
    ValueError
        If a size, the number of cells or that of planes is not positive, or a location is
        none of the classes.
    """
    counts = [*shape, *(n for n in (cells, depth) if n is not None)]
    if min(counts) < 1 or min(pixel_size, plane_step) <= 0:
        raise ValueError(
            f"a field needs positive sizes: shape {shape}, pixel size {pixel_size} µm, "
            f"cells {cells}, depth {depth}, plane step {plane_step} µm"
        )
    if not locations or not set(locations) <= set(PATTERNS):
        raise ValueError(f"locations {sorted(locations)}; there are {', '.join(PATTERNS)}")
    # A generator for each part: a change in how one channel is drawn leaves the others.
    plan, blob, tubulin, antibody, dna, er, noise = np.random.default_rng(seed).spawn(7)
    layout = draw_layout(shape, pixel_size, plan, cells)
    middle = FOCUS if depth is None else max(FOCUS, 0.5 * plane_step * (depth - 1))
    planes = middle + plane_step * (np.arange(depth or 1) - ((depth or 1) - 1) / 2)
    drawn = draw_scene(layout, Streams(blob, tubulin, dna, er))
    data = _photograph(drawn, planes, _protein(drawn, locations, antibody), noise)
    window = layout.window
    cell_labels, nuclei = _renumber(layout.cells[window], layout.nuclei[window])
    return SimulatedField(
        data=data if depth is not None else data[0],
        cells=cell_labels,
        nuclei=nuclei,
        pixel_size=PixelSize(pixel_size, pixel_size, None if depth is None else plane_step),
        seed=seed,
    )


def _protein(
    drawn: Drawn, locations: Mapping[str, float], rng: np.random.Generator
) -> Float32Array:
    """Return the light of the protein, (slabs, Y, X): brighter in some cells than in others."""
    scene = drawn.scene
    inside = scene.layout.cells > 0
    total = np.zeros(scene.nucleus.shape, np.float32)
    for name, weight in locations.items():
        light = PATTERNS[name](scene, rng)
        bright = float(np.quantile(light.sum(0)[inside], 0.98)) if inside.any() else 1.0
        total += light * np.float32(weight / max(bright, 1e-9))
    return np.asarray(total * scene.layout.per_cell(rng.lognormal(0, 0.35, scene.count)))


def _photograph(
    drawn: Drawn,
    planes: FloatArray,
    protein: Float32Array,
    noise: np.random.Generator,
) -> ByteArray:
    """Return the pictures of all planes, uint8, shape (Z, 4, Y, X) of the field."""
    scene = drawn.scene
    layout: Layout = scene.layout
    window = layout.window
    signal = layout.cells[window] > 0
    pictures = []
    volumes = (scene.microtubules, protein, drawn.nucleus, scene.er)
    for volume, exposure in zip(volumes, EXPOSURES, strict=True):
        light = [
            focus_on(volume, scene.slabs, height, exposure.psf, layout.pixel_size)[window]
            for height in planes
        ]
        white = max(brightest(plane, exposure, signal) for plane in light)
        pictures.append([expose(plane, white, exposure, noise) for plane in light])
    return np.stack([np.stack(planes_of) for planes_of in pictures], axis=1)


def _renumber(cells: LabelArray, nuclei: LabelArray) -> tuple[LabelArray, LabelArray]:
    """Number the cells that the field shows from 1 without gaps, nuclei alike."""
    present = np.unique(cells)
    present = present[present > 0]
    table = np.zeros(int(cells.max(initial=0)) + 1, np.int32)
    table[present] = np.arange(1, present.size + 1)
    return table[cells], table[nuclei]
