"""Pictures of single cells and fields, read by the program as a person would have it do."""

from __future__ import annotations

import numpy as np

from dualgland_training.cell_pictures import CELL_PIXEL_UM
from napari_dualgland import localize
from napari_dualgland.classes import CLASSES
from napari_dualgland.results import Localization
from napari_dualgland.pixel_size import PixelSize
from napari_dualgland.stack import ROLES, Channel, Stack
from napari_dualgland.typing import AnyArray, BoolArray, Float64Array

FIELD_PIXEL_UM = 0.08


def stack_of_roles(
    image: AnyArray, pixel_um: float, roles: tuple[str, ...] = ROLES, name: str = "stack"
) -> Stack:
    """Return a (C, Y, X) picture as a stack whose channels have these roles."""
    channels = tuple(Channel(role, role) for role in roles)
    return Stack(image, "CYX", channels, PixelSize(pixel_um, pixel_um), name=name)


def read_one_cell(
    image: AnyArray, inside: BoolArray, model: str, missing: AnyArray | None = None
) -> Float64Array:
    """Return the probabilities of one cell, (19,).

    Parameters
    ----------
    image : numpy.ndarray
        (4, Y, X) in the order of ROLES, 0.13 µm per pixel.
    inside : numpy.ndarray
        (Y, X) boolean.
    model : str
        Localizer.
    missing : numpy.ndarray, optional
        Which pixels the program is told are damaged; none if left out: it judges the pixels.
    """
    told = np.zeros(image.shape, bool) if missing is None else missing
    stack = stack_of_roles(image, CELL_PIXEL_UM)
    found = localize(stack, inside.astype(np.int32), missing=told, model=model)
    return np.asarray(found.table[list(CLASSES)].to_numpy(float)[0])


def mean_of_cells(found: Localization) -> Float64Array:
    """Return the probabilities of a frame, (19,): the mean over its cells, by their area.

    All cells count, those at the border too; NaN where there is none.
    """
    table = found.table
    if not len(table):
        return np.full(len(CLASSES), np.nan)
    return np.average(
        table[list(CLASSES)].to_numpy(float), axis=0, weights=table["area_um2"].to_numpy(float)
    )
