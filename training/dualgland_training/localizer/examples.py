"""What a training step sees: cells of the bank with a protein mixed anew, and real ones.

Everything that a microscope, an antibody or a culture may do to a cell without moving its
protein is done to it here: exposure, grain, blur, noise, haze of unspecific binding, a lost
landmark, damage, another magnification, another orientation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from dualgland_training.localizer.bank import LANDMARKS, UNIT, Bank
from dualgland_training.simulate.mixture import truth_of
from napari_dualgland.classes import CLASSES, NEGATIVE
from napari_dualgland.localization.crops import BRIGHT
from napari_dualgland.model.localizer import PLACES
from napari_dualgland.stack import ROLES
from napari_dualgland.typing import BoolArray, ByteArray, Float32Array

PROTEIN = ROLES.index("protein")
MARKS = [ROLES.index(role) for role in ("microtubules", "nucleus", "er")]

HAZE = ("Nucleoplasm", "Cytosol", "Plasma membrane", "Vesicles and punctate cytosolic patterns")
"""Where antibodies bind unspecifically, each up to :data:`FAINT`: present, but not named."""

FAINT = 0.2
"""The strongest haze beside a protein of strength 1."""

CYTOSOL = CLASSES.index("Cytosol")

ER = 2
"""Plane of the bank that holds the ER."""

SHADING = 5.0
"""Blur, in pixels, under which the texture of the ER is gone and its shading is left."""

WEAKEST = 0.35
"""The weakest place of a protein that is still named."""


class Example(NamedTuple):
    """One cell before it is turned and cut: planes on the cell's own canvas.

    ``x`` is (4, h, w), ``inside`` (h, w), ``dense`` (18, h, w) or None where no truth is known,
    ``target`` (19,), ``present`` (4,).
    """

    x: Float32Array
    inside: Float32Array
    dense: ByteArray | None
    target: Float32Array
    present: Float32Array


@dataclass(frozen=True)
class RealCell:
    """An annotated cell, normalised as the localizer sees it."""

    x: Float32Array
    inside: Float32Array
    label: int
    group: str


def _weights(wanted: int, available: BoolArray, rng: np.random.Generator) -> dict[int, float]:
    """Return the classes of a protein and how strong each is; the strongest is 1."""
    chosen = {wanted: 1.0}
    others = np.flatnonzero(available)
    for _ in range(int(rng.choice([0, 1, 2], p=[0.6, 0.3, 0.1]))):
        chosen.setdefault(int(rng.choice(others)), float(rng.uniform(WEAKEST, 1)))
    return chosen


def mixed(bank: Bank, wanted: int, index: int, rng: np.random.Generator) -> Example:
    """Return a cell of the bank with a protein in one class, and perhaps in others.

    Parameters
    ----------
    bank : Bank
        Drawn cells.
    wanted : int
        The class, an index of CLASSES.
    index : int
        Of the cell in the bank.
    rng : numpy.random.Generator
        Draws.

    Returns
    -------
    Example
        With the truth of every pixel.
    """
    planes, inside = bank.planes[index], bank.inside[index].astype(np.float32)
    weights = {} if wanted == NEGATIVE else _weights(wanted, bank.available(index), rng)
    light = np.zeros(inside.shape, np.float32)
    dense = np.zeros((PLACES, *inside.shape), np.uint8)
    for k, weight in weights.items():
        own = planes[LANDMARKS + k].astype(np.float32) / UNIT
        dense[k] = truth_of(own, CLASSES[k])
        if k == CYTOSOL and rng.random() < 0.7:
            own = _as_thick_as_er(own, planes[ER], inside, rng)
        light += np.float32(weight) * own
    for name in HAZE:
        k = CLASSES.index(name)
        if k not in weights:
            most = FAINT * (0.5 if name == HAZE[-1] else 1)
            faint = np.float32(rng.uniform(0, most) * (rng.random() < 0.7))
            light += faint * planes[LANDMARKS + k].astype(np.float32) / UNIT
    light += np.float32(rng.uniform(0, 0.08)) * inside
    # Strange as it looks, the worst thing for a picture of Negative is a gain of 1: then it is
    # noise and haze blown up; beside bright cells it stays dark.
    strength = 1.0
    if wanted == NEGATIVE:
        strength = float(rng.choice([1.0, rng.uniform(0.05, 0.5)]))
    elif rng.random() < 0.1:
        strength = float(rng.uniform(0.3, 1))
    x = np.zeros((len(ROLES), *inside.shape), np.float32)
    x[PROTEIN] = strength * _exposed(light, inside, rng, wanted == NEGATIVE)
    for c, plane in zip(MARKS, planes[:LANDMARKS], strict=True):
        x[c] = _exposed(plane.astype(np.float32) / UNIT, inside, rng, False)
    target = np.zeros(len(CLASSES), np.float32)
    target[list(weights) or [NEGATIVE]] = 1
    return Example(x, inside, dense, target, np.ones(len(ROLES), np.float32))


def _as_thick_as_er(
    own: Float32Array, er: ByteArray, inside: Float32Array, rng: np.random.Generator
) -> Float32Array:
    """Return cytosol that is bright where the ER is: there the cell is thick.

    Without it, whatever follows the ER's slow shading would be taken for the ER.
    """
    slow = ndimage.gaussian_filter(er.astype(np.float32), SHADING)
    slow = slow / max(float(np.percentile(slow[inside > 0], BRIGHT)), 1e-3)
    shaded = own * (0.1 + slow) ** np.float32(rng.uniform(0.3, 1.1))
    bright = float(np.percentile(shaded[inside > 0], BRIGHT))
    return np.asarray(shaded / max(bright, 1e-3), np.float32)


def _exposed(
    light: Float32Array, inside: Float32Array, rng: np.random.Generator, dark: bool
) -> Float32Array:
    """Photograph light: grain, blur, photon and read noise, then the localizer's own scale."""
    if rng.random() < 0.7:
        grain = ndimage.gaussian_filter(
            rng.standard_normal(light.shape, dtype=np.float32), rng.uniform(0.4, 1.0)
        )
        light = light * np.exp(np.float32(rng.uniform(0, 0.45)) * grain / max(grain.std(), 1e-6))
    if rng.random() < 0.5:
        light = ndimage.gaussian_filter(light, rng.uniform(0.2, 0.9))
    photons = np.exp(rng.uniform(np.log(8), np.log(60 if dark else 400)))
    counts = rng.poisson(np.clip(light, 0, 4) * photons + rng.uniform(0, 2)) / photons
    counts = counts + rng.normal(0, rng.uniform(0, 0.03), light.shape)
    # What is black in the whole frame became 0; some of the background stays.
    light = (counts - rng.uniform(0, 0.05)).astype(np.float32)
    bright = float(np.percentile(light[inside > 0], BRIGHT))
    return np.asarray(light / max(bright, 1e-3) * inside, np.float32)


def annotated(cell: RealCell) -> Example:
    """Return an annotated cell; of its pixels no truth is known."""
    target = np.zeros(len(CLASSES), np.float32)
    target[cell.label] = 1
    return Example(cell.x, cell.inside, None, target, np.ones(len(ROLES), np.float32))
