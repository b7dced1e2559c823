"""Stacks as napari layers and layers as stacks: what happens on drop and on *File > Save*.

Plain layer tuples in and out; napari is not imported. A reader that claims a file which is
not ours keeps napari from opening it, so everything whose channels cannot be told is
declined and left to the other readers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from napari_dualgland.errors import DualglandError
from napari_dualgland.io import read
from napari_dualgland.io.channels import assign_roles
from napari_dualgland.io.hpa import (
    HpaSet,
    find_set,
    list_sets,
    parse_name,
    read_member,
    read_set,
)
from napari_dualgland.io.layer_tag import Kind, LayerTag, metadata_of
from napari_dualgland.io.ome import CELLS, MISSING, SAMPLE, UNCERTAINTY
from napari_dualgland.io.tiff import is_tiff, read_pyramid, read_tiff
from napari_dualgland.mask import encode
from napari_dualgland.results import Imputation
from napari_dualgland.stack import Channel, Stack

log = logging.getLogger(__name__)

LayerTuple = tuple[Any, dict[str, Any], Literal["image", "labels"]]
Loader = Callable[[Any], list[LayerTuple]]

_COLORMAPS = {"microtubules": "red", "protein": "green", "nucleus": "blue", "er": "yellow"}
_LIKELY = 128
"""A map that is nowhere as bright, as a file has it, is hidden at first."""


def get_reader(path: str | list[str]) -> Loader | None:
    """Return what loads a file, a folder or several files of ours; None where they are not.

    Claimed are files of an HPA set (each gives its one layer, a set or its folder gives a
    layer per channel) and TIFFs whose channels can be told apart. A photograph whose name
    happens to end in ``_red`` is not claimed, nor is a TIFF that leaves a doubt.
    """
    if not isinstance(path, str):
        return _several([Path(p) for p in path])
    file = Path(path)
    if file.is_dir():
        return _folder_loader(file) if list_sets(file) else None
    if not file.is_file():
        return None
    if parse_name(file.name):
        return _member_loader(file)
    if not is_tiff(file):
        return None
    try:
        stack = read_tiff(file, lazy=True)
        if stack.kind != "image":
            return lambda _: localization_layers(read_tiff(file), _pyramid(file))
        assign_roles(stack)
    except DualglandError as error:
        log.info("left to other readers: %s", error)
        return None
    return lambda _: layers_of(read(file), _pyramid(file))


def _folder_loader(folder: Path) -> Loader:
    return lambda _: layers_of(read_set(find_set(folder)))


def _member_loader(file: Path) -> Loader | None:
    try:
        member = read_member(file)
    except DualglandError as error:
        log.info("left to other readers: %s", error)
        return None
    return lambda _: layers_of(member)


def _several(files: Sequence[Path]) -> Loader | None:
    sets: dict[tuple[Path, str], dict[str, Path]] = {}
    for file in files:
        name = parse_name(file.name)
        if name is None or not file.is_file():
            return None
        members = sets.setdefault((file.parent, name.stem), {})
        if members.setdefault(name.role, file) is not file:
            return None  # one channel in two formats: no one field of view
    found = [HpaSet(stem, folder, members) for (folder, stem), members in sets.items()]
    return lambda _: [layer for s in found for layer in layers_of(read_set(s))]


def _pyramid(file: Path) -> list[Any]:
    return read_pyramid(file) if not file.name.lower().endswith(".gz") else []


def layers_of(stack: Stack, pyramid: Sequence[Any] = ()) -> list[LayerTuple]:
    """Return a stack as layers: an image per channel, and what of it is estimated.

    Parameters
    ----------
    stack : Stack
        Known roles are shown in the colours of the atlas, additively.
    pyramid : sequence of arrays, optional
        The stack's data at falling resolutions; shown as a multiscale image.

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
        looks = {
            "name": channel.role or channel.name,
            "colormap": _COLORMAPS.get(channel.role or "", channel.color or "gray"),
            "blending": "additive",
            "contrast_limits": contrast_limits(pixels[-1]),
            "multiscale": len(pixels) > 1,
            **_placement(stack),
            "metadata": metadata_of(_tag(stack, channel)),
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
        Read from a ``cells.tif`` or ``maps.ome.tif`` of ours.
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
    known = stack.provenance is not None and stack.provenance.model != "unknown"
    return LayerTag(
        kind=kind,
        role=channel.role if channel else None,
        channel=channel.name if channel else None,
        field=stack.name,
        path=stack.source,
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
        "opacity": 0.5,
        **_placement(stack),
        "metadata": metadata_of(_tag(stack, kind="missing")),
    }
    return codes, looks, "labels"


def write_layers(path: str, layers: list[tuple[Any, Mapping[str, Any], str]]) -> list[str]:
    """Write image layers as the channels of one OME-TIFF, a layer ``missing`` as its mask.

    Raises
    ------
    DualglandError
        If the layers are no one field of view: different shapes or dtypes, two layers of
        one role, RGB, or labels other than the mask.
    """
    from napari_dualgland.io.layer_writing import stack_of_layers
    from napari_dualgland.io.tiff_writing import write_ome_tiff

    return [str(write_ome_tiff(stack_of_layers(layers), Path(path)))]
