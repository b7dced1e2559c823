"""The field before and after, and close-ups of its damage and of both of its fills."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

CLOSE_UPS = {
    "dead tile": (140, 208),
    "microtubules lost": (680, 455),
    "dropped pixels": (110, 700),
    "scratches": (600, 830),
    "saturated": (722, 296),
}
"""What the sample's damage is and where its centre lies (y, x)."""


SMALL, GAP, TOP, SIDE, HALF = 208, 10, 26, 20, 64
"""Of a close-up, between pictures, over one, beside a row, and half of what a close-up shows."""


def before_after(result: Any) -> Image.Image:
    """Return the field before and after, and close-ups: damaged, estimated, plausible."""
    from napari_dualgland.io import read
    from napari_dualgland.sample import sample_path

    source = read(sample_path("dualgland_damaged.ome.tif"))
    limits = [
        np.percentile(np.asarray(source.canonical())[0, 0, i], (1, 99.7))
        for i in source.roles.values()
    ]
    shown = {
        "damaged": as_shown(source, limits),
        "estimate": as_shown(result.stack, limits),
        "plausible picture": as_shown(result.flipped().stack, limits),
    }
    width = SIDE + len(CLOSE_UPS) * (SMALL + GAP) - GAP
    field = (width - GAP) // 2
    first = TOP + field + GAP + TOP
    figure = Image.new("RGB", (width, first + len(shown) * (SMALL + GAP)), "#ffffff")
    draw = ImageDraw.Draw(figure)
    font = ImageFont.load_default(15)
    for k, (title, name) in enumerate({"before": "damaged", "after": "estimate"}.items()):
        x = k * (field + GAP)
        draw.text((x, 4), title, "#222222", font)
        figure.paste(shown[name].resize((field, field), Image.Resampling.LANCZOS), (x, TOP))
    for k, (title, (y, x)) in enumerate(CLOSE_UPS.items()):
        left = SIDE + k * (SMALL + GAP)
        draw.text((left, first - TOP + 4), title, "#222222", font)
        box = (x - HALF, y - HALF, x + HALF, y + HALF)
        for row, pixels in enumerate(shown.values()):
            crop = pixels.crop(box).resize((SMALL, SMALL), Image.Resampling.BICUBIC)
            figure.paste(crop, (left, first + row * (SMALL + GAP)))
    for row, title in enumerate(shown):
        figure.paste(upright(title, font), (0, first + row * (SMALL + GAP)))
    return figure


def upright(title: str, font: Any) -> Image.Image:
    """Return the title of a row, read from below, in the middle of its height."""
    line = Image.new("RGB", (SMALL, SIDE), "#ffffff")
    ImageDraw.Draw(line).text((SMALL // 2, SIDE // 2), title, "#222222", font, anchor="mm")
    return line.transpose(Image.Transpose.ROTATE_90)


def as_shown(stack: Any, limits: Any) -> Image.Image:
    """Return a field as the atlas shows it: red, green, blue and yellow added up."""
    from napari_dualgland.stack import ROLE_COLORS

    canonical = np.asarray(stack.canonical())[0, 0].astype(np.float32)
    mixed = np.zeros((*canonical.shape[1:], 3), np.float32)
    for (role, i), (low, high) in zip(stack.roles.items(), limits, strict=True):
        color = np.frombuffer(bytes.fromhex(ROLE_COLORS[role][1:]), np.uint8) / np.float32(255)
        shown = ((canonical[i] - low) / (high - low)).clip(0, 1)
        mixed += shown[..., None] * color
    return Image.fromarray((mixed.clip(0, 1) * 255).astype(np.uint8))
