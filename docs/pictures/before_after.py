"""The field and close-ups of its damage, before and after."""

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


def before_after(result: Any) -> Image.Image:
    """Return the field and close-ups of its damage, before and after."""
    from napari_dualgland.io import read
    from napari_dualgland.sample import sample_path

    source = read(sample_path("dualgland_damaged.ome.tif"))
    limits = [
        np.percentile(np.asarray(source.canonical())[0, 0, i], (1, 99.7))
        for i in source.roles.values()
    ]
    before, after = as_shown(source, limits), as_shown(result.stack, limits)
    gap, top, small, half = 10, 26, 208, 64
    width = len(CLOSE_UPS) * (small + gap) - gap
    field = (width - gap) // 2
    figure = Image.new("RGB", (width, 2 * (top + small) + field + top + 2 * gap), "#ffffff")
    draw = ImageDraw.Draw(figure)
    font = ImageFont.load_default(15)
    for k, (pixels, title) in enumerate(((before, "before"), (after, "after"))):
        x = k * (field + gap)
        draw.text((x, 4), title, "#222222", font)
        figure.paste(pixels.resize((field, field), Image.Resampling.LANCZOS), (x, top))
    y0 = top + field + gap
    for k, (title, (y, x)) in enumerate(CLOSE_UPS.items()):
        left = k * (small + gap)
        draw.text((left, y0 + 4), title, "#222222", font)
        box = (x - half, y - half, x + half, y + half)
        for row, pixels in enumerate((before, after)):
            crop = pixels.crop(box).resize((small, small), Image.Resampling.BICUBIC)
            figure.paste(crop, (left, y0 + top + row * (small + gap)))
    return figure.crop((0, 0, width, y0 + top + 2 * small + gap))


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
