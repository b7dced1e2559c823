"""What a person marked in napari: a Labels or Shapes layer → a mask of the field it lies on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.layer_axes import axes_of, pixels_of, shape_of
from napari_dualgland.io.layer_tag import tag_of
from napari_dualgland.io.layers import size_in_words
from napari_dualgland.mask import Mask
from napari_dualgland.typing import Float64Array


def mask_from_layer(layer: Any, layers: Mapping[str, Any], channel_axis: int | None = None) -> Mask:
    """Return what a Labels or Shapes layer marks in a field of view.

    Labels may have the axes of the field's layers, or fewer (plain Y, X marks every plane), or
    a channel axis in front (each channel marked apart). Shapes of a 2-D layer mark every plane;
    shapes drawn while scrolling through planes mark the plane that they were drawn in. A
    transform of their own is accounted for.

    Parameters
    ----------
    layer : napari.layers.Labels or napari.layers.Shapes
        Non-zero labels, or the insides of shapes, are marked.
    layers, channel_axis
        The field of view, as for :func:`~napari_dualgland.io.layers.stack_from_layers`.

    Returns
    -------
    Mask
        Lazy where the labels are.

    Raises
    ------
    DualglandError
        If the layer is empty, its size does not fit the image, or it lies elsewhere.
    """
    image = next(iter(layers.values()))
    axes = axes_of(image, channel_axis)
    sizes = dict(zip(axes, shape_of(image), strict=True))
    if hasattr(layer, "shape_type"):
        return _of_shapes(layer, image, axes, sizes)
    if channel_axis is None:
        sizes["C"] = len(layers)
    return _of_labels(layer, image, axes, sizes)


def is_coded(layer: Any) -> bool:
    """Tell whether a layer is a *missing* layer of this plugin, one mask per channel."""
    return tag_of(layer).kind == "missing"


def _of_labels(layer: Any, image: Any, axes: str, sizes: Mapping[str, int]) -> Mask:
    origin, along_y, along_x = np.zeros((3, layer.ndim))
    along_y[-2] = along_x[-1] = 100
    for corner in (origin, along_y, along_x):
        if not np.allclose(_pixel_under(image, layer, corner)[-2:], corner[-2:], atol=0.01):
            raise DualglandError(
                Kind.MISMATCH,
                f"labels layer {layer.name!r}",
                f"does not lie on top of {image.name!r} (scale or translate differ), so its pixels "
                "are not those of the image",
            )
    pixels = pixels_of(layer)
    plain = axes.replace("C", "")
    for own in dict.fromkeys((axes, plain, "C" + plain, "CYX", "YX")):
        if len(own) == pixels.ndim and all(
            n == sizes[a] or (n == 1 and a not in "YX")
            for a, n in zip(own, pixels.shape, strict=True)
        ):
            return Mask(pixels, own, is_coded(layer), name=f"layer {layer.name!r}")
    raise DualglandError(
        Kind.MISMATCH,
        f"labels layer {layer.name!r}",
        f"is {size_in_words(pixels.shape)} and does not fit the image, which is "
        f"{size_in_words(shape_of(image))}",
        way_out="make it from the image (New labels layer) so that their pixels agree",
    )


def _of_shapes(layer: Any, image: Any, axes: str, sizes: Mapping[str, int]) -> Mask:
    if not len(layer.data):
        place = f"shapes layer {layer.name!r}"
        raise DualglandError(Kind.EMPTY, place, "holds no shape", way_out="draw around the holes")
    axes = axes[-layer.ndim :]
    vertices = []
    for drawn in layer.data:
        points = np.array([_pixel_under(image, layer, point) for point in drawn])[:, -len(axes) :]
        points[:, :-2] = np.round(points[:, :-2])
        vertices.append(points)
    # A layer of the same class knows how to fill its shapes, and napari need not be imported.
    in_pixels = type(layer)(vertices, shape_type=list(layer.shape_type), ndim=len(axes))
    marked = in_pixels.to_labels(labels_shape=[sizes[a] for a in axes]) > 0
    if "C" in axes:
        # Where the channel slider stood while drawing does not say what is missing.
        marked = marked.any(axis=axes.index("C"))
        axes = axes.replace("C", "")
    return Mask(marked, axes)


def _pixel_under(image: Any, layer: Any, point: Float64Array) -> Float64Array:
    """Return the pixel coordinates of ``image`` under a point given in those of ``layer``.

    Axes that only one of the two has are leading ones, as in napari's viewer; where the
    layer lacks them, the coordinate is 0.
    """
    world = np.asarray(layer.data_to_world(point))
    lacking = image.ndim - layer.ndim
    world = np.r_[np.zeros(lacking), world] if lacking > 0 else world[-image.ndim :]
    return np.asarray(image.world_to_data(world))
