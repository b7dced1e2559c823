"""What a result inherits from its source: where it lies and how it is shown.

A fill that is shifted by half a pixel, or shown in other contrast limits, cannot be
compared with its source; so every result layer takes both over, unchanged.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image

from napari_dualgland.errors import DualglandError
from napari_dualgland.stack import PixelSize


def placement(layer: Any, without: int | None = None) -> dict[str, Any]:
    """Return the layer's transform, units and axis names, as a layer's arguments.

    Parameters
    ----------
    layer : napari.layers.Layer
        What lies somewhere.
    without : int, optional
        An axis of the layer that the other layer lacks.
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


def require_same_place(first: Any, other: Any) -> None:
    """Refuse two layers whose pixels do not lie on top of each other.

    Raises
    ------
    DualglandError
        If shapes or transforms differ; the message names both layers and what differs.
    """
    a, b = full_resolution(first), full_resolution(other)
    if a.shape != b.shape:
        raise DualglandError(
            f"layer {other.name!r} is {size_in_words(b.shape)} pixels and {first.name!r} is "
            f"{size_in_words(a.shape)}; the channels of one field must have one size"
        )
    for name in ("scale", "translate", "rotate", "shear"):
        if not np.allclose(getattr(first, name), getattr(other, name)):
            raise DualglandError(
                f"layers {first.name!r} and {other.name!r} differ in {name}, so their pixels do "
                f"not lie on top of each other; give them the same {name} first"
            )
    if not np.allclose(first.affine.affine_matrix, other.affine.affine_matrix):
        raise DualglandError(
            f"layers {first.name!r} and {other.name!r} differ in affine, so their pixels do "
            "not lie on top of each other; give them the same affine first"
        )


def pixel_under(image: Any, layer: Any, point: Any) -> np.ndarray:
    """Return the pixel coordinates of ``image`` under a point given in those of ``layer``.

    Axes that only one of the two has are leading ones, as in napari's viewer; where the
    layer lacks them, the coordinate is 0.
    """
    world = np.asarray(layer.data_to_world(point))
    lacking = image.ndim - layer.ndim
    world = np.r_[np.zeros(lacking), world] if lacking > 0 else world[-image.ndim :]
    return np.asarray(image.world_to_data(world))


def full_resolution(layer: Any) -> Any:
    """Return the pixels of a layer; of a multiscale layer, those of its finest level."""
    return layer.data[0] if layer.multiscale else layer.data


def size_in_words(shape: tuple[int, ...]) -> str:
    """Return a shape as people write it: ``1024 × 768``."""
    return " × ".join(str(n) for n in shape)


def pixel_size(layer: Any, axes: str) -> PixelSize | None:
    """Return the pixel size in µm, None where the layer's units are no lengths."""
    step: dict[str, float] = {}
    for axis, scale, unit in zip(axes, layer.scale, layer.units, strict=True):
        quantity = abs(float(scale)) * unit
        if axis in "ZYX" and quantity.check("[length]"):
            step[axis] = float(quantity.to("micrometer").magnitude)
    if "Y" not in step or "X" not in step:
        return None
    return PixelSize(y=step["Y"], x=step["X"], z=step.get("Z"))


def time_step(layer: Any, axes: str) -> float | None:
    """Return the seconds between frames, None where there are none or no unit of time."""
    if "T" not in axes:
        return None
    i = axes.index("T")
    quantity = abs(float(layer.scale[i])) * layer.units[i]
    return float(quantity.to("second").magnitude) if quantity.check("[time]") else None
