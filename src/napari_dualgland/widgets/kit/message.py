"""What a dock says under its button: how the work went, and below it what was done with it."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt

from napari_dualgland.widgets.kit.scrolled import ScrolledColumn
from napari_dualgland.widgets.kit.tone import Tone, ToneLabel

_MOST_LINES = 7
"""More lines than these scroll, so that notes never push the form out of the dock."""


class Message(ScrolledColumn):
    """A summary, and one line beside it; no higher than a few lines."""

    def __init__(self) -> None:
        super().__init__()
        self.summary, self.beside = _label(), _label()
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(2)
        self.column.addWidget(self.summary)
        self.column.addWidget(self.beside)
        self.asks.connect(self._fit)
        self.hide()

    def text(self) -> str:
        """Return all that is said, line by line."""
        return "\n".join(label.text() for label in (self.summary, self.beside) if label.text())

    def textFormat(self) -> Qt.TextFormat:
        """Return how a text is read, as a label does: as it is."""
        return self.summary.textFormat()

    def sum_up(self, line: str, *, error: bool = False) -> None:
        """Say how the work goes or went, in place of all that was said before.

        Parameters
        ----------
        line : str
            Nothing is shown where it is empty.
        error : bool
            Whether it stands out.
        """
        _write(self.beside, "")
        _write(self.summary, line, error)
        self._fit()

    def add(self, line: str, *, error: bool = False) -> None:
        """Say one line more; the summary stays.

        Parameters
        ----------
        line : str
            Takes the place of the last one that was added.
        error : bool
            Whether it stands out.
        """
        _write(self.beside, line, error)
        self._fit()

    def resizeEvent(self, event: Any) -> None:
        """Break the lines anew."""
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self._fit()

    def _fit(self) -> None:
        """Take the height of what is said: Qt gives a scrolled widget a fixed hint."""
        self.setVisible(bool(self.text()))
        self.column.activate()
        needed, most = self.needed_height(), _MOST_LINES * self.fontMetrics().lineSpacing()
        self.show_bar(needed > most)
        self.setFixedHeight(max(1, min(needed, most)))


def _label() -> ToneLabel:
    label = ToneLabel()
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.hide()
    return label


def _write(label: ToneLabel, line: str, error: bool = False) -> None:
    label.setText(f"⚠ {line}" if error else line)
    label.set_tone(Tone.WRONG if error else None)
    label.setVisible(bool(line))
