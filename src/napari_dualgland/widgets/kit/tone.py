"""What is wrong, doubtful or well, in colours that can be read on either theme of napari."""

from __future__ import annotations

from enum import Enum
from typing import Any

from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QLabel, QWidget


class Tone(Enum):
    """How a text is meant: its colour on a dark ground, and on a light one."""

    WRONG = ("#f0766e", "#b3261e")
    DOUBTFUL = ("#d9a441", "#7a5200")
    WELL = ("#4caf6d", "#1b6e3a")

    def on(self, widget: QWidget) -> QColor:
        """Return the colour that reads well on the ground of a widget."""
        dark, light = self.value
        ground = widget.palette().color(QPalette.ColorRole.Window)
        return QColor(light if ground.lightnessF() > 0.5 else dark)


class ToneLabel(QLabel):
    """A label that wraps and shows a text as it is, in a tone, whichever theme is chosen.

    Parameters
    ----------
    tone : Tone, optional
        The colour of the theme where it is None.
    look : str
        What else its style sheet says.
    """

    def __init__(self, tone: Tone | None = None, look: str = "") -> None:
        super().__init__()
        self._tone, self._look, self._painting = tone, look, False
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self._paint()

    def set_tone(self, tone: Tone | None) -> None:
        """Take another tone; that of the theme where it is None."""
        self._tone = tone
        self._paint()

    def changeEvent(self, event: Any) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.PaletteChange):
            self._paint()

    def _paint(self) -> None:
        color = "" if self._tone is None else f"color: {self._tone.on(self).name()};"
        looks = f"{self._look} {color}".strip()
        if looks != self.styleSheet() and not self._painting:
            self._painting = True  # for this is a change of style itself
            self.setStyleSheet(looks)
            self._painting = False
