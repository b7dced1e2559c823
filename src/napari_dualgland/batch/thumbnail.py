"""A small picture of each stack, before and after, for the report: to see at a glance what is odd.

Missing pixels are white in the picture before; where a channel is lost whole it is left out
there, for white would hide all the others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from napari_dualgland.io.atomic import replacing
from napari_dualgland.results import Imputation
from napari_dualgland.stack import ROLE_COLORS, Channel, Stack, to_canonical
from napari_dualgland.typing import Float64Array

PREVIEW = "preview.jpg"
SIDE = 160
"""Pixels of a panel's longer side."""
GAP = 4
_PICTURE = "overlay.png"
"""What a localization leaves of a picture."""
_WHOLE = 0.99


@dataclass(frozen=True)
class Panel:
    """One of the pictures side by side."""

    title: str
    picture: Image.Image


def panels_of(stack: Stack, result: Any, output: Path | None, *, first: bool) -> list[Panel]:
    """Return the pictures that a job adds.

    Parameters
    ----------
    stack : Stack
        What it worked on.
    result : object
        What came out.
    output : pathlib.Path or None
        Where that was written.
    first : bool
        Whether it is the first job: the stack itself is shown.

    Returns
    -------
    list of Panel
    """
    panels = []
    if isinstance(result, Imputation) and not result.unchanged:
        after, missing = _frame(result, result.data), _frame(result, result.missing)
        limits = _limits(after)
        before = _compose(after, limits, result.channels, missing)
        panels = [Panel("before", before), Panel("after", _compose(after, limits, result.channels))]
    elif first:
        frame = _frame(stack, stack.data)
        panels = [Panel("measured", _compose(frame, _limits(frame), stack.channels))]
    if output is not None and (output / _PICTURE).is_file():
        with Image.open(output / _PICTURE) as drawn:
            drawn.thumbnail((SIDE, SIDE))
            panels.append(Panel("localized", drawn.convert("RGB")))
    return panels


def write_preview(panels: Sequence[Panel], folder: Path) -> None:
    """Write pictures side by side.

    Parameters
    ----------
    panels : sequence of Panel
    folder : pathlib.Path
        Of the stack's results.
    """
    if not panels:
        return
    pictures = [panel.picture for panel in panels]
    width = sum(picture.width for picture in pictures) + GAP * (len(pictures) - 1)
    whole = Image.new("RGB", (width, max(picture.height for picture in pictures)), "#808080")
    left = 0
    for picture in pictures:
        whole.paste(picture, (left, 0))
        left += picture.width + GAP
    with replacing(folder / PREVIEW) as beside:
        whole.save(beside, format="JPEG", quality=82)


def _frame(stack: Stack, data: Any) -> Float64Array:
    """Return the middle plane, (C, Y, X), with about twice the pixels of a panel."""
    planes = to_canonical(data, stack.axes)
    frame = planes[0, planes.shape[1] // 2]
    step = max(1, math.floor(max(frame.shape[1:]) / (2 * SIDE)))
    return np.nan_to_num(np.asarray(frame[:, ::step, ::step]).astype(np.float64))


def _limits(frame: Float64Array) -> list[tuple[float, float]]:
    lows, highs = np.percentile(frame, (2, 99.7), axis=(1, 2))
    ends = zip(lows.tolist(), highs.tolist(), strict=True)
    return [(low, max(high, low + 1e-6)) for low, high in ends]


def _compose(
    frame: Float64Array,
    limits: Sequence[tuple[float, float]],
    channels: Sequence[Channel],
    missing: Float64Array | None = None,
) -> Image.Image:
    """Lay the channels' colours over each other as light adds up, but never to white."""
    dark = np.ones((*frame.shape[1:], 3))
    lost = np.zeros(frame.shape[1:])
    for i, (values, (low, high), channel) in enumerate(zip(frame, limits, channels, strict=True)):
        shade = np.clip((values - low) / (high - low), 0, 1)
        if missing is not None:
            shade = shade * (1 - missing[i])
            lost = lost if missing[i].mean() > _WHOLE else np.maximum(lost, missing[i])
        color = channel.color or ROLE_COLORS.get(channel.role or "", "#ffffff")
        rgb = np.array([int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)])
        dark *= 1 - 0.92 * shade[..., None] * rgb
    light = (1 - dark) * (1 - lost[..., None]) + 0.95 * lost[..., None]
    picture = Image.fromarray((light * 255).astype(np.uint8))
    picture.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    return picture
