"""A column of widgets that scrolls up and down, for what must never push its neighbours away."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, Qt, Signal
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget
from typing_extensions import override

_NARROWEST = 120
"""Pixels of width that a text is given to wrap in before there is a width."""


class ScrolledColumn(QScrollArea):
    """Widgets one below the other; they are added to :attr:`column`."""

    asks = Signal()
    """Something in it has come, gone or grown."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = QWidget()
        self.column = QVBoxLayout(self.inside)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # The wheel and the scroll bar move it; the keys belong to what it holds.
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(self.inside)

    def needed_height(self) -> int:
        """Return how high it is where nothing of it is hidden, in pixels."""
        needed = height_in(self.column, max(self.width(), _NARROWEST))
        return max(needed, int(self.column.totalMinimumSize().height()))

    def show_bar(self, needed: bool) -> None:
        """Have a scroll bar or none; one for no need would take the width that makes it needed."""
        bar = Qt.ScrollBarPolicy
        self.setVerticalScrollBarPolicy(bar.ScrollBarAsNeeded if needed else bar.ScrollBarAlwaysOff)

    @override
    def eventFilter(self, watched: Any, event: Any) -> bool:
        """Hear what Qt tells the scroll area of its content."""
        if watched is self.inside and event.type() == QEvent.Type.LayoutRequest:
            self.asks.emit()
        return bool(super().eventFilter(watched, event))


def height_in(layout: Any, width: int) -> int:
    """Return how high a layout is in so much width, in pixels.

    Parameters
    ----------
    layout : QLayout
    width : int

    Returns
    -------
    int
    """
    wraps = layout.hasHeightForWidth()
    return int(layout.totalHeightForWidth(width) if wraps else layout.totalSizeHint().height())
