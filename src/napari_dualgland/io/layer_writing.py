"""Several napari layers put together again as the one stack that a file holds.

The reverse of ``napari_io.layers_of``: roles, placement and provenance come from what the
layers carry, so that a stack read, looked at and saved is the stack that was read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic import ValidationError

from napari_dualgland.errors import DualglandError
from napari_dualgland.io.channels import color_word_role, stain_role
from napari_dualgland.io.napari_io import METADATA_KEY
from napari_dualgland.io.ome import MISSING, SAMPLE, UNCERTAINTY
from napari_dualgland.io.units import micrometres, seconds
from napari_dualgland.provenance import Provenance
from napari_dualgland.results import Imputation
from napari_dualgland.stack import ROLE_COLORS, ROLES, Channel, Header, PixelSize, Stack


@dataclass(frozen=True, eq=False)  # arrays have no one truth of equality
class _Layer:
    """A layer tuple with names to its parts."""

    pixels: Any
    looks: Mapping[str, Any]
    kind: str

    @property
    def name(self) -> str:
        return str(self.looks.get("name") or "image")

    @property
    def told(self) -> Mapping[str, Any]:
        told = (self.looks.get("metadata") or {}).get(METADATA_KEY)
        return told if isinstance(told, Mapping) else {}

    @property
    def role(self) -> str | None:
        role = self.told.get("role")
        return role if role in ROLES else stain_role(self.name) or color_word_role(self.name)


def stack_of_layers(layers: Sequence[tuple[Any, Mapping[str, Any], str]]) -> Stack:
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
    all_ = [_Layer(_full_resolution(d, looks), looks, kind) for d, looks, kind in layers]
    masks = [layer for layer in all_ if layer.kind == "labels"]
    images = [layer for layer in all_ if layer.kind == "image"]
    unsure = [layer for layer in images if layer.told.get("kind") == UNCERTAINTY]
    drawn = [layer for layer in images if layer.told.get("kind") == SAMPLE]
    images = [layer for layer in images if layer not in (*unsure, *drawn)]
    _check(images, masks)
    stack = _stack(images)
    provenance = next(filter(None, map(_provenance, all_)), None)
    missing = _missing(masks[0], stack) if masks else None
    if missing is None:
        return replace(stack, provenance=provenance)
    blank = np.zeros(_plain_shape(stack), np.float32)
    uncertainty = _beside(unsure, stack, blank) if unsure else None
    pictures = [_of_number(drawn, n) for n in sorted({_number(layer) for layer in drawn})]
    samples = tuple(_beside(picture, stack, None) for picture in pictures)
    return Imputation.of(stack, missing, uncertainty, samples, provenance)


def _check(images: Sequence[_Layer], masks: Sequence[_Layer]) -> None:
    if not images:
        raise DualglandError("no image layer is selected; there is nothing to save")
    for mask in masks:
        if not mask.name.lower().startswith(MISSING):
            raise DualglandError(
                f"labels layer {mask.name!r} has no place in the file; deselect it, "
                f"or name it {MISSING!r} if it marks missing pixels"
            )
    estimated = [image.name for image in images if "provenance" in image.told]
    if estimated and not masks:
        raise DualglandError(
            f"layer {estimated[0]!r} holds estimated pixels; select its {MISSING!r} layer too, "
            "so that the file says which they are"
        )
    if len(masks) > 1:
        raise DualglandError(f"{len(masks)} {MISSING!r} layers are selected; select one")
    first = images[0]
    by_role: dict[str, str] = {}
    for image in images:
        if image.looks.get("rgb"):
            raise DualglandError(f"layer {image.name!r} is RGB; split it into channels first")
        for what, a, b in (
            ("shape", first.pixels.shape, image.pixels.shape),
            ("dtype", first.pixels.dtype, image.pixels.dtype),
        ):
            if a != b:
                raise DualglandError(
                    f"layers {first.name!r} and {image.name!r} differ in {what} ({a}, {b}); "
                    "the channels of one file must agree"
                )
        if image.role and by_role.setdefault(image.role, image.name) != image.name:
            raise DualglandError(
                f"layers {by_role[image.role]!r} and {image.name!r} are both {image.role}; "
                "select only one of them for saving"
            )


def _stack(images: Sequence[_Layer]) -> Stack:
    first = images[0]
    axes = _axes(first)
    steps = dict(zip(axes, _steps(first, len(axes)), strict=True))
    lengths = {a: micrometres(*steps[a]) for a in "ZYX" if a in steps}
    y, x = lengths["Y"], lengths["X"]
    common: dict[str, Any] = {
        "pixel_size": PixelSize(y, x, lengths.get("Z")) if y and x else None,
        "time_step": seconds(*steps["T"]) if "T" in steps else None,
        "name": str(first.told.get("field") or first.name),
        "source": first.told.get("source"),
        "header": Header(*(first.told.get(k) for k in ("ome_xml", "imagej", "description"))),
    }
    if "C" in axes:  # one layer that holds all channels
        count = first.pixels.shape[axes.index("C")]
        if len(images) > 1:
            raise DualglandError(f"layer {first.name!r} holds all channels; save it alone")
        roles = list(first.told.get("roles") or [None] * count)
        channels = tuple(
            Channel(role or f"channel {i}", role, ROLE_COLORS.get(role or ""))
            for i, role in enumerate(roles)
        )
        return Stack(first.pixels, axes, channels, **common)
    pixels = [image.pixels for image in images]
    xp: Any = np
    if not all(isinstance(p, np.ndarray) for p in pixels):
        import dask.array as xp
    channels = tuple(
        Channel(i.told.get("channel") or i.role or i.name, i.role, _color(i)) for i in images
    )
    # Channels stand before Y, where OME-TIFF keeps them; a lone layer needs no such axis.
    if len(images) == 1:
        return Stack(pixels[0], axes, channels, **common)
    at = axes.index("Y") if axes.endswith("YX") else 0
    return Stack(xp.stack(pixels, axis=at), f"{axes[:at]}C{axes[at:]}", channels, **common)


def _axes(layer: _Layer) -> str:
    told = str(layer.told.get("axes") or "")
    labels = "".join(str(label).upper()[:1] for label in layer.looks.get("axis_labels") or ())
    for axes in (told, labels):
        letters = set(axes)
        named = {"Y", "X"} <= letters <= set("TZCYX")
        if named and len(axes) == layer.pixels.ndim == len(letters):
            return axes
    if not 2 <= layer.pixels.ndim <= 4:
        raise DualglandError(
            f"layer {layer.name!r} has {layer.pixels.ndim} axes without names; "
            "set its axis labels to some of t, z, c, y, x"
        )
    return "TZYX"[-layer.pixels.ndim :]


def _steps(layer: _Layer, ndim: int) -> list[tuple[float, str]]:
    scale = layer.looks.get("scale")
    units = layer.looks.get("units")
    scale = [1.0] * ndim if scale is None else [abs(float(s)) for s in scale]
    units = ["pixel"] * ndim if units is None else units
    if isinstance(units, str):
        units = [units] * ndim
    return list(zip(scale, (str(unit) for unit in units), strict=True))


def _color(layer: _Layer) -> str | None:
    """Return the colour at the bright end of the layer's colormap."""
    colormap = layer.looks.get("colormap")
    if isinstance(colormap, Mapping) and "colors" in colormap:
        top = np.rint(np.asarray(colormap["colors"])[-1][:3] * 255).astype(int)
        return "#{:02X}{:02X}{:02X}".format(*top)
    return ROLE_COLORS.get(layer.role or "")


