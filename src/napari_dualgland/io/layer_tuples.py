"""A stack as the layers that napari shows of it, and what each of them says of itself.

Plain layer tuples; napari is not imported. The way back is ``layer_writing.stack_of_layers``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from napari_dualgland.io.layer_tag import Kind, LayerTag, metadata_of, name_in_field
from napari_dualgland.io.missing_looks import missing_looks
from napari_dualgland.io.ome import BOUNDARIES, CELLS, MISSING, SAMPLE, UNCERTAINTY
from napari_dualgland.mask import encode
from napari_dualgland.results import Imputation
from napari_dualgland.stack import Channel, Stack

LayerTuple = tuple[Any, dict[str, Any], Literal["image", "labels"]]
_COLORMAPS = {"microtubules": "red", "protein": "green", "nucleus": "blue", "er": "yellow"}
COMPARTMENTS: Literal["compartments"] = "compartments"
"""Channel of a file of boundaries that holds labels, not shares."""
_LIKELY = 128
"""A map that is nowhere as bright, as a file has it, is hidden at first."""


def layers_of(
    stack: Stack, pyramid: Sequence[Any] = (), *, one_of_several: bool = False
) -> list[LayerTuple]:
    """Return a stack as layers: an image per channel, and what of it is estimated.

    Parameters
    ----------
    stack : Stack
        Known roles are shown in the colours of the atlas, additively.
    pyramid : sequence of arrays, optional
        The stack's data at falling resolutions; shown as a multiscale image.
    one_of_several : bool
        Whether other fields are opened with it: names then tell the field.

    Returns
    -------
    list of layer tuples
        From the bottom of the layer list to its top: plausible pictures and uncertainties,
        hidden; the images; the mask, if any, a Labels layer ``missing`` with one bit per
        role (1 for microtubules, 2 protein, 4 nucleus, 8 er), so that one layer holds all
        channels.
    """
    levels = _levels(stack, pyramid)
    images: list[LayerTuple] = []
    for i, channel in enumerate(stack.channels):
        pixels = [_channel_of(level, stack.axes, i) for level in levels]
        name = channel.role or channel.name
        tag = _tag(stack, channel)
        if one_of_several:
            name = name_in_field(name, stack.name)
            tag = tag.model_copy(update={"name": name})
        looks = {
            "name": name,
            "colormap": _COLORMAPS.get(channel.role or "", channel.color or "gray"),
            "blending": "additive",
            "contrast_limits": contrast_limits(pixels[-1]),
            "multiscale": len(pixels) > 1,
            **_placement(stack),
            "metadata": metadata_of(tag),
        }
        images.append((pixels if len(pixels) > 1 else pixels[0], looks, "image"))
    beside: list[LayerTuple] = []
    estimate = stack if isinstance(stack, Imputation) else None
    # The last sample lowest, so that a person reads them from the first down.
    for number, sample in reversed(list(enumerate(estimate.samples if estimate else (), 1))):
        beside += _sample_layers(stack, sample, number, images)
    if estimate and estimate.uncertainty is not None:
        beside += _uncertainty_layers(estimate)
    marks = [] if stack.imputed is None else [_missing_layer(stack)]
    return [*beside, *images, *marks]


def localization_layers(stack: Stack, pyramid: Sequence[Any] = ()) -> list[LayerTuple]:
    """Return what a localization has left in a file as layers.

    Parameters
    ----------
    stack : Stack
        Read from a ``cells.tif``, a ``maps.ome.tif`` or a file of boundaries of ours.
    pyramid : sequence of arrays, optional
        The stack's data at falling resolutions.

    Returns
    -------
    list of layer tuples
        A Labels layer ``cells``; or an image per class in its colour, from 0 to 255, those
        hidden that are likely nowhere.
    """
    levels = _levels(stack, pyramid)
    if stack.kind == CELLS:
        several = len(levels) > 1
        looks = {
            "name": CELLS,
            "multiscale": several,
            **_placement(stack),
            "metadata": metadata_of(_tag(stack, kind="cells")),
        }
        return [(levels if several else stack.data, looks, "labels")]
    layers: list[LayerTuple] = []
    for i, channel in enumerate(stack.channels):
        if stack.kind == BOUNDARIES and channel.name == COMPARTMENTS:
            looks = {
                "name": channel.name,
                "opacity": 0.4,
                **_placement(stack),
                "metadata": metadata_of(_tag(stack, channel, COMPARTMENTS)),
            }
            layers.append((_channel_of(stack.data, stack.axes, i), looks, "labels"))
            continue
        maps = [_channel_of(level, stack.axes, i) for level in levels]
        looks = {
            "name": channel.name,
            "colormap": channel.color or "gray",
            "blending": "additive",
            "contrast_limits": (0, 255),
            "visible": bool((maps[-1] >= _LIKELY).any()),
            "multiscale": len(maps) > 1,
            **_placement(stack),
            "metadata": metadata_of(_tag(stack, channel, "localization maps")),
        }
        layers.append((maps if len(maps) > 1 else maps[0], looks, "image"))
    return layers


def _levels(stack: Stack, pyramid: Sequence[Any]) -> list[Any]:
    fits = len(pyramid) > 1 and pyramid[0].shape == stack.shape
    return list(pyramid) if fits else [stack.data]


def contrast_limits(pixels: Any) -> tuple[float, float]:
    """Return the darkest value and the 99.9th percentile of the middle plane."""
    plane = pixels[tuple(n // 2 for n in pixels.shape[:-2])]
    step = max(1, max(plane.shape) // 1024)
    sample = np.asarray(plane[::step, ::step], dtype=np.float64)
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return 0.0, 1.0
    low, high = float(sample.min()), float(np.percentile(sample, 99.9))
    if high <= low:  # sparse signal on an even background
        high = float(sample.max())
    return (low, high) if high > low else (low, low + 1.0)


def _channel_of(data: Any, axes: str, channel: int) -> Any:
    return data[tuple(channel if a == "C" else slice(None) for a in axes)]


def _placement(stack: Stack) -> dict[str, Any]:
    """Return scale, units and axis labels; an axis whose size nobody knows is in pixels."""
    size = stack.pixel_size
    steps = {"T": (stack.time_step, "second")}
    if size is not None:
        steps |= {a: (getattr(size, a.lower()), "micrometer") for a in "ZYX"}
    axes = stack.axes.replace("C", "")
    known = [steps.get(a, (None, "pixel")) for a in axes]
    return {
        "scale": tuple(1.0 if step is None else step for step, _ in known),
        "units": tuple("pixel" if step is None else unit for step, unit in known),
        "axis_labels": tuple(axes.lower()),
    }


def _tag(
    stack: Stack,
    channel: Channel | None = None,
    kind: Kind | None = None,
    number: int | None = None,
) -> LayerTag:
    alike = [i for i, c in enumerate(stack.channels) if channel and c.name == channel.name]
    # A name that two channels share does not say which of them this is.
    position = next((i for i in alike if stack.channels[i] is channel and len(alike) > 1), None)
    known = stack.provenance is not None and stack.provenance.model != "unknown"
    at = channel.described_at if channel else None
    described = (channel.name, at) if channel and at is not None else None
    return LayerTag(
        kind=kind,
        role=channel.role if channel else None,
        channel=channel.name if channel else None,
        field=stack.name,
        path=stack.source,
        position=position,
        described=described,
        number=number,
        notes=stack.notes,
        provenance=stack.provenance if known else None,
        header=stack.header,
    )


def _uncertainty_layers(stack: Imputation) -> list[LayerTuple]:
    layers: list[LayerTuple] = []
    for i, channel in enumerate(stack.channels):
        pixels = _channel_of(stack.uncertainty, stack.axes, i)
        looks = {
            "name": f"{channel.role or channel.name} {UNCERTAINTY}",
            "colormap": "inferno",
            "blending": "additive",
            "contrast_limits": contrast_limits(pixels),
            "visible": False,
            **_placement(stack),
            "metadata": metadata_of(_tag(stack, channel, "uncertainty")),
        }
        layers.append((pixels, looks, "image"))
    return layers


def _sample_layers(
    stack: Stack, sample: Any, number: int, images: Sequence[LayerTuple]
) -> list[LayerTuple]:
    """Return a plausible picture, hidden, in the looks of the images it stands beside."""
    layers: list[LayerTuple] = []
    for i, (channel, (_, looks, _)) in enumerate(zip(stack.channels, images, strict=True)):
        own = {
            "name": f"{looks['name']} {SAMPLE} {number}",
            "visible": False,
            "multiscale": False,
            "metadata": metadata_of(_tag(stack, channel, "sample", number)),
        }
        layers.append((_channel_of(sample, stack.axes, i), {**looks, **own}, "image"))
    return layers


def _missing_layer(stack: Stack) -> LayerTuple:
    assert stack.imputed is not None
    codes = encode(stack.imputed, stack)
    looks = {
        "name": MISSING,
        **missing_looks(),
        **_placement(stack),
        "metadata": metadata_of(_tag(stack, kind="missing")),
    }
    return codes, looks, "labels"
