"""The legend of the overlay: what its colours and marks mean, and of how many cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from PIL import ImageDraw

from napari_dualgland.classes import CLASSES, COLORS, LANDMARKS, SHORT_NAMES, UNEXPLAINED
from napari_dualgland.localization.damage import DAMAGED
from napari_dualgland.localization.overlay_cells import (
    EMPTY_OUTLINE,
    IMPUTED_INK,
    MISSING_INK,
    FrameCells,
)
from napari_dualgland.localization.table import split_classes
from napari_dualgland.localization.text import FAINT, INK, Ink, Text

EXPLAINED = (
    "Colour: the most probable class among those named for the cell. "
    "Brightness: the protein's own intensity."
)


def count_cells(number: int) -> str:
    """Return a count of cells in words."""
    return "1 cell" if number == 1 else f"{number} cells"


class Legend:
    """What the colours and marks mean, and of how many cells.

    Parameters
    ----------
    cells : FrameCells
        What the picture shows.
    unit : float
        A thousandth of the longest side of the field, in pixels.
    """

    def __init__(self, cells: FrameCells, unit: float) -> None:
        self.unit = unit
        self.text, self.small = Text(round(19 * unit)), Text(round(15 * unit))
        self.total = len(cells.table)
        counted = Counter(name for said in cells.table["classes"] for name in split_classes(said))
        self.classes = sorted(counted.items(), key=lambda item: (-item[1], CLASSES.index(item[0])))
        self.marks: list[tuple[str, str, int | None]] = []
        share = f"more than {100 * DAMAGED:.0f} % of its pixels"
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
        """Draw it, or only measure it.

        Parameters
        ----------
        pen : PIL.ImageDraw.ImageDraw or None
            None to measure only.
        x, y : int
            Of the upper left corner, in pixels.

        Returns
        -------
        int
            y of where it ends.
        """
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
                    self._right(pen, x, y, count_cells(count), self.small, FAINT)
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
            pen.rectangle([x, y, x + wide // 2, y + high], fill=LANDMARKS["nucleus"])
            pen.rectangle([x + wide // 2, *box[1:]], fill=LANDMARKS["microtubules"])
        elif kind == "grey":
            pen.rectangle(box, fill=UNEXPLAINED)
        else:
            _sample(pen, box, kind, thick)


def _sample(pen: ImageDraw.ImageDraw, box: list[int], kind: str, thick: int) -> None:
    """Draw a hatched or dashed box."""
    left, top, right, bottom = box
    if kind == "empty":
        dash = 3 * thick
        for at in range(left, right, 2 * dash):
            for y in (top, bottom):
                pen.line([at, y, min(at + dash, right), y], EMPTY_OUTLINE, thick)
        for at in range(top, bottom, 2 * dash):
            for x in (left, right):
                pen.line([x, at, x, min(at + dash, bottom)], EMPTY_OUTLINE, thick)
        return
    ink = MISSING_INK if kind == "missing" else IMPUTED_INK
    high = bottom - top
    for at in range(left, right - high + 1, max(4, 4 * thick)):
        ends = (at, at + high) if kind == "imputed" else (at + high, at)
        pen.line([ends[0], top, ends[1], bottom], ink, thick)
    pen.rectangle(box, outline=ink, width=thick)
