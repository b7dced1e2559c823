"""How bright the protein is, compartment by compartment: over measured pixels alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F

from napari_dualgland.intensities import DARK
from napari_dualgland.localization.frames import PROTEIN, Frame
from napari_dualgland.localization.ranked import Ranked
from napari_dualgland.model.compartments import COMPARTMENTS, PIXEL_UM, soft_compartments
from napari_dualgland.typing import AnyArray, BoolArray, ByteArray, Float64Array

INTENSITIES = tuple(f"intensity {name}" for name in (*COMPARTMENTS[:-1], "cell"))
"""Columns of the table: a mean for each compartment but the background, and for the cell."""

BACKGROUND = len(COMPARTMENTS) - 1


def compartment_of(frame: Frame, pixel_um: float) -> ByteArray:
    """Return the most probable compartment of each pixel, (Y, X).

    Where pixels are finer than compartments need, they are told for blocks of pixels: a
    field at full resolution would take a gigabyte.

    Parameters
    ----------
    frame : Frame
        Its landmarks tell the compartments.
    pixel_um : float
        Micrometres per pixel.

    Returns
    -------
    numpy.ndarray
        (Y, X) uint8: places among :data:`~napari_dualgland.model.compartments.COMPARTMENTS`.
    """
    step = max(1, int(PIXEL_UM / pixel_um + 1e-6))
    values = frame.values.copy()
    for plane in values:
        known = np.isfinite(plane)
        if known.all():
            continue
        # A hole is dark, whatever its value is: black would stretch an image with an offset.
        plane[~known] = np.percentile(plane[known][::16], DARK) if known.any() else np.nan
    x = F.avg_pool2d(torch.from_numpy(values)[None], step, ceil_mode=True)
    shares = soft_compartments(x, pixel_um * step)[0].numpy()
    parts, highest = np.zeros(shares.shape[1:], np.uint8), shares[0]
    for number, share in enumerate(shares[1:], 1):  # argmax walks across the planes, slowly
        parts[share > highest] = number
        highest = np.maximum(highest, share)
    height, width = frame.shape
    return np.repeat(np.repeat(parts, step, 0), step, 1)[:height, :width]


def means_in(light: AnyArray, counted: BoolArray, cells: Ranked, parts: ByteArray) -> Float64Array:
    """Return the mean of a channel in each compartment of each cell, over pixels that count.

    Parameters
    ----------
    light : numpy.ndarray
        (Y, X), a channel; what does not count is not looked at.
    counted : numpy.ndarray
        (Y, X), boolean: which pixels were measured.
    cells : Ranked
        N labels.
    parts : numpy.ndarray
        (Y, X), of :func:`compartment_of`.

    Returns
    -------
    numpy.ndarray
        (N, 5), in the order of :data:`INTENSITIES`; NaN where no pixel counts.
    """
    count, kinds = len(cells.labels), len(COMPARTMENTS)
    known = (cells.rank > 0) & counted
    where = (cells.rank[known].astype(np.intp) - 1) * kinds + parts[known]
    areas = np.bincount(where, minlength=count * kinds).reshape(count, kinds)
    sums = np.bincount(where, weights=light[known], minlength=count * kinds)
    sums = sums.reshape(count, kinds)
    areas = np.concatenate([areas[:, :BACKGROUND], areas.sum(1, keepdims=True)], 1)
    sums = np.concatenate([sums[:, :BACKGROUND], sums.sum(1, keepdims=True)], 1)
    means = np.divide(sums, areas, out=np.full(sums.shape, np.nan), where=areas > 0)
    return np.asarray(means)


def measure_protein(frame: Frame, cells: Ranked, pixel_um: float) -> Mapping[str, Float64Array]:
    """Return the mean of the protein per cell in the units of the stack, by column.

    Parameters
    ----------
    frame : Frame
        Its protein is measured.
    cells : Ranked
        N labels.
    pixel_um : float
        Micrometres per pixel.

    Returns
    -------
    mapping of str to numpy.ndarray
        (N,) for each of :data:`INTENSITIES`; NaN where no pixel was measured.
    """
    counted = ~frame.estimated[frame.at_hand.index(PROTEIN)]
    means = means_in(frame.values[PROTEIN], counted, cells, compartment_of(frame, pixel_um))
    return dict(zip(INTENSITIES, means.T, strict=True))
