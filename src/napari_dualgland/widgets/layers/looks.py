"""What a result inherits from its source: where it lies and how it is shown.

A fill that is shifted by half a pixel, or shown in other contrast limits, cannot be
compared with its source; so every result layer takes both over, unchanged.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from napari.layers import Image


def placement(layer: Any, without: int | None = None) -> dict[str, Any]:
    """Return the layer's transform, units and axis names, as a layer's arguments.

    Parameters
    ----------
    layer : napari.layers.Layer
        What lies somewhere.
    without : int, optional
        An axis of the layer that the other layer lacks.

    Returns
    -------
    dict
    """
    kept = [i for i in range(layer.ndim) if i != without]
    square = np.ix_(kept, kept)
    affine = np.array(layer.affine.affine_matrix)
    rotate, shear = np.array(layer.rotate), np.array(layer.shear)
    if without is not None:
        # napari keeps shear as a vector of the upper triangle where it can.
        if shear.ndim == 1:
            full = np.eye(layer.ndim)
            full[np.triu_indices(layer.ndim, 1)] = shear
            shear = full
        rotate, shear = rotate[square], shear[square]
        affine = affine[np.ix_([*kept, layer.ndim], [*kept, layer.ndim])]
    return {
        "scale": np.array(layer.scale)[kept],
        "translate": np.array(layer.translate)[kept],
        "rotate": rotate,
        "shear": shear,
        "affine": affine,
        "units": tuple(layer.units[i] for i in kept),
        "axis_labels": tuple(layer.axis_labels[i] for i in kept),
    }


def lay_over(layer: Any, source: Any, without: int | None = None) -> None:
    """Let a layer lie where its source lies now: it may have been moved or calibrated since.

    Parameters
    ----------
    layer : napari.layers.Layer
        Of an earlier run.
    source : napari.layers.Layer
        What it was made from.
    without : int, optional
        An axis of the source that the layer lacks.
    """
    placed, own = placement(source, without), placement(layer)
    for name, value in placed.items():
        same = np.array_equal if isinstance(value, np.ndarray) else operator.eq
        if not same(value, own[name]):
            setattr(layer, name, value)


def image_looks(layer: Image) -> dict[str, Any]:
    """Return how an image layer is shown, as an image layer's arguments."""
    return {
        "colormap": layer.colormap,
        "contrast_limits": tuple(layer.contrast_limits),
        "gamma": layer.gamma,
        "blending": layer.blending,
        "opacity": layer.opacity,
        "interpolation2d": layer.interpolation2d,
        "interpolation3d": layer.interpolation3d,
        "rendering": layer.rendering,
        "projection_mode": layer.projection_mode,
        "visible": layer.visible,
    }
