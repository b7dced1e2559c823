"""A bank of cells into which every class has been drawn once, each class by itself.

Drawing costs tens of milliseconds a cell, mixing none: a training step takes a cell of the
bank, weighs some of its classes against each other, and has a protein channel with its exact
truth that nobody has seen before. ``python -m dualgland_training.localizer bank --help``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage
from skimage.io import imread
from torchvision.transforms.v2.functional import resize

from dualgland_training.simulate.layout import draw_layout
from dualgland_training.simulate.mixture import in_focus, pattern_light, scaled_per_cell
from dualgland_training.simulate.patterns import PATTERNS
from dualgland_training.simulate.real import real_scene
from dualgland_training.simulate.scene import Scene, Streams, draw_scene, flattened
from napari_dualgland.files import decoding, regular
from napari_dualgland.io.atomic import replacing
from napari_dualgland.model.localizer import PIXEL_UM
from napari_dualgland.typing import BoolArray, ByteArray, Float32Array, FloatArray

DRAWN_UM = 0.16
"""Pixel size at which scenes are drawn, before they are brought to the localizer's."""

FIELD = 768
"""Side of a drawn field, in pixels."""

UNIT = 100
"""Grey value of light 1: a bank holds uint8."""

NEAR = 9.0
"""A cell with its nucleus nearer than this to the end of the canvas is left out, in µm."""

REFERENCE_UM = 0.107
"""Pixel size of the collection's reference cells, about."""

LANDMARKS = 3
"""Planes before those of the classes: microtubules, nucleus, ER."""


@dataclass
class Bank:
    """Cells with everything drawn into them.

    Attributes
    ----------
    planes : list of numpy.ndarray
        Per cell uint8 (3 + 18, h, w) at the localizer's pixel size: light of microtubules,
        nucleus, ER and of every class, in units of 1 / :data:`UNIT`.
    inside : list of numpy.ndarray
        Per cell bool (h, w).
    origin : list of str
        ``simulated`` or ``reference``.
    """

    planes: list[ByteArray] = field(default_factory=list)
    inside: list[BoolArray] = field(default_factory=list)
    origin: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.planes)

    def add(self, planes: FloatArray, own: BoolArray, pixel_um: float) -> None:
        """Keep one cell, brought to the localizer's pixel size.

        Parameters
        ----------
        planes : numpy.ndarray
            (21, Y, X), light.
        own : numpy.ndarray
            (Y, X), boolean: which pixels are the cell's.
        pixel_um : float
            Micrometres per pixel.
        """
        scale = pixel_um / PIXEL_UM
        sides = [max(16, round(n * scale)) for n in own.shape]
        both = np.concatenate([planes * own, own[None]]).astype(np.float32)
        small = resize(torch.from_numpy(both), sides, antialias=True).numpy()
        self.planes.append(np.clip(np.rint(small[:-1] * UNIT), 0, 255).astype(np.uint8))
        self.inside.append(small[-1] > 0.5)

    def available(self, index: int) -> BoolArray:
        """Return which classes this cell can show, (18,): not all divide, not all have spots."""
        return np.asarray(self.planes[index][LANDMARKS:].max((1, 2)) > 0.6 * UNIT)

    def save(self, path: Path) -> None:
        """Write the bank as ``.npz``, without pickles."""
        shapes = np.array([p.shape[1:] for p in self.planes])
        with replacing(path) as whole, whole.open("wb") as file:
            np.savez(
                file,
                planes=np.concatenate([p.ravel() for p in self.planes]),
                inside=np.concatenate([i.ravel() for i in self.inside]),
                shapes=shapes,
                origin=np.array(self.origin),
            )


def load_bank(*paths: Path) -> Bank:
    """Return the cells of one or several ``.npz`` files.

    Raises
    ------
    DualglandError
        If one of them is not there or damaged.
    """
    bank = Bank()
    depth = LANDMARKS + len(PATTERNS)
    for path in paths:
        at = 0
        with (
            decoding(regular(path, "bank of drawn cells"), "bank of drawn cells"),
            np.load(path, allow_pickle=False) as stored,
        ):
            planes, inside = stored["planes"], stored["inside"]
            for (h, w), origin in zip(stored["shapes"], stored["origin"], strict=True):
                size = int(h) * int(w)
                bank.planes.append(planes[depth * at : depth * (at + size)].reshape(depth, h, w))
                bank.inside.append(inside[at : at + size].reshape(h, w))
                bank.origin.append(str(origin))
                at += size
    return bank


