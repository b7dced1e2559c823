"""What a person marked as missing: Labels and Shapes layers → a mask of the stack.

Also the code in which the plugin's own *missing* layer keeps one mask per channel in a
single Labels layer, so that it can be shown, edited with the brush and given back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
from napari.layers import Labels, Shapes

from napari_dualgland.errors import DualglandError
from napari_dualgland.stack import ROLES, Stack, from_canonical, to_canonical
from napari_dualgland.widgets.field.guess import told_by
from napari_dualgland.widgets.field.source import Source, as_array
from napari_dualgland.widgets.layers.looks import full_resolution, pixel_under, size_in_words

ROLE_BITS = {role: 1 << i for i, role in enumerate(ROLES)}
"""Value of each role in a *missing* layer; a pixel's label is the sum over its roles."""


@dataclass(frozen=True)
class Marking:
    """Pixels that a person marked by hand, before they are matched to a stack.

    Attributes
    ----------
    pixels : numpy.ndarray or dask.array.Array
        Non-zero where marked.
    axes : str
        Axes of ``pixels``; without ``C`` the marks hold for all channels, without ``Z``
        or ``T`` for all planes.
    coded : bool
        Whether the values are sums of ROLE_BITS, each channel marked apart.
    """

    pixels: Any
    axes: str
    coded: bool = False

    def mask(self, stack: Stack, roles: Collection[str]) -> Any:
        """Return the marks in the channels of ``roles``: boolean, shape of ``stack.data``."""
        marks = to_canonical(self.pixels, self.axes)
        xp: Any = da if isinstance(marks, da.Array) else np
        wanted = stack.canonical().shape
        marks = xp.broadcast_to(marks, wanted)
        bits = [
            (ROLE_BITS[c.role] if self.coded else -1) if c.role in roles and c.role else 0
            for c in stack.channels
        ]
        marked = (marks.astype(np.int64) & np.array(bits)[:, None, None]) != 0
        return from_canonical(marked, stack.axes)


def marking_from_labels(layer: Labels, source: Source) -> Marking:
    """Return what a Labels layer marks.

    It may have the axes of the source layers, or fewer (plain Y, X marks every plane),
    or a channel axis in front (each channel marked apart).

    Raises
    ------
    DualglandError
        If the layer's size does not fit the image, or it lies elsewhere.
    """
    image = source.first
    for corner in _corners(layer.ndim):
        if not np.allclose(pixel_under(image, layer, corner)[-2:], corner[-2:], atol=0.01):
            raise DualglandError(
                f"labels layer {layer.name!r} does not lie on top of {image.name!r} (scale or "
                "translate differ), so its pixels are not those of the image"
            )
    pixels = as_array(full_resolution(layer))
    coded = is_coded(layer)
    sizes = dict(zip(source.axes, full_resolution(image).shape, strict=True))
    if not source.one_layer:
        sizes["C"] = len(source.layers)
    plain = source.axes.replace("C", "")
    for axes in dict.fromkeys((source.axes, plain, "C" + plain, "CYX", "YX")):
        if len(axes) == pixels.ndim and all(
            n == sizes[a] or (n == 1 and a not in "YX")
            for a, n in zip(axes, pixels.shape, strict=True)
        ):
            return Marking(pixels, axes, coded)
    raise DualglandError(
        f"labels layer {layer.name!r} is {size_in_words(pixels.shape)} and does not fit the "
        f"image, which is {size_in_words(full_resolution(image).shape)}; make it from the image "
        "(New labels layer) so that their pixels agree"
    )


def marking_from_shapes(layer: Shapes, source: Source) -> Marking:
    """Return what the filled shapes of a layer mark.

    Shapes of a 2-D layer mark every plane; shapes drawn while scrolling through planes
    mark the plane that they were drawn in. A transform of their own is accounted for.

    Raises
    ------
    DualglandError
        If the layer is empty.
    """
    if not len(layer.data):
        raise DualglandError(f"shapes layer {layer.name!r} holds no shape; draw around the holes")
    image = source.first
    sizes = dict(zip(source.axes, full_resolution(image).shape, strict=True))
    axes = source.axes[-layer.ndim :]
    vertices = []
    for drawn in layer.data:
        points = np.array([pixel_under(image, layer, point) for point in drawn])[:, -len(axes) :]
        points[:, :-2] = np.round(points[:, :-2])
        vertices.append(points)
    in_pixels = Shapes(vertices, shape_type=list(layer.shape_type), ndim=len(axes))
    marked = in_pixels.to_labels(labels_shape=[sizes[a] for a in axes]) > 0
    if "C" in axes:
        # Where the channel slider stood while drawing does not say what is missing.
        marked = marked.any(axis=axes.index("C"))
        axes = axes.replace("C", "")
    return Marking(marked, axes)


def is_coded(layer: Any) -> bool:
    """Tell whether a layer is a *missing* layer of this plugin, one mask per channel."""
    return told_by(layer).get("kind") == "missing"


def encode(missing: Any, roles: Mapping[str, int]) -> Any:
    """Return per-channel masks as role codes.

    Parameters
    ----------
    missing : array
        Boolean, (T, Z, C, Y, X).
    roles : mapping of str to int
        Position along C of each role that is to be told.

    Returns
    -------
    array
        uint8, (T, Z, 1, Y, X): the sum of ROLE_BITS of the roles that lack the pixel.
    """
    codes = (
        missing[:, :, index : index + 1].astype(np.uint8) * np.uint8(ROLE_BITS[role])
        for role, index in roles.items()
    )
    return sum(codes, start=np.uint8(0))


def roles_of_code(code: int) -> tuple[str, ...]:
    """Return the roles that a label of a *missing* layer stands for."""
    return tuple(role for role, bit in ROLE_BITS.items() if code & bit)


def _corners(ndim: int) -> list[np.ndarray]:
    """Three points that fix where a plane lies: its origin and one along Y and X each."""
    origin, along_y, along_x = np.zeros((3, ndim))
    along_y[-2] = along_x[-1] = 100
    return [origin, along_y, along_x]
