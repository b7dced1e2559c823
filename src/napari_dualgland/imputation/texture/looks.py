"""How places look, so that texture is copied from where it belongs."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_dualgland.typing import BoolArray, Float32Array

BLURS = (1.5, 4.0)
"""Standard deviations in pixels at which a picture is looked at."""

CUT = 3
"""Standard deviations at which a blur is cut off."""

DEEPEST = 12
"""Pixels; deeper in a hole, or further from it, depth makes no difference."""

DEPTH_WEIGHT = 0.03
"""Of a pixel of depth, beside the square root of brightness."""

ASIDE = 5
"""Pixels to each side at which depth is looked at too, so that a rim is copied to a rim that
faces the same way."""

REACH = DEEPEST + ASIDE
"""Pixels from which a look is taken: blurs reach no further than this."""


def looks(picture: Float32Array, hole: BoolArray) -> Float32Array:
    """Return what is compared of every place.

    Parameters
    ----------
    picture : numpy.ndarray
        (4, h, w), normalised, with what is missing filled.
    hole : numpy.ndarray
        (h, w), boolean.

    Returns
    -------
    numpy.ndarray
        (h, w, 13) float32: how bright each channel is at each blur, and how deep in the hole
        the place and its neighbours lie.
    """
    # The square root of light spreads alike in dim and bright places.
    bright = [
        np.sqrt(np.maximum(ndimage.gaussian_filter(plane, blur, truncate=CUT), 0))
        for plane in picture
        for blur in BLURS
    ]
    inside, outside = (ndimage.distance_transform_edt(side) for side in (hole, ~hole))
    deep = np.pad(DEPTH_WEIGHT * np.clip(inside - outside, -DEEPEST, DEEPEST), ASIDE, mode="edge")
    h, w = hole.shape
    around = [
        deep[ASIDE + dy : ASIDE + dy + h, ASIDE + dx : ASIDE + dx + w]
        for dy, dx in ((0, 0), (-ASIDE, 0), (ASIDE, 0), (0, -ASIDE), (0, ASIDE))
    ]
    return np.stack([*bright, *around], -1).astype(np.float32)
