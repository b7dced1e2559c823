"""Which colour is which place: swatches to read, and to click for a layer of that place alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from qtpy.QtCore import QRectF, QSignalBlocker, QSize, Signal
from qtpy.QtGui import QColor, QIcon, QPainter, QPixmap
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget
from superqt import QFlowLayout

from napari_dualgland.widgets.kit.style import plain, small_picture


class Swatches(QWidget):
    """A button for each place, in a row that flows; what else a legend says stands below."""

    toggled = Signal(int, bool)
    """Place, and whether the person wants to see its layer of probabilities."""

    def __init__(self) -> None:
        super().__init__()
        self.buttons: dict[int, QPushButton] = {}
        self.flow = flowing(4)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.addLayout(self.flow)

    def add(self, k: int, said: str, color: str, tip: str) -> QPushButton:
        """Add the button of a place.

        Parameters
        ----------
        k : int
            The place.
        said, color, tip : str
            Its words, its colour, and what it is.

        Returns
        -------
        QPushButton
        """
        button = self.buttons[k] = QPushButton(said)
        button.setIcon(QIcon(swatch(button, [color])))
        side = button.fontMetrics().height()
        button.setIconSize(QSize(side, side))
        button.setStyleSheet("text-align: left; padding: 3px 6px;")
        button.setCheckable(True)
        button.setToolTip(
            plain(
                f"{tip}\nClick to show how probable it is at every pixel, as a layer; again to "
                "remove it."
            )
        )
        button.toggled.connect(lambda on: self.toggled.emit(k, on))
        self.flow.addWidget(button)
        return button

    def show_ticked(self, places: Collection[int]) -> None:
        """Show which places have a layer, without asking for one."""
        for k, button in self.buttons.items():
            with QSignalBlocker(button):
                button.setChecked(k in places)


def flowing(gap: int) -> QFlowLayout:
    """Return a row that flows: a long name takes the room that short ones leave."""
    flow = QFlowLayout()
    flow.setContentsMargins(0, 0, 0, 0)
    flow.setHorizontalSpacing(gap)
    flow.setVerticalSpacing(4)
    return flow


def swatch(widget: QWidget, colors: Sequence[str]) -> QPixmap:
    """Return a square of one colour, or of several beside each other, for a widget.

    Parameters
    ----------
    widget : QWidget
        As high as its words.
    colors : sequence of str
        As ``#RRGGBB``.

    Returns
    -------
    QPixmap
    """

    def draw(painter: QPainter, side: int) -> None:
        # A rim, so that white shows on a light theme and dark brown on a dark one.
        painter.setPen(QColor(128, 128, 128))
        wide = (side - 3) / len(colors)
        for i, color in enumerate(colors):
            painter.setBrush(QColor(color))
            box = QRectF(1.5 + i * wide, 1.5, wide, side - 3)
            painter.drawRoundedRect(box, 3, 3) if len(colors) == 1 else painter.drawRect(box)

    return small_picture(widget, draw)
