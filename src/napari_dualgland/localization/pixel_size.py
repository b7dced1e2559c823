"""How large a pixel is: said by the file, or else told from what is known of such fields."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from skimage.filters import threshold_otsu

from napari_dualgland.stack import ROLES, Stack
from napari_dualgland.typing import Float32Array

FIELD_UM = 163.84
"""Side of a whole field of the Human Protein Atlas at 63x: 2048 pixels of 0.08 µm."""

SMALLEST_FIELD = 512
"""Pixels; a smaller square is rather a crop than a field that was shrunk."""

USUAL_UM = 0.08
"""Pixels of the Human Protein Atlas at full resolution, where nothing else tells."""

BOUNDS_UM = (0.04, 1.0)
"""An estimate outside of these is no estimate."""


def pixel_um(stack: Stack, frame: Float32Array, nucleus_um: float) -> tuple[float, str | None]:
    """Take the pixel size of a stack, or estimate it.

    Parameters
    ----------
    stack : Stack
        Whose ``pixel_size`` counts, if it has one.
    frame : numpy.ndarray
        (4, Y, X) in the order of ROLES, NaN where nothing is known.
    nucleus_um : float
        Diameter of a typical nucleus in µm.

    Returns
    -------
    size : float
        Micrometres per pixel.
    note : str or None
        What a reader of the result must know of it.
    """
    size = stack.pixel_size
    if size is not None:
        mean = float(np.sqrt(size.y * size.x))
        if max(size.y, size.x) > 1.05 * min(size.y, size.x):
            return mean, f"pixels are {size.y:g} × {size.x:g} µm; taken as squares of {mean:.3g} µm"
        return mean, None
    height, width = frame.shape[1:]
    advice = (
        "; if that is wrong, state it (--pixel-size, or in the dock): areas and classes hang on it"
    )
    if height == width >= SMALLEST_FIELD:
        found = FIELD_UM / height
        why = f"the frame is taken for a whole field of {FIELD_UM:.0f} µm"
    else:
        measured = _from_nuclei(frame[ROLES.index("nucleus")], nucleus_um)
        if measured is not None:
            found, why = measured, f"nuclei are taken to be {nucleus_um:g} µm wide"
        else:
            found, why = USUAL_UM, "this is usual for the Human Protein Atlas"
    return found, f"no pixel size is stated; {found:.3g} µm was assumed: {why}{advice}"


def _from_nuclei(dna: Float32Array, nucleus_um: float) -> float | None:
    """Return the pixel size at which the nuclei of a plane have the given diameter."""
    if not np.isfinite(dna).any():
        return None
    step = max(1, max(dna.shape) // 512)
    plane = torch.from_numpy(np.where(np.isfinite(dna), dna, np.nanmin(dna)))[None, None]
    small = F.avg_pool2d(plane, step)[0, 0].numpy() if min(dna.shape) >= step else dna
    smooth = ndimage.gaussian_filter(small, 1.5)
    if smooth.max() - smooth.min() <= 0:
        return None
    labels, count = ndimage.label(smooth > threshold_otsu(smooth))
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    whole = np.ones(count, bool)
    whole[np.unique(edge[edge > 0]) - 1] = False
    # Specks are no nuclei: what is far below the largest does not count.
    areas = areas[whole] if whole.any() else areas
    if not areas.size:
        return None
    areas = areas[areas >= 0.25 * areas.max()]
    found = nucleus_um / (2 * float(np.sqrt(np.median(areas) / np.pi)) * step)
    return found if BOUNDS_UM[0] <= found <= BOUNDS_UM[1] else None
