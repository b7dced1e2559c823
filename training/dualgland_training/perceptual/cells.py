"""Cells as judges see them: at about 0.16 µm per pixel, turned, zoomed and exposed anew."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2.functional import resize

from dualgland_training.data.collection import CELL_PIXEL_UM, read_cell_image, read_cells
from dualgland_training.perceptual.judge import CLASSES
from dualgland_training.perceptual.recipe import JudgeRecipe
from napari_dualgland.imputation.normalise import measure
from napari_dualgland.typing import Float32Array

SEEN_AT = CELL_PIXEL_UM / 0.16
"""Size of a cell as judges see it, relative to its picture."""


class JudgedCell(NamedTuple):
    """A cell: ``label`` is the place of its class in CLASSES, ``image`` (4, H, W), normalised."""

    label: int
    image: Float32Array


class Batch(NamedTuple):
    """Views, ``x`` (B, 4, H, W), and the place of each one's class, ``target`` (B,)."""

    x: Tensor
    target: Tensor


def read_judged_cells(recipe: JudgeRecipe) -> dict[str, list[JudgedCell]]:
    """Return the cells of CLASSES by part: ``train``, ``validation``, ``test``."""
    root, kept = recipe.collection(), recipe.kept()
    order = list(CLASSES)
    parts: dict[str, list[JudgedCell]] = {"train": [], "validation": [], "test": []}
    for cell in read_cells(root):
        if cell.location not in CLASSES:
            continue
        image = read_cell_image(root, cell)
        unit = measure([channel.ravel() for channel in image]).apply(image)
        small = at_judged_scale(unit)
        part = kept.part_of(cell.group, "groups")
        parts[part].append(JudgedCell(order.index(cell.location), small))
    return parts


def at_judged_scale(cell: Float32Array) -> Float32Array:
    """Return the picture of a cell, (C, H, W), as large as judges see it.

    Parameters
    ----------
    cell : numpy.ndarray
        (C, H, W) float32, at :data:`~dualgland_training.data.collection.CELL_PIXEL_UM`.

    Returns
    -------
    numpy.ndarray
        (C, h, w) float32, :data:`SEEN_AT` times as high and wide.
    """
    size = [round(s * SEEN_AT) for s in cell.shape[1:]]
    small: Float32Array = _resized(torch.from_numpy(cell), size).numpy()
    return small


def _resized(image: Tensor, size: list[int]) -> Tensor:
    resized: Tensor = resize(image, size, antialias=True)
    return resized


def draw_view(image: Float32Array, recipe: JudgeRecipe, rng: np.random.Generator) -> Tensor:
    """Return a shaken view of a cell, black where the cell ends.

    Parameters
    ----------
    image : numpy.ndarray
        (4, H, W), normalised.
    recipe : JudgeRecipe
        Says how it is shaken.
    rng : numpy.random.Generator
        Draws.

    Returns
    -------
    torch.Tensor
        (4, crop, crop).
    """
    side = max(16, round(recipe.crop / rng.uniform(*recipe.zoom)))
    short = [max(0, side - s) for s in image.shape[1:]]
    view = np.pad(image, [(0, 0), *((s // 2, s - s // 2) for s in short)])
    # The middle, where the nucleus is, is what most views should hold: three draws, averaged.
    y, x = (round(float(rng.random(3).mean()) * (s - side)) for s in view.shape[1:])
    view = view[:, y : y + side, x : x + side]
    view = np.rot90(view, int(rng.integers(4)), (1, 2))
    view = view[:, :, ::-1] if rng.random() < 0.5 else view
    crop = _resized(torch.from_numpy(view.copy()), [recipe.crop, recipe.crop]).numpy()
    gain = np.exp(rng.normal(0, recipe.gain, (4, 1, 1)))
    gamma = np.exp(rng.normal(0, recipe.gamma, (4, 1, 1)))
    crop = gain * np.sign(crop) * np.abs(crop) ** gamma
    crop = crop + rng.normal(0, rng.uniform(0, recipe.noise), crop.shape)
    if rng.random() < recipe.blank:
        crop[int(rng.choice([0, 2, 3]))] = 0
    return torch.from_numpy(crop.astype(np.float32))


def draw_batch(cells: dict[int, list[Float32Array]], recipe: JudgeRecipe, step: int) -> Batch:
    """Return the views of a step, classes alike often.

    Parameters
    ----------
    cells : dict
        Images by class.
    recipe : JudgeRecipe
        Says how many.
    step : int
        Steps done so far; with the seed it decides all draws.

    Returns
    -------
    Batch
        On the CPU.
    """
    rng = np.random.default_rng((recipe.seed, step))
    target = rng.choice(sorted(cells), recipe.batch)
    pool = [cells[int(label)] for label in target]
    views = torch.stack([draw_view(p[rng.integers(len(p))], recipe, rng) for p in pool])
    return Batch(views.contiguous(memory_format=torch.channels_last), torch.from_numpy(target))
