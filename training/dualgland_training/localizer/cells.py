"""Annotated cells as a localizer sees them, and what it says of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from dualgland_training.cell_folds import read_labelled_cells
from dualgland_training.cell_pictures import CELL_PIXEL_UM, read_cell_picture
from dualgland_training.localizer.examples import RealCell
from napari_dualgland.localization.crops import crop_cell, frame_levels
from napari_dualgland.model.localizer import Localizer
from napari_dualgland.typing import Float32Array


def read_real_cells(root: Path) -> list[RealCell]:
    """Return the annotated cells of the collection, in the order of its table."""
    found = []
    for cell in read_labelled_cells(root):
        image, own = read_cell_picture(root, cell.file)
        rows, columns = (np.nonzero(own.any(axis))[0] for axis in (1, 0))
        window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        view = crop_cell(image, own[window], window, CELL_PIXEL_UM, frame_levels(image))
        found.append(RealCell(view.x, view.inside, cell.label, cell.group))
    return found


@torch.inference_mode()
def name_classes(network: Localizer, cell: RealCell) -> Float32Array:
    """Return what a network says of a whole cell, the mean of two views of it.

    Parameters
    ----------
    network : Localizer
        In evaluation mode.
    cell : RealCell
        The cell.

    Returns
    -------
    numpy.ndarray
        (19,), logits.
    """
    x, inside = torch.from_numpy(cell.x)[None], torch.from_numpy(cell.inside)[None, None]
    present = torch.ones(1, x.shape[1])
    both = network(x, inside, present).cell + network(x.flip(2, 3), inside.flip(2, 3), present).cell
    return np.asarray(both[0].numpy() / 2)