def _missing(layer: _Layer, stack: Stack) -> Any:
    """Return a labels layer as a mask of the stack: bits by role, or all channels at once."""
    codes = layer.pixels
    if "C" in stack.axes and codes.shape == stack.shape:
        return codes != 0
    shape = _plain_shape(stack)
    if codes.shape != shape[-codes.ndim :]:
        raise DualglandError(
            f"layer {layer.name!r} of shape {codes.shape} does not fit the images of shape {shape}"
        )
    xp: Any = np
    if not isinstance(codes, np.ndarray):
        import dask.array as xp
    codes = xp.broadcast_to(codes, shape)  # a mask of one plane holds for all
    coded = layer.told.get("kind") == MISSING
    each = [_of_channel(codes, channel.role, coded) for channel in stack.channels]
    return xp.stack(each, axis=stack.axes.index("C")) if "C" in stack.axes else each[0]


def _of_channel(codes: Any, role: str | None, coded: bool) -> Any:
    if not coded:
        return codes != 0
    bit = 1 << ROLES.index(role) if role else 0  # a channel without a role is never filled
    return (codes & np.array(bit, codes.dtype)) != 0


def _plain_shape(stack: Stack) -> tuple[int, ...]:
    return tuple(n for a, n in stack.sizes.items() if a != "C")


def _number(layer: _Layer) -> int:
    number = layer.told.get("number")
    return number if isinstance(number, int) else 1


def _of_number(layers: Sequence[_Layer], number: int) -> list[_Layer]:
    return [layer for layer in layers if _number(layer) == number]


def _beside(layers: Sequence[_Layer], stack: Stack, blank: Any) -> Any:
    """Return layers that go with a stack in the order of its channels.

    A channel without one is ``blank``, or as it is in the stack.
    """
    at = stack.axes.find("C")
    if at >= 0 and len(layers) == 1 and layers[0].pixels.shape == stack.shape:
        return layers[0].pixels  # one layer that holds all channels, like the images
    wrong = next((layer for layer in layers if layer.pixels.shape != _plain_shape(stack)), None)
    if wrong is not None:
        raise DualglandError(
            f"layer {wrong.name!r} does not have the shape of the images; deselect it, or select "
            "the images that it was made with"
        )
    # Channels without a role are told apart by their names; those of one name by their order.
    waiting: dict[str | None, list[Any]] = {}
    for layer in layers:
        key = layer.role or layer.told.get("channel")
        waiting.setdefault(key, []).append(layer.pixels)
    each = []
    for i, channel in enumerate(stack.channels):
        own = stack.data if at < 0 else stack.data[(slice(None),) * at + (i,)]
        found = waiting.get(channel.role or channel.name)
        each.append(found.pop(0) if found else own if blank is None else blank)
    if at < 0:
        return each[0]
    xp: Any = np
    if not all(isinstance(pixels, np.ndarray) for pixels in each):
        import dask.array as xp
    return xp.stack(each, axis=at)


def _provenance(layer: _Layer) -> Provenance | None:
    said = layer.told.get("provenance")
    if said is None:
        return None
    try:
        return Provenance.model_validate(said)
    except ValidationError as error:
        raise DualglandError(
            f"layer {layer.name!r} has a provenance that cannot be read: {error}"
        ) from error


def _full_resolution(pixels: Any, looks: Mapping[str, Any]) -> Any:
    finest = pixels[0] if looks.get("multiscale") else pixels
    if isinstance(finest, np.ndarray) or hasattr(finest, "dask"):
        return finest
    import dask.array as da

    return da.from_array(finest)  # type: ignore[no-untyped-call]
