"""Real cells into which proteins are drawn: their landmarks are measured, the protein is not.

Simulated cells are all of one make; real ones have the textures, outlines and crowds that
the localizer meets later. Reference cells of the collection serve, and those of its whole
fields of view but the fields that are kept for the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage
from skimage.io import imread
from torchvision.transforms.v2.functional import resize

from dualgland_training.data.collection import read_field, read_table
from dualgland_training.localizer.bank import DRAWN_UM, LANDMARKS, Bank, draw_into
from dualgland_training.simulate.mixture import scaled_per_cell
from dualgland_training.simulate.real import real_scene
from napari_dualgland.localization.cells.find import find_cells
from napari_dualgland.localization.crops import frame_levels
from napari_dualgland.stack import ROLES
from napari_dualgland.typing import BoolArray, Float32Array, FloatArray

REFERENCE_UM = 0.107
"""Pixel size of the collection's reference cells, about."""

FIELD_UM = 0.08
"""Pixel size of the collection's whole fields."""

GAP = 0.8
"""Gaps in a reference cell that are bridged, in µm: what was dim there is exactly 0."""

SMALLEST = 150.0
"""Cells of a field that are smaller were cut wrongly, in µm²."""

MARKS = [ROLES.index(role) for role in ("microtubules", "nucleus", "er")]


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
    bank.add(np.concatenate([np.stack(scaled), draw_into(scene, rng)]), own, pixel_um)
    bank.origin.append(name)


def references(bank: Bank, root: Path, seed: int, times: int = 4) -> Iterator[int]:
    """Add the reference cells of the collection, several times with other proteins.

    Parameters
    ----------
    bank : Bank
        They are added to it.
    root : pathlib.Path
        Of the collection.
    seed : int
        Of all draws.
    times : int
        Proteins per cell and class.

    Yields
    ------
    int
        Cells in the bank after each.
    """
    rng = np.random.default_rng(seed)
    paths = sorted((root / "references").iterdir())
    for path in paths * times:
        image = np.asarray(imread(path))
        image = np.moveaxis(image, -1, 0) if image.shape[-1] == LANDMARKS else image
        add_real(bank, image, whole_cell(image), REFERENCE_UM, "reference", rng)
        yield len(bank)


def whole_cell(image: FloatArray) -> BoolArray:
    """Return where a reference cell lies, (Y, X): one piece without holes.

    What is dim in these (3, Y, X) pictures is exactly 0, inside the cell too: the pixels above 0
    alone are a lace in which every hole would have an edge of its own.
    """
    reach = round(GAP / REFERENCE_UM)
    lit = np.pad((image > 0).any(0), 2 * reach)
    away = ndimage.distance_transform_edt(~lit)
    grown = ndimage.binary_fill_holes(away <= reach)
    closed = ndimage.distance_transform_edt(grown) > reach
    pieces, count = ndimage.label(closed)
    if count > 1:
        sizes = np.bincount(pieces.ravel())
        closed = pieces == 1 + np.argmax(sizes[1:])
    return np.asarray(closed[2 * reach : -2 * reach, 2 * reach : -2 * reach], bool)


def field_cells(
    bank: Bank, root: Path, left_out: tuple[str, ...], seed: int, times: int = 4
) -> Iterator[int]:
    """Add the whole cells of fields of view, several times with other proteins.

    Parameters
    ----------
    bank : Bank
        They are added to it.
    root : pathlib.Path
        Of the collection.
    left_out : tuple of str
        Names of fields that nothing is learned from.
    seed : int
        Of all draws.
    times : int
        Proteins per cell and class.

    Yields
    ------
    int
        Cells in the bank after each.
    """
    rng = np.random.default_rng(seed)
    names = [row["field"] for row in read_table(root, "fields") if row["field"] not in left_out]
    cells = [
        cell for name in names for cell in _cells_of(read_field(root, name).astype(np.float32))
    ]
    for marks, own in cells * times:
        add_real(bank, marks, own, DRAWN_UM, "field", rng)
        yield len(bank)


def _cells_of(frame: Float32Array) -> Iterator[tuple[Float32Array, BoolArray]]:
    """Yield landmarks (3, y, x) and mask of the whole, resting cells of a frame, at DRAWN_UM."""
    found = find_cells(frame, FIELD_UM)
    dark = frame_levels(frame).dark.astype(np.float32)
    marks = np.maximum(frame - dark[:, None, None], 0)[MARKS]
    ends = frame.shape[1:]
    for label, window in enumerate(ndimage.find_objects(found.labels), start=1):
        at_end = window is None or any(
            s.start == 0 or s.stop == n for s, n in zip(window, ends, strict=True)
        )
        if at_end or label in found.mitotic:
            continue
        own = found.labels[window] == label
        if own.sum() * FIELD_UM**2 < SMALLEST:
            continue
        around = np.pad(own, 8)
        planes = np.pad(marks[(slice(None), *window)] * own, ((0, 0), (8, 8), (8, 8)))
        both = torch.from_numpy(np.concatenate([planes, around[None]]).astype(np.float32))
        sides = [max(16, round(n * FIELD_UM / DRAWN_UM)) for n in around.shape]
        small = resize(both, sides, antialias=True).numpy()
        mask = small[-1] > 0.5
        yield small[:-1] * mask, mask
