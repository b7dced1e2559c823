"""Small files: a page must load at once."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

LARGEST = 260_000
"""Bytes of a picture."""

EXACT = 40
"""Of the commonest colours, those that stay exactly as they are: text and frames of a window must
not take on the tint of an image beside them."""


def save(picture: Image.Image, path: Path, largest: int = LARGEST) -> None:
    """Write a PNG with as many colours as fit into so many bytes."""
    pixels = picture.convert("RGB")
    counted = pixels.getcolors(pixels.width * pixels.height) or []
    commonest = [color for _, color in sorted(counted, reverse=True)[:EXACT]]
    for colors in (256, 192, 128, 96, 72, 56):
        palette = Image.new("P", (1, 1))
        palette.putpalette([level for color in commonest + rest(pixels, colors) for level in color])
        file = io.BytesIO()
        pixels.quantize(palette=palette, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
        if file.tell() <= largest:
            break
    path.write_bytes(file.getvalue())


def rest(pixels: Image.Image, colors: int) -> list[tuple[int, ...]]:
    """Return the colours beside the exact ones: half for large areas, half for rare colours."""
    found: list[tuple[int, ...]] = []
    for method in (Image.Quantize.MEDIANCUT, Image.Quantize.MAXCOVERAGE):
        part = pixels.quantize((colors - EXACT) // 2, method, dither=Image.Dither.NONE)
        flat = part.getpalette() or []
        found += [tuple(flat[i : i + 3]) for i in range(0, len(flat), 3)]
    return found[: colors - EXACT]
