"""Text on pictures: lines in a font that has their letters, cut to the room."""

from __future__ import annotations

import unicodedata
from typing import Any, TypeAlias

from PIL import ImageDraw, ImageFont

Ink: TypeAlias = tuple[int, int, int]

INK: Ink = (232, 234, 238)
FAINT: Ink = (150, 156, 168)

SYSTEM_FONTS = ("DejaVuSans.ttf", "Arial.ttf", "arial.ttf", "NotoSans-Regular.ttf")
"""Looked for where Pillow's own font lacks a letter: it has few beyond ASCII."""


class Text:
    """Text in one size, in a font that has its letters."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.font: Any = ImageFont.load_default(size)

    def write(
        self, pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, ink: Ink, room: float
    ) -> None:
        """Write a line, cut where it is longer than there is room for.

        Parameters
        ----------
        pen : PIL.ImageDraw.ImageDraw
            Of the picture.
        at : tuple of float
            (x, y) of its upper left corner, in pixels.
        text : str
            The line.
        ink : tuple of int
            Red, green and blue, 0 to 255.
        room : float
            Pixels.
        """
        text, font = self._legible(text)
        while len(text) > 1 and font.getlength(text) > room:
            text = text.rstrip("…")[:-1] + "…"
        pen.text(at, text, fill=ink, font=font)

    def width(self, text: str) -> float:
        """Return how wide a line is, in pixels."""
        text, font = self._legible(text)
        return float(font.getlength(text))

    def wrapped(self, text: str, room: float) -> list[str]:
        """Break text into lines that fit.

        Parameters
        ----------
        text : str
            Words, parted by spaces.
        room : float
            Pixels.

        Returns
        -------
        list of str
            One line at least.
        """
        lines = [""]
        for word in text.split():
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and self.width(longer) > room:
                lines.append(word)
            else:
                lines[-1] = longer
        return lines

    def _legible(self, text: str) -> tuple[str, Any]:
        """Return text and font: Pillow's own has few letters beyond ASCII, and no µ."""
        if all(self._has(self.font, letter) for letter in text):
            return text, self.font
        for name in SYSTEM_FONTS:
            try:
                font = ImageFont.truetype(name, round(self.size * 0.92))
            except OSError:
                continue
            return text, font
        plain = unicodedata.normalize("NFKD", text.replace("µ", "u").replace("×", "x"))
        return "".join(c for c in plain if self._has(self.font, c)), self.font

    @staticmethod
    def _has(font: Any, letter: str) -> bool:
        lacking = font.getmask("\U0010ffff")
        return letter.isascii() or bytes(font.getmask(letter)) != bytes(lacking)
