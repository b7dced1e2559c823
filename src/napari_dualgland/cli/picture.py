"""The before-and-after picture: what was damaged, what was missing, what came back, the truth.

Drawn with numpy and Pillow alone, for it is made on machines without a screen and must not
cost a plotting library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from napari_dualgland.cli.compare import Scene
from napari_dualgland.io.atomic import replacing
from napari_dualgland.typing import AnyArray, BoolArray, Float64Array

PANEL = 460
GAP = 14
HEADER = 46
FOOTER = 44
BACKGROUND = (12, 13, 17)
INK = (226, 228, 233)
FAINT = (140, 146, 158)
MARKS = ((255, 196, 61), (97, 218, 251))
EVERY_CHANNEL = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Look:
    """How a channel is shown: its colour (red, green, blue, 0 to 1) and its contrast limits."""

    color: tuple[float, float, float]
    low: float
    high: float


def looks(truth: AnyArray, colors: Sequence[str]) -> list[Look]:
    """Return a look per channel of a (C, Y, X) frame; ``colors`` as ``#RRGGBB``.

    Parameters
    ----------
    truth : numpy.ndarray
        (C, Y, X).
    colors : sequence of str
        ``#RRGGBB`` per channel.

    Returns
    -------
    list of Look
    """
    found = []
    for values, color in zip(truth, colors, strict=True):
        low, high = np.percentile(values, (2, 99.7))
        red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
        found.append(Look((red, green, blue), float(low), float(max(high, low + 1))))
    return found


def composite(frame: AnyArray, shown: Sequence[Look]) -> Float64Array:
    """Return a (C, Y, X) frame as (Y, X, 3), 0 to 1: the channels' colours laid over each other.

    Screen blending, 1 − Π(1 − channel): bright structures of two channels stay apart where a
    sum would clip to white.

    Parameters
    ----------
    frame : numpy.ndarray
        (C, Y, X).
    shown : sequence of Look
        One for each channel.

    Returns
    -------
    numpy.ndarray
        (Y, X, 3), 0 to 1.
    """
    dark = np.ones((*frame.shape[1:], 3))
    for values, look in zip(frame, shown, strict=True):
        shade = np.clip((values.astype(np.float64) - look.low) / (look.high - look.low), 0, 1)
        dark *= 1 - shade[..., None] * np.asarray(look.color) * 0.92
    return 1 - dark


def missing_map(frame: AnyArray, missing: BoolArray, shown: list[Look]) -> Float64Array:
    """Return the damaged frame in dim grey, with what is missing painted over it.

    White where every channel is missing, else the colours of those that are.

    Parameters
    ----------
    frame : numpy.ndarray
        (C, Y, X).
    missing : numpy.ndarray
        (C, Y, X), boolean.
    shown : sequence of Look
        One for each channel.

    Returns
    -------
    numpy.ndarray
        (Y, X, 3), 0 to 1.
    """
    grey = composite(frame, shown).max(axis=-1, keepdims=True) * 0.35
    picture = np.repeat(grey, 3, axis=-1)
    for where, look in zip(missing, shown, strict=True):
        picture[where] = np.maximum(picture[where] * 0.4, np.asarray(look.color) * 0.85)
    picture[missing.all(axis=0)] = EVERY_CHANNEL
    return picture


def places(
    truth: Float64Array, damaged: Float64Array, missing: BoolArray, side: int
) -> list[tuple[int, int]]:
    """Return the corners (y, x) of windows that show most: where damage hides most from the eye.

    The first is where every channel is lost, the second where some are and others tell of
    them; of either kind only what there is.

    Parameters
    ----------
    truth, damaged : numpy.ndarray
        (Y, X, 3), 0 to 1.
    missing : numpy.ndarray
        (C, Y, X), boolean.
    side : int
        Of a window in pixels.

    Returns
    -------
    list of tuple of int
    """
    hidden = np.abs(truth - damaged).mean(axis=-1)
    half = side // 2
    inside = np.zeros_like(hidden)
    inside[half : hidden.shape[0] - half, half : hidden.shape[1] - half] = 1
    everywhere = missing.all(axis=0)
    corners: list[tuple[int, int]] = []
    for lost in (everywhere, missing.any(axis=0) & ~everywhere):
        # A window that is mostly hole shows too little around it to judge the fill by.
        share = ndimage.uniform_filter(lost.astype(np.float64), side)
        worth = ndimage.uniform_filter(hidden * lost, side) * inside * (share < 0.5)
        for y, x in corners:
            worth[max(y - half, 0) : y + side + half, max(x - half, 0) : x + side + half] = 0
        if worth.max() > 0:
            row, column = np.unravel_index(int(worth.argmax()), worth.shape)
            corners.append((int(row) - half, int(column) - half))
    return corners


def before_after(
    scene: Scene, imputed: AnyArray, colors: Sequence[str], caption: str, path: Path
) -> None:
    """Draw the picture and write it as a PNG, beside and renamed.

    Parameters
    ----------
    scene : Scene
        Truth, damage and mask.
    imputed : numpy.ndarray
        (C, Y, X), what was made of the damaged frame.
    colors : sequence of str
        ``#RRGGBB`` for each channel.
    caption : str
        One line that is written below.
    path : pathlib.Path
        Where the PNG goes.
    """
    shown = looks(scene.truth, colors)
    panels = {
        "damaged": composite(scene.damaged, shown),
        "missing": missing_map(scene.damaged, scene.missing, shown),
        "imputed": composite(imputed, shown),
        "truth": composite(scene.truth, shown),
    }
    side = min(scene.missing.shape[1:]) // 6
    corners = places(panels["truth"], panels["damaged"], scene.missing, side)
    picture = _draw(panels, corners, side, caption)
    with replacing(path) as beside:
        picture.save(beside, format="PNG", optimize=True)


def _draw(
    panels: Mapping[str, Float64Array], corners: list[tuple[int, int]], side: int, caption: str
) -> Image.Image:
    """Return the panels in a row, with the enlarged places below each."""
    height, width = next(iter(panels.values())).shape[:2]
    tall = round(PANEL * height / width)
    small = (PANEL - GAP) // 2
    size = (GAP + (PANEL + GAP) * len(panels), HEADER + tall + GAP + small + FOOTER)
    sheet = Image.new("RGB", size, BACKGROUND)
    pen = ImageDraw.Draw(sheet)
    for column, (title, values) in enumerate(panels.items()):
        left = GAP + column * (PANEL + GAP)
        full = Image.fromarray((np.clip(values, 0, 1) * 255).astype(np.uint8))
        pen.text((left, 12), title, fill=INK, font=ImageFont.load_default(22))
        sheet.paste(full.resize((PANEL, tall), Image.Resampling.BOX), (left, HEADER))
        for n, (y, x) in enumerate(corners):
            scale = PANEL / width
            box = [left + x * scale, HEADER + y * scale]
            pen.rectangle(
                [*box, box[0] + side * scale, box[1] + side * scale], outline=MARKS[n], width=2
            )
            crop = full.crop((x, y, x + side, y + side))
            corner = (left + n * (small + GAP), HEADER + tall + GAP)
            sheet.paste(crop.resize((small, small), Image.Resampling.LANCZOS), corner)
            pen.rectangle(
                [*corner, corner[0] + small - 1, corner[1] + small - 1], outline=MARKS[n], width=2
            )
    pen.text((GAP, size[1] - 30), caption, fill=FAINT, font=ImageFont.load_default(16))
    return sheet
