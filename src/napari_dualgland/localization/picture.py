"""The overlay as a picture that explains itself: title, legend with counts, scale bar.

Drawn with Pillow alone, for it is made on machines without a screen and must not cost a
plotting library.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

from napari_dualgland.localization.legend import Legend, count_cells
from napari_dualgland.localization.overlay import color_protein
from napari_dualgland.localization.overlay_cells import FrameCells, frame_cells, mark_cells
from napari_dualgland.localization.text import FAINT, INK, Ink, Text
from napari_dualgland.results import Localization

SMALLEST, LARGEST = 900, 2048
"""Longest side of the field in the picture: a smaller one is enlarged, a larger one reduced."""
BACKGROUND: Ink = (12, 13, 17)


def picture(localization: Localization, t: int = 0, z: int | None = None) -> Image.Image:
    """Return the overlay of one frame with title, legend and scale bar.

    Parameters
    ----------
    localization : Localization
        What was found.
    t : int
        Frame in time.
    z : int, optional
        Plane; by default the middle one.

    Returns
    -------
    PIL.Image.Image
        RGB; the field at its own size where its longest side is 900 to 2048 pixels.
    """
    sizes = localization.stack.sizes
    z = sizes.get("Z", 1) // 2 if z is None else z
    cells = frame_cells(localization, t, z)
    field, zoom = _field(localization, cells, t, z)
    unit = max(field.size) / 1000
    legend = Legend(cells, unit)
    title = Text(round(26 * unit))
    gap, header = round(18 * unit), round(82 * unit)
    height = max(field.height, legend.height)
    sheet = Image.new(
        "RGB", (3 * gap + field.width + legend.width, header + height + gap), BACKGROUND
    )
    pen = ImageDraw.Draw(sheet)
    room = sheet.width - 2 * gap
    title.write(pen, (gap, round(12 * unit)), _title(localization), INK, room)
    said = Text(round(16 * unit))
    said.write(pen, (gap, round(48 * unit)), _subtitle(localization, cells, t, z), FAINT, room)
    _scale_bar(field, localization, zoom, unit)
    sheet.paste(field, (gap, header))
    legend.draw(pen, 2 * gap + field.width, header)
    return sheet


def _field(
    localization: Localization, cells: FrameCells, t: int, z: int
) -> tuple[Image.Image, float]:
    """Return the painted frame at the size of the picture, and its zoom."""
    painted = Image.fromarray(color_protein(localization, cells, t, z))
    longest = max(painted.size)
    zoom: float = max(1, -(-SMALLEST // longest))
    if longest > LARGEST:
        zoom = LARGEST / longest
    size = (max(1, round(painted.width * zoom)), max(1, round(painted.height * zoom)))
    place = cells.place
    if size != painted.size:
        way = Image.Resampling.BICUBIC if zoom > 1 else Image.Resampling.BOX
        painted = painted.resize(size, way)
        place = np.asarray(Image.fromarray(place).resize(size, Image.Resampling.NEAREST))
    marked = np.array(painted)
    mark_cells(marked, cells, place)
    return Image.fromarray(marked), zoom


def _title(localization: Localization) -> str:
    return localization.provenance.source or localization.stack.name


def _subtitle(localization: Localization, cells: FrameCells, t: int, z: int) -> str:
    sizes, how = localization.stack.sizes, localization.provenance
    said = ["no cells were found" if cells.table.empty else count_cells(len(cells.table))]
    for axis, at in (("T", t), ("Z", z)):
        if sizes.get(axis, 1) > 1:
            said.append(f"{axis.lower()} {at + 1} of {sizes[axis]}")
    said.append(f"model {how.model}")
    return " · ".join(said)


def _scale_bar(field: Image.Image, localization: Localization, zoom: float, unit: float) -> None:
    """Draw a bar of a round length into the lower right corner; nothing without a pixel size."""
    size = localization.stack.pixel_size
    if size is None or not size.x > 0:
        return
    per_um = zoom / size.x
    length = round_length(field.width / 6 / per_um)
    wide, high, edge = round(length * per_um), round(6 * unit), round(22 * unit)
    pen, text = ImageDraw.Draw(field), Text(round(20 * unit))
    said = f"{length:g} µm"
    right, bottom = field.width - edge, field.height - edge
    box = [right - wide, bottom - high, right, bottom]
    spread = round(10 * unit)
    broad = max(wide, round(text.width(said)))
    shade = field.crop(
        (right - broad - spread, bottom - high - round(40 * unit), right + spread, bottom + spread)
    ).point(lambda value: value * 0.35)
    field.paste(shade, (right - broad - spread, bottom - high - round(40 * unit)))
    pen.rectangle(box, fill=(255, 255, 255))
    middle = right - wide / 2 - text.width(said) / 2
    text.write(pen, (middle, bottom - high - round(32 * unit)), said, INK, field.width)


def round_length(most: float) -> float:
    """Return the largest of 1, 2, 5 × a power of ten that is no longer than ``most``."""
    power = 10.0 ** math.floor(math.log10(most))
    return max(power * step for step in (1, 2, 5) if power * step <= most * (1 + 1e-9))
