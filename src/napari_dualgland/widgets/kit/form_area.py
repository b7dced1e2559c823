"""A form that scrolls and cuts nothing: labels line up, it is never narrower than its content."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from napari_dualgland.widgets.kit.style import align_labels, heading


class FormArea(QScrollArea):
    """Widgets one below the other.

    Parameters
    ----------
    *parts : QWidget or str
        What it holds; a text is a heading.
    """

    def __init__(self, *parts: QWidget | str) -> None:
        super().__init__()
        self._inside = QWidget()
        column = QVBoxLayout(self._inside)
        column.setContentsMargins(8, 6, 10, 8)
        column.setSpacing(6)
        for part in parts:
            column.addWidget(heading(part) if isinstance(part, str) else part)
        column.addStretch(1)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(self._inside)

    def needed_height(self) -> int:
        """Return how high the form is where nothing of it is hidden, in pixels."""
        return self._inside.sizeHint().height()

    def fit(self) -> None:
        """Line up the labels and find the least width, for the fonts that there are now."""
        align_labels(self._inside)
        bar = self.verticalScrollBar().sizeHint().width()
        self.setMinimumWidth(self._inside.minimumSizeHint().width() + bar)

    def showEvent(self, event: Any) -> None:
        """Fit the form to the fonts that napari has set by now."""
        super().showEvent(event)
        self.fit()

    def changeEvent(self, event: Any) -> None:
        """Fit the form to changed fonts: napari's theme or font size changed."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange) and self.isVisible():
            QTimer.singleShot(0, self.fit)
