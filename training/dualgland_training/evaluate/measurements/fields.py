"""The fields that are measured, and how they are damaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dualgland_training.data.collection import read_field, read_table
from dualgland_training.data.damage import draw_damage
from dualgland_training.data.source import shrink
from dualgland_training.evaluate.cases import (
    collections_of,
    folder_of,
    held_out,
    refuse_other,
    short_names,
)
from napari_dualgland.model.compartments import PIXEL_UM
from napari_dualgland.typing import AnyArray, BoolArray

FAMILIES = ("box", "thick", "scratches", "lines", "random", "saturated")
"""Families of damage, over all channels."""

FULL_UM, SMALL_UM = 0.08, 0.32
"""Micrometres per pixel of a held-out field as it was taken, and of a small one of 512²."""

SHRUNK = (2, 4)
"""By how much a held-out field is shrunk: to 0.16 and to 0.32 µm."""

VALIDATION = (
    "annwith_4aa338_006",
    "3979bdfe-bba9-11e8-b2ba-ac1f6b6435d0",
    "bee56372-bba3-11e8-b2b9-ac1f6b6435d0",
)
"""Small fields that a checkpoint may have been chosen by and nothing was trained on."""


@dataclass(frozen=True)
class Field:
    """A field of view that no model was trained on.

    Attributes
    ----------
    name : str
        Of the field: the same at every size.
    pixel_um : float
        Micrometres per pixel.
    values : numpy.ndarray
        (4, Y, X) uint8, channels in the order of ROLES.
    """

    name: str
    pixel_um: float
    values: AnyArray


def _trained_on(model: str, field: str) -> bool:
    """Tell whether a model may have learned from a small field."""
    return any(
        kept.shares.get("fields512", 0) > 0 and kept.part_of(field, "fields") == "train"
        for kept in collections_of(model)
    )


def read_fields(data: Path, models: Sequence[str], quick: bool = False) -> list[Field]:
    """Return the fields that none of the models was trained on.

    Parameters
    ----------
    data : pathlib.Path
        Folder of the atlas collection.
    models : sequence of str
        Names or files; their cards tell what was kept from training.
    quick : bool
        Held-out fields at the coarsest scale alone.

    Returns
    -------
    list of Field
        Held-out fields at two scales, small ones at their own, and small ones for validation.

    Raises
    ------
    DualglandError
        If a card or a field is missing, or nothing was held out from all the models.
    """
    refuse_other(data)
    found = []
    held = held_out(models).fields
    for name in held:
        folder = folder_of(data, name)
        whole = read_field(data, name, folder)
        if folder != "fields":
            found.append(_small(name, whole))
            continue
        for factor in SHRUNK[-1:] if quick else SHRUNK:
            small = np.rint(shrink(whole, factor)).astype(np.uint8)
            found.append(Field(name, FULL_UM * factor, small))
    if quick or not (data / "fields512.csv").is_file():
        return found
    there = {row["field"] for row in read_table(data, "fields512")}
    for name in VALIDATION:
        unseen = name not in held and not any(_trained_on(model, name) for model in models)
        if name in there and unseen:
            found.append(_small(name, read_field(data, name, "fields512")))
    return found


def _small(name: str, values: AnyArray) -> Field:
    """Return a field of ``fields512`` at its own scale."""
    return Field(name, SMALL_UM * 512 / values.shape[2], values)


def titles_of(fields: Sequence[Field]) -> list[str]:
    """Return name and scale of each, for people.

    Parameters
    ----------
    fields : sequence of Field
        All that stand in one table.

    Returns
    -------
    list of str
        In their order.
    """
    shown = short_names((field.name for field in fields), 14)
    return [f"{shown[field.name]}, {field.pixel_um:.2f} µm" for field in fields]


def damage_of(family: str, field: Field, seed: int) -> BoolArray:
    """Return the pixels that a field loses.

    Parameters
    ----------
    family : str
        One of :data:`FAMILIES`.
    field : Field
        Holes are as large against a cell at every scale.
    seed : int
        Of the damage.

    Returns
    -------
    numpy.ndarray
        (4, Y, X) boolean.
    """
    rng = np.random.default_rng([seed, FAMILIES.index(family)])
    return draw_damage(field.values, family, rng, None, PIXEL_UM / field.pixel_um)


def as_it_lies(family: str, values: AnyArray, missing: BoolArray) -> AnyArray:
    """Return a damaged image as a file holds it: nothing, or as much as the detector could.

    Parameters
    ----------
    family : str
        One of :data:`FAMILIES`.
    values : numpy.ndarray
        (4, Y, X), undamaged.
    missing : numpy.ndarray
        (4, Y, X) boolean.

    Returns
    -------
    numpy.ndarray
        As ``values``: 0 where pixels are lost; where a detector was at its limit, the
        brightest value that is left in the channel.
    """
    lost = np.zeros((len(values), 1, 1), values.dtype)
    if family == "saturated":
        lost = np.where(missing, 0, values).max((1, 2), keepdims=True)
    return np.where(missing, lost, values)
