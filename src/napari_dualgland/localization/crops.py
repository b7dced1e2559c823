"""Cells as the localizer takes them: cut out, brought to its pixel size and normalised.

Exposure is told per cell: the offset of a channel is what is dark in the whole frame, its
scale what is bright in the cell. A cell that hardly glows beside its field keeps some of
that darkness, or noise would be blown up to look like a pattern.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from napari_dualgland.intensities import DARK, WHITE
from napari_dualgland.model.localizer import MULTIPLE, PIXEL_UM
from napari_dualgland.typing import AnyArray, BoolArray, Float32Array, Float64Array

BRIGHT = 99.5
"""Percentile of a cell's channel that becomes 1; 0 is dark of the frame."""

FAINTEST = 0.15
"""A cell's scale is no less than this share of the frame's."""

LARGEST = 384
"""Longest side of a crop in pixels; a larger cell is shrunk to fit."""

AROUND = 4
"""Pixels of the crop around a cell."""


@dataclass(frozen=True)
class FrameLevels:
    """What is dark and what is bright in a frame, per channel, in the units of the stack.

    Attributes
    ----------
    dark, span : numpy.ndarray
        (4,); the span is positive.
    """

    dark: Float64Array
    span: Float64Array


@dataclass(frozen=True)
class CellCrop:
    """One cell, ready for the network.

    Attributes
    ----------
    x : numpy.ndarray
        (4, h, w) float32 at :data:`~napari_dualgland.model.localizer.PIXEL_UM`, sides multiples
        of 16; 0 outside the cell.
    inside : numpy.ndarray
        (h, w) float32: 1 in the cell.
    present : numpy.ndarray
        (4,) float32: 1 where there is such a channel.
    scale : float
        Pixels of the crop per pixel of the frame.
    """

    x: Float32Array
    inside: Float32Array
    present: Float32Array
    scale: float


def frame_levels(frame: AnyArray) -> FrameLevels:
    """Return the levels of a (4, Y, X) frame; channels that are all NaN are absent."""
    dark, span = np.zeros(len(frame)), np.ones(len(frame))
    for c, plane in enumerate(frame):
        some = plane[:: max(1, plane.shape[0] // 1024), :: max(1, plane.shape[1] // 1024)]
        some = some[np.isfinite(some)]
        if some.size:
            dark[c], high = np.percentile(some, [DARK, WHITE])
            span[c] = max(high - dark[c], 1e-6)
    return FrameLevels(dark, span)


def crop_cell(
    frame: AnyArray,
    own: BoolArray,
    window: tuple[slice, slice],
    pixel_um: float,
    levels: FrameLevels,
) -> CellCrop:
    """Cut a cell out, resample it to the pixel size of the localizer, and normalise it.

    Parameters
    ----------
    frame : numpy.ndarray
        (4, Y, X), channels in the order of ROLES, any real dtype; an absent channel is all NaN,
        and so is a pixel of which nothing is known.
    own : numpy.ndarray
        (h, w), the cell within ``window``.
    window : tuple of slice
        (y, x) of the cell's bounding box in the frame.
    pixel_um : float
        Micrometres per pixel of the frame.
    levels : FrameLevels
        Of the frame.

    Returns
    -------
    CellCrop
        With the cell in its middle.
    """
    scale = pixel_um / PIXEL_UM
    scale = min(scale, (LARGEST - 2 * AROUND) / max(own.shape))
    x = np.asarray(frame[(slice(None), *window)], np.float32)
    present = np.zeros(len(x), np.float32)
    unit = np.zeros(x.shape, np.float32)
    for c, plane in enumerate(x):
        inner = plane[own]
        known = np.isfinite(inner)
        if not known.any():
            continue
        present[c] = 1
        whole = bool(known.all())
        bright = float((np.percentile if whole else np.nanpercentile)(inner, BRIGHT))
        bright = max(bright - levels.dark[c], FAINTEST * levels.span[c], 1e-6)
        inner = (inner - levels.dark[c]) / bright
        unit[c][own] = inner if whole else np.nan_to_num(inner)
    sides = [max(1, round(n * scale)) for n in own.shape]
    both = torch.from_numpy(np.concatenate([unit, own[None].astype(np.float32)]))[None]
    small = F.interpolate(both, sides, mode="bilinear", antialias=True, align_corners=False)[0]
    full = [-(-(n + 2 * AROUND) // MULTIPLE) * MULTIPLE for n in sides]
    before = [(a - b) // 2 for a, b in zip(full, sides, strict=True)]
    canvas = np.zeros((len(x) + 1, *full), np.float32)
    canvas[:, before[0] : before[0] + sides[0], before[1] : before[1] + sides[1]] = small.numpy()
    inside = (canvas[-1] > 0.5).astype(np.float32)
    return CellCrop(
        x=np.clip(canvas[:-1], -0.5, 4) * inside,
        inside=inside,
        present=present,
        scale=scale,
    )
