"""From a clicked pixel to the weights around it: one plane of the compartments is read."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from napari_dualgland.classes import COMPARTMENTS
from napari_dualgland.compartments.weights import REACH, weights_around
from napari_dualgland.results import Boundaries
from napari_dualgland.stack import to_canonical
from napari_dualgland.typing import Float64Array


def pairs_at(
    result: Boundaries, frame: Mapping[str, int]
) -> tuple[Float64Array, tuple[int, int], str]:
    """Return the weights around a pixel, where it is, and the compartment that it is in.

    Parameters
    ----------
    result : Boundaries
    frame : mapping of str to int
        ``y``, ``x``, and ``t`` and ``z`` where the stack has them.

    Returns
    -------
    tuple of (numpy.ndarray, tuple of int, str)
    """
    soft = to_canonical(result.compartments, result.compartment_axes)
    plane = soft[frame.get("t", 0), frame.get("z", 0)]
    y, x = frame["y"], frame["x"]
    top, left = max(0, y - REACH), max(0, x - REACH)
    near = np.asarray(plane[:, top : y + REACH + 1, left : x + REACH + 1])
    place = y - top, x - left
    return weights_around(near, place), (y, x), COMPARTMENTS[int(near[(..., *place)].argmax())]
