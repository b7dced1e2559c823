"""What a dock says under its button: how the work went, and below it what was done with it."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from napari_dualgland.widgets.kit.tone import Tone, ToneLabel

_MOST_LINES = 7
"""More lines than these scroll, so that notes never push the form out of the dock."""


class Said(QScrollArea):
    """A summary, and one line beside it; no higher than a few lines."""

    def __init__(self) -> None:
        super().__init__()
        self.summary, self.beside = _label(), _label()
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.summary)
        column.addWidget(self.beside)
        self.setWidget(inside)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
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

    def eventFilter(self, watched: Any, event: Any) -> bool:
        """Fit what has changed, its font too.

        Parameters
        ----------
        watched : QObject
        event : QEvent

        Returns
        -------
        bool
            As Qt's own says.
        """
        if watched is self.widget() and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return bool(super().eventFilter(watched, event))

    def _fit(self) -> None:
        """Take the height of what is said: Qt gives a scrolled widget a fixed hint."""
        self.setVisible(bool(self.text()))
        inside = self.widget()
        inside.layout().activate()
        needed = inside.layout().totalHeightForWidth(max(self.width(), 120))
        most = _MOST_LINES * self.fontMetrics().lineSpacing()
        scrolls = Qt.ScrollBarPolicy
        self.setVerticalScrollBarPolicy(
            scrolls.ScrollBarAsNeeded if needed > most else scrolls.ScrollBarAlwaysOff
        )
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
