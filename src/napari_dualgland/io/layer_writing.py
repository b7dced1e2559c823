"""Several napari layers put together again as the one stack that a file holds.

The reverse of ``napari_io.layers_of``: roles, placement and provenance come from what the
layers carry, so that a stack read, looked at and saved is the stack that was read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.channels import color_word_role, stain_role
from napari_dualgland.io.layer_axes import axes_of, named_axes, pixels_of
from napari_dualgland.io.layer_masks import is_coded
from napari_dualgland.io.layer_stacking import together
from napari_dualgland.io.layer_tag import tag_of
from napari_dualgland.io.layers import field_called, files_of, sampling
from napari_dualgland.io.ome import MISSING, SAMPLE, UNCERTAINTY
from napari_dualgland.mask import Mask
from napari_dualgland.results import Imputation
from napari_dualgland.stack import ROLE_COLORS, Channel, Stack
from napari_dualgland.typing import LazyArray

LayerTuple = tuple[Any, Mapping[str, Any], str]


class _Layer:
    """A layer tuple, looked at as napari's own layers are."""

    name: str = "image"
    metadata: Mapping[str, Any] = {}
    multiscale = rgb = False
    scale = units = axis_labels = colormap = None

    def __init__(self, data: Any, looks: Mapping[str, Any], kind: str) -> None:
        vars(self).update({key: value for key, value in looks.items() if value is not None})
        self.data, self.kind = data, kind
        self.pixels = pixels_of(self)
        self.tag = tag_of(self)

    @property
    def role(self) -> str | None:
        return self.tag.role or stain_role(self.name) or color_word_role(self.name)


def as_layer(data: Any, looks: Mapping[str, Any], kind: str) -> Any:
    """Return a layer tuple as what behaves like the layer.

    Parameters
    ----------
    data : array
    looks : mapping
    kind : str
        As in the tuple.

    Returns
    -------
    object
    """
    return _Layer(data, looks, kind)


def stack_of_layers(layers: Sequence[LayerTuple]) -> Stack:
    """Return the stack that these layers show, its mask and provenance included.

    Parameters
    ----------
    layers : sequence of napari's full layer tuples
        Image layers of one shape and dtype, a channel each (or one with a channel axis);
        at most one Labels layer, named ``missing``; uncertainties and samples of ours.

    Raises
    ------
    DualglandError
        If they are no one field of view; the message names the layers.
    """
    all_ = [_Layer(*layer) for layer in layers]
    masks = [layer for layer in all_ if layer.kind == "labels"]
    images = [layer for layer in all_ if layer.kind == "image"]
    unsure = [layer for layer in images if layer.tag.kind == UNCERTAINTY]
    drawn = [layer for layer in images if layer.tag.kind == SAMPLE]
    images = [layer for layer in images if layer not in (*unsure, *drawn)]
    _check(images, masks)
    stack = replace(_stack(images), files=files_of(all_))
    provenance = next((layer.tag.provenance for layer in all_ if layer.tag.provenance), None)
    if not masks:
        return replace(stack, provenance=provenance)
    blank = np.zeros(_plain_shape(stack), np.float32)
    uncertainty = _beside(unsure, stack, blank) if unsure else None
    numbers = sorted({layer.tag.number or 1 for layer in drawn})
    pictures = [[x for x in drawn if (x.tag.number or 1) == number] for number in numbers]
    samples = tuple(_beside(picture, stack, None) for picture in pictures)
    return Imputation.of(stack, _missing(masks[0], stack), uncertainty, samples, provenance)


def _check(images: Sequence[_Layer], masks: Sequence[_Layer]) -> None:
    if not images:
        raise DualglandError(
            Kind.LACKING, "the layers", "no image layer is selected; there is nothing to save"
        )
    for mask in masks:
        # A mask of estimates is known whatever it is called by now.
        estimates = is_coded(mask) and mask.tag.is_estimate
        if not estimates and not mask.name.lower().startswith(MISSING):
            raise DualglandError(
                Kind.WRONG_CONTENT,
                mask.name,
                "a labels layer of this name has no place in the file",
                way_out=f"deselect it, or name it {MISSING!r} if it marks missing pixels",
            )
    estimated = [image.name for image in images if image.tag.is_estimate]
    if estimated and not masks:
        raise DualglandError(
            Kind.LACKING,
            estimated[0],
            "the layer holds estimated pixels",
            way_out=f"select its {MISSING!r} layer too, so that the file says which they are",
        )
    if len(masks) > 1:
        found = f"{len(masks)} {MISSING!r} layers are selected"
        raise DualglandError(Kind.AMBIGUOUS, masks[1].name, found, way_out="select one")
    first = images[0]
    by_role: dict[str, str] = {}
    for image in images:
        if image.rgb:
            raise DualglandError(
                Kind.UNSUPPORTED, image.name, "is RGB", way_out="split it into channels first"
            )
        for what, a, b in (
            ("shape", first.pixels.shape, image.pixels.shape),
            ("dtype", first.pixels.dtype, image.pixels.dtype),
        ):
            if a != b:
                raise DualglandError(
                    Kind.MISMATCH,
                    image.name,
                    f"{first.name!r} and {image.name!r} differ in {what} ({a}, {b})",
                    part=what,
                    expected="channels that agree",
                )
        if image.role and by_role.setdefault(image.role, image.name) != image.name:
            raise DualglandError(
                Kind.AMBIGUOUS,
                image.name,
                f"{by_role[image.role]!r} and {image.name!r} are both {image.role}",
                way_out="select only one of them for saving",
            )


