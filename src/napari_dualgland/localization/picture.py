"""The overlay as a picture that explains itself: title, legend with counts, scale bar.

Drawn with Pillow alone, for it is made on machines without a screen and must not cost a
plotting library.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from napari_dualgland.classes import CLASSES, COLORS, SHORT_NAMES
from napari_dualgland.localization import overlay
from napari_dualgland.localization.lettering import Ink, Text
from napari_dualgland.localization.overlay import FrameCells, named_classes
from napari_dualgland.results import Localization

SMALLEST, LARGEST = 900, 2048
"""Longest side of the field in the picture: a smaller one is enlarged, a larger one reduced."""
BACKGROUND: Ink = (12, 13, 17)
INK: Ink = (232, 234, 238)
FAINT: Ink = (150, 156, 168)
EXPLAINED = (
    "Colour: the most probable class among those named for the cell. "
    "Brightness: the protein's own intensity."
)


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
    cells = overlay.frame_cells(localization, t, z)
    field, zoom = _field(localization, cells, t, z)
    unit = max(field.size) / 1000
    legend = _Legend(cells, unit)
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
    painted = Image.fromarray(overlay.color_protein(localization, cells, t, z))
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
    overlay.mark_cells(marked, cells, place)
    return Image.fromarray(marked), zoom


def _title(localization: Localization) -> str:
    return localization.provenance.source or localization.stack.name


def _subtitle(localization: Localization, cells: FrameCells, t: int, z: int) -> str:
    sizes, how = localization.stack.sizes, localization.provenance
    said = ["no cells were found" if cells.table.empty else _count(len(cells.table))]
    for axis, at in (("T", t), ("Z", z)):
        if sizes.get(axis, 1) > 1:
            said.append(f"{axis.lower()} {at + 1} of {sizes[axis]}")
    said.append(f"model {how.model}")
    return " · ".join(said)


def _count(number: int) -> str:
    return "1 cell" if number == 1 else f"{number} cells"


class _Legend:
    """What the colours and marks mean, and of how many cells."""

    def __init__(self, cells: FrameCells, unit: float) -> None:
        self.unit = unit
        self.text, self.small = Text(round(19 * unit)), Text(round(15 * unit))
        self.total = len(cells.table)
        counted = Counter(name for said in cells.table["classes"] for name in named_classes(said))
        self.classes = sorted(counted.items(), key=lambda item: (-item[1], CLASSES.index(item[0])))
        self.marks: list[tuple[str, str, int | None]] = []
        share = f"more than {overlay.DAMAGED:.0%} of its pixels"
        for kind, said, number in (
            ("empty", "no class reaches its threshold: the likeliest, paler", cells.empty.sum()),
            ("missing", f"damaged, {share}", cells.missing.sum()),
            ("imputed", f"estimated by an imputation, {share}", cells.imputed.sum()),
        ):
            if number:
                self.marks.append((kind, said, int(number)))
        self.marks += [
            ("grey", "protein that no named class explains", None),
            ("landmarks", "nucleus; microtubules and ER", None),
        ]
        self.width = round(390 * unit)
        self.row, self.line = round(34 * unit), round(20 * unit)
        self.left, self.right = round(42 * unit), round(110 * unit)
        self.height = self.draw(None, 0, 0)

    def draw(self, pen: ImageDraw.ImageDraw | None, x: int, y: int) -> int:
        """Draw it, or only measure it; return where it ends."""
        for name, of_it in self.classes:
            if pen is not None:
                self._class(pen, x, y, name, of_it)
            y += self.row
        y += round(16 * self.unit) if self.classes else 0
        for kind, said, count in self.marks:
            room = self.width - self.left - (self.right if count is not None else 0)
            lines = self.small.wrapped(said, room)
            if pen is not None:
                self._mark(pen, x, y, kind)
                if count is not None:
                    self._right(pen, x, y, _count(count), self.small, FAINT)
                self._lines(pen, x + self.left, y, lines)
            y += max(len(lines) * self.line, round(26 * self.unit)) + round(6 * self.unit)
        y += round(10 * self.unit)
        lines = self.small.wrapped(EXPLAINED, self.width)
        if pen is not None:
            self._lines(pen, x, y, lines)
        return y + len(lines) * self.line

    def _class(self, pen: ImageDraw.ImageDraw, x: int, y: int, name: str, count: int) -> None:
        color = COLORS[CLASSES.index(name)]
        side = round(24 * self.unit)
        pen.rectangle([x, y, x + round(30 * self.unit), y + side], fill=color)
        shown = SHORT_NAMES.get(name, name)
        room = self.width - self.left - self.right
        self.text.write(pen, (x + self.left, y), shown, INK, room)
        self._right(pen, x, y, f"{count} of {self.total}", self.text, INK)

    def _right(
        self, pen: ImageDraw.ImageDraw, x: int, y: int, said: str, text: Text, ink: Ink
    ) -> None:
        text.write(pen, (x + self.width - text.width(said), y), said, ink, self.right)

    def _lines(self, pen: ImageDraw.ImageDraw, x: int, y: int, lines: Sequence[str]) -> None:
        for n, line in enumerate(lines):
            self.small.write(pen, (x, y + n * self.line), line, FAINT, self.width)

    def _mark(self, pen: ImageDraw.ImageDraw, x: int, y: int, kind: str) -> None:
        """Draw a small sample of what is explained, as it is drawn in the field."""
        wide, high = round(30 * self.unit), round(22 * self.unit)
        box = [x, y, x + wide, y + high]
        thick = max(1, round(1.6 * self.unit))
        if kind == "landmarks":
            pen.rectangle([x, y, x + wide // 2, y + high], fill=overlay.LANDMARKS["nucleus"])
            pen.rectangle([x + wide // 2, *box[1:]], fill=overlay.LANDMARKS["microtubules"])
        elif kind == "grey":
            pen.rectangle(box, fill=overlay.UNEXPLAINED)
        else:
            _sample(pen, box, kind, thick)


def _sample(pen: ImageDraw.ImageDraw, box: list[int], kind: str, thick: int) -> None:
    """Draw a hatched or dashed box."""
    left, top, right, bottom = box
    if kind == "empty":
        dash = 3 * thick
        for at in range(left, right, 2 * dash):
            for y in (top, bottom):
                pen.line([at, y, min(at + dash, right), y], overlay.EMPTY_OUTLINE, thick)
        for at in range(top, bottom, 2 * dash):
            for x in (left, right):
                pen.line([x, at, x, min(at + dash, bottom)], overlay.EMPTY_OUTLINE, thick)
        return
    ink = overlay.MISSING_INK if kind == "missing" else overlay.IMPUTED_INK
    high = bottom - top
    for at in range(left, right - high + 1, max(4, 4 * thick)):
        ends = (at, at + high) if kind == "imputed" else (at + high, at)
        pen.line([ends[0], top, ends[1], bottom], ink, thick)
    pen.rectangle(box, outline=ink, width=thick)


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
