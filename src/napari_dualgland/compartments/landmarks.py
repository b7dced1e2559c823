"""The compartments of a frame: from its landmarks, and from the generator where they are missing.

Measured landmarks tell compartments by themselves. Where one of them is missing, in a hole or
altogether, the generator names them; towards the rim of a hole its word fades into what the
landmarks around it say, so that the border of a hole is no boundary of a cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage

from napari_dualgland.compartments.blocks import Blocks
from napari_dualgland.compartments.head import Head, windows_in
from napari_dualgland.model.compartments import (
    COMPARTMENTS,
    ER,
    MICROTUBULES,
    NUCLEUS,
    boundary_map,
    soft_compartments,
)
from napari_dualgland.typing import BoolArray, Float32Array

LANDMARKS = (MICROTUBULES, NUCLEUS, ER)

FADING_UM = 1.0
"""Over so many micrometres from the rim of a hole inwards the generator takes over."""


@dataclass(frozen=True)
class Named:
    """The compartments of a frame in blocks.

    Attributes
    ----------
    soft : numpy.ndarray
        (5, h, w) float32, adding up to 1.
    boundary : numpy.ndarray
        (h, w) float32, 0 to 1.
    spoken : numpy.ndarray
        (h, w), boolean: where a landmark is missing and the model spoke.
    """

    soft: Float32Array
    boundary: Float32Array
    spoken: BoolArray


def _lost_landmarks(blocks: Blocks) -> BoolArray:
    """Return where a landmark is missing, (h, w)."""
    lost: BoolArray = ~np.isfinite(blocks.values[list(LANDMARKS)])
    return np.asarray(lost.any(0))


def windows_of(blocks: Blocks) -> int:
    """Return how many windows the model is asked about."""
    return windows_in(_lost_landmarks(blocks))


def name_compartments(blocks: Blocks, head: Callable[[], Head]) -> Iterator[Named | None]:
    """Name the compartments of a frame.

    Parameters
    ----------
    blocks : Blocks
        Of the frame.
    head : callable
        Returns the model; called where a landmark is missing.

    Yields
    ------
    Named or None
        None after each window that the model was asked about; last what was found.
    """
    values = blocks.values
    lost = _lost_landmarks(blocks)
    said = np.zeros((len(COMPARTMENTS), *lost.shape), np.float32)
    spoken = np.zeros_like(lost)
    if lost.any():
        values, model = values.copy(), head()
        hidden = ~np.isfinite(blocks.values)
        ranges = [_line(values[c], blocks.unit[c]) for c in range(len(values))]
        for answer in model.answers(blocks.unit, hidden, lost):
            at = answer.y, answer.x
            for c in LANDMARKS:
                if not hidden[c].all():  # one that is absent is to stay so
                    slope, start = ranges[c]
                    filled = answer.fill[c] * slope + start
                    values[c][at] = np.where(hidden[c][at], filled, values[c][at])
            if answer.compartments is not None:
                said[:, at[0], at[1]] = answer.compartments
                spoken[at] = lost[at]
            yield None
    soft = soft_compartments(torch.from_numpy(values)[None], blocks.pixel_um)[0].numpy()
    if spoken.any():
        soft = _faded(soft, said, spoken, blocks.pixel_um)
    edges = boundary_map(torch.from_numpy(soft)[None])[0, 0].numpy()
    yield Named(soft, edges, spoken)


def _line(values: Float32Array, unit: Float32Array) -> tuple[float, float]:
    """Return slope and start of the line from normalised blocks to the units of the stack."""
    known = np.isfinite(values)
    if not known.any():
        return 1.0, 0.0
    low, high = values[known].argmin(), values[known].argmax()
    (v0, v1), (u0, u1) = ((x[known][low], x[known][high]) for x in (values, unit))
    slope = float(v1 - v0) / float(u1 - u0) if u1 > u0 else 1.0
    return slope, float(v0) - slope * float(u0)


def _faded(
    soft: Float32Array, said: Float32Array, spoken: BoolArray, pixel_um: float
) -> Float32Array:
    """Return what the landmarks say, and further and further into a hole what the model says."""
    inward = (
        np.full(spoken.shape, np.inf)
        if spoken.all()
        else (ndimage.distance_transform_edt(spoken) * pixel_um)
    )
    share = np.clip(inward / FADING_UM, 0, 1).astype(np.float32)
    mixed = soft + share * (said - soft)
    return np.asarray(mixed / mixed.sum(0), np.float32)
