"""The metadata of an OME-Zarr as NGFF 0.5 wants them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_dualgland.stack import Stack

VERSION = "0.5"
_TYPES = {"T": "time", "C": "channel"}
_MARK = [255, 79, 216, 140]
"""Colour of marks, RGBA; away from the atlas's own four."""


def image_said(stack: Stack, name: str, axes: str, levels: int) -> dict[str, Any]:
    """Return what is said of an image.

    Parameters
    ----------
    stack : Stack
        Pixel size and time step.
    name : str
    axes : str
        As the arrays have them.
    levels : int
        How many resolutions there are.

    Returns
    -------
    dict
    """
    size = stack.pixel_size
    steps: dict[str, tuple[float | None, str]] = {"T": (stack.time_step, "second")}
    if size is not None:
        lengths = {"Z": size.z, "Y": size.y, "X": size.x}
        steps |= {axis: (length, "micrometer") for axis, length in lengths.items()}
    known = {axis: steps.get(axis, (None, "")) for axis in axes}
    named = []
    for axis, (step, unit) in known.items():
        said = {"name": axis.lower(), "type": _TYPES.get(axis, "space")}
        named.append(said | ({"unit": unit} if step is not None else {}))
    datasets = []
    for level in range(levels):
        grown = {axis: 2.0**level if axis in "YX" else 1.0 for axis in axes}
        base = {axis: 1.0 if step is None else step for axis, (step, _) in known.items()}
        moves: list[dict[str, Any]] = [
            {"type": "scale", "scale": [base[a] * grown[a] for a in axes]}
        ]
        if level:  # the first pixel of a coarser one is the mean of several
            shift = [base[a] * (grown[a] - 1) / 2 for a in axes]
            moves.append({"type": "translation", "translation": shift})
        datasets.append({"path": str(level), "coordinateTransformations": moves})
    image = {"name": name, "axes": named, "datasets": datasets}
    return {"version": VERSION, "multiscales": [image]}


def labels_said() -> dict[str, Any]:
    """Return what is said of a mask among the labels."""
    marked = {"label-value": 255, "rgba": _MARK}
    return {"image-label": {"version": VERSION, "colors": [marked], "source": {"image": "../../"}}}


def omero_said(stack: Stack, ranges: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Return names, colours and ranges of channels.

    Parameters
    ----------
    stack : Stack
    ranges : sequence of (float, float)
        The darkest and the brightest value of each.

    Returns
    -------
    dict
    """
    dtype = stack.dtype
    channels = []
    for channel, (low, high) in zip(stack.channels, ranges, strict=True):
        ends = (low, high)
        if dtype.kind in "ui":
            limits = np.iinfo(dtype)
            ends = (float(limits.min), float(limits.max))
        window = {"min": ends[0], "max": ends[1], "start": low, "end": max(high, low + 1e-6)}
        channels.append(
            {
                "label": channel.name,
                "color": (channel.color or "#FFFFFF")[1:],
                "active": True,
                "window": window,
            }
        )
    return {"channels": channels}