def _stack(images: Sequence[_Layer]) -> Stack:
    first, tag = images[0], images[0].tag
    axes = named_axes(first) or axes_of(first)
    size = next((i.tag.pixel_size for i in images if i.tag.pixel_size is not None), None)
    common: dict[str, Any] = {
        **sampling(first, axes, size),
        "name": field_called(first, len(images)),
        "source": tag.path,
        "header": tag.header,
    }
    if "C" in axes:  # one layer that holds all channels
        count = first.pixels.shape[axes.index("C")]
        if len(images) > 1:
            found = "the layer holds all channels"
            raise DualglandError(Kind.AMBIGUOUS, first.name, found, way_out="save it alone")
        channels = tuple(
            Channel(role or f"channel {i}", role, ROLE_COLORS.get(role or ""))
            for i, role in enumerate(tag.roles or [None] * count)
        )
        return Stack(first.pixels, axes, channels, **common)
    channels = tuple(
        Channel(i.tag.channel or i.role or i.name, i.role, _color(i), at)
        for i, at in zip(images, _described_at(images), strict=True)
    )
    # Channels stand before Y, where OME-TIFF keeps them; a lone layer needs no such axis.
    if len(images) == 1:
        return Stack(first.pixels, axes, channels, **common)
    at = axes.index("Y") if axes.endswith("YX") else 0
    data = together([image.pixels for image in images], at)
    return Stack(data, f"{axes[:at]}C{axes[at:]}", channels, **common)


def _described_at(images: Sequence[_Layer]) -> list[int | None]:
    """Return where the first layer's header describes each channel; None where it does not."""
    header, found = images[0].tag.header, []
    for tag in (image.tag for image in images):
        name, at = tag.described or (None, None)
        # What shows a channel that was appended has the record of another one, less its name.
        found.append(at if name == tag.channel and tag.header == header else None)
    # Files that were opened one by one may all say the same, each of its own channel.
    return [at if found.count(at) == 1 else None for at in found]


def _color(layer: _Layer) -> str | None:
    """Return the colour at the bright end of the layer's colormap."""
    if isinstance(layer.colormap, Mapping) and "colors" in layer.colormap:
        top = np.rint(np.asarray(layer.colormap["colors"])[-1][:3] * 255).astype(int)
        return "#{:02X}{:02X}{:02X}".format(*top)
    return ROLE_COLORS.get(layer.role or "")


def _missing(layer: _Layer, stack: Stack) -> LazyArray:
    """Return a labels layer as a mask of the stack: bits by role, or all channels at once."""
    codes, plain = layer.pixels, _plain_shape(stack)
    whole = "C" in stack.axes and codes.shape == stack.shape
    if not whole and codes.shape != plain[-codes.ndim :]:
        found = f"shape {codes.shape} does not fit the images"
        raise DualglandError(Kind.MISMATCH, layer.name, found, expected=f"shape {plain}")
    # A mask of one plane holds for all.
    axes = stack.axes if whole else stack.axes.replace("C", "")[-codes.ndim :]
    return Mask(codes, axes, coded=is_coded(layer) and not whole).fitted(stack)


def _plain_shape(stack: Stack) -> tuple[int, ...]:
    return tuple(n for a, n in stack.sizes.items() if a != "C")


def _beside(layers: Sequence[_Layer], stack: Stack, blank: LazyArray | None) -> LazyArray:
    """Return layers that go with a stack in the order of its channels.

    A channel without one is ``blank``, or as it is in the stack.
    """
    at = stack.axes.find("C")
    if at >= 0 and len(layers) == 1 and layers[0].pixels.shape == stack.shape:
        return layers[0].pixels  # one layer that holds all channels, like the images
    wrong = next((layer for layer in layers if layer.pixels.shape != _plain_shape(stack)), None)
    if wrong is not None:
        raise DualglandError(
            Kind.MISMATCH,
            wrong.name,
            f"{wrong.name!r} does not have the shape of the images",
            expected=f"shape {_plain_shape(stack)}",
            way_out="deselect it, or select the images that it was made with",
        )
    # Channels without a role are told apart by their names; those of one name by their order.
    waiting: dict[str | None, list[LazyArray]] = {}
    for layer in layers:
        key = layer.role or layer.tag.channel
        waiting.setdefault(key, []).append(layer.pixels)
    each: list[LazyArray] = []
    for i, channel in enumerate(stack.channels):
        own = stack.data if at < 0 else stack.data[(slice(None),) * at + (i,)]
        found = waiting.get(channel.role or channel.name)
        each.append(found.pop(0) if found else own if blank is None else blank)
    return together(each, at) if at >= 0 else each[0]