def _draw_into(scene: Scene, rng: np.random.Generator) -> Float32Array:
    """Return the light of all 18 classes in a scene, (18, Y, X), bright parts of each cell 1."""
    return np.stack([pattern_light(scene, name, rng) for name in PATTERNS])


def simulated_cells(bank: Bank, fields: int, seed: int, side: int = FIELD) -> Iterator[int]:
    """Add the cells of simulated fields.

    Parameters
    ----------
    bank : Bank
        They are added to it.
    fields : int
        To draw.
    seed : int
        Of all draws.
    side : int
        Of a field, pixels.

    Yields
    ------
    int
        Cells in the bank after each field.
    """
    for child in np.random.default_rng(seed).spawn(fields):
        layout = draw_layout((side, side), DRAWN_UM, child, mitotic=child.choice([0.0, 0.15]))
        scene, dna = draw_scene(layout, Streams(*child.spawn(4)), bridges=0.05)
        flat = flattened(scene)
        marks = [in_focus(scene, v) for v in (scene.microtubules, dna, scene.er)]
        marks = [scaled_per_cell(m, layout.cells, scene.pixels_per_um) for m in marks]
        planes = np.concatenate([np.stack(marks), _draw_into(flat, child)])
        windows = ndimage.find_objects(layout.cells, max_label=scene.count)
        for label in range(1, scene.count + 1):
            outline = layout.outlines[label - 1]
            ends = (n * DRAWN_UM for n in layout.shape)
            if not all(
                c > NEAR and c < e - NEAR for c, e in zip((outline.y, outline.x), ends, strict=True)
            ):
                continue
            window = windows[label - 1]
            own = layout.cells[window] == label
            bank.add(planes[(slice(None), *window)], own, DRAWN_UM)
            bank.origin.append("simulated")
        yield len(bank)


def add_real(
    bank: Bank,
    marks: FloatArray,
    own: BoolArray,
    pixel_um: float,
    name: str,
    rng: np.random.Generator,
) -> None:
    """Add a real cell; one without a nucleus is left out.

    Parameters
    ----------
    bank : Bank
        It is added to.
    marks : numpy.ndarray
        (3, Y, X), its landmarks in the order of the bank.
    own : numpy.ndarray
        (Y, X), boolean: which pixels are the cell's.
    pixel_um : float
        Micrometres per pixel.
    name : str
        Its origin.
    rng : numpy.random.Generator
        Draws the proteins.
    """
    scene = real_scene(marks[0], marks[1], marks[2], own, pixel_um)
    if scene is None:
        return
    pixels_per_um = 1 / pixel_um
    cells = scene.layout.cells
    scaled = [scaled_per_cell(m.astype(np.float32), cells, pixels_per_um) for m in marks]
    bank.add(np.concatenate([np.stack(scaled), _draw_into(scene, rng)]), own, pixel_um)
    bank.origin.append(name)


def references(bank: Bank, root: Path, seed: int) -> None:
    """Add the reference cells of the collection, several times with other proteins.

    Parameters
    ----------
    bank : Bank
        They are added to it.
    root : pathlib.Path
        Of the collection.
    seed : int
        Of all draws.
    """
    rng = np.random.default_rng(seed)
    for path in sorted((root / "references").iterdir()):
        image = _landmarks_of(path)
        own = np.asarray((image > 0).any(0))
        for _ in range(4):
            add_real(bank, image, own, REFERENCE_UM, "reference", rng)


def _landmarks_of(path: Path) -> FloatArray:
    """Return (3, Y, X): microtubules, nucleus, ER."""
    image = np.asarray(imread(path))
    return np.moveaxis(image, -1, 0) if image.shape[-1] == 3 else image
