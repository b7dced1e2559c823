"""Which colour is which place: swatches to read, and to click for a layer of that place alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from qtpy.QtCore import QRectF, QSize, Signal
from qtpy.QtGui import QColor, QIcon, QPainter
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget
from superqt import QFlowLayout

from napari_dualgland.classes import CLASSES, COLORS, NEGATIVE, SHORT_NAMES
from napari_dualgland.widgets.kit.style import footnote, small_picture


class Legend(QWidget):
    """The classes that were found, with the number of their cells, the most frequent first."""

    toggled = Signal(int, bool)
    """Class, and whether the person wants to see its layer of probabilities."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons: dict[int, QPushButton] = {}
        # Flowing and not in columns: a long name takes the room that short ones leave.
        self._flow = QFlowLayout()
        self._flow.setContentsMargins(0, 0, 0, 0)
        self._flow.setHorizontalSpacing(4)
        self._flow.setVerticalSpacing(4)
        self.nothing = footnote("No class reaches its threshold in any cell.")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.nothing)
        column.addLayout(self._flow)

    def take(self, counts: Mapping[int, int]) -> None:
        """Show these classes, given with their numbers of cells."""
        for button in self.buttons.values():
            self._flow.removeWidget(button)
            button.hide()
            button.deleteLater()
        self.buttons = {}
        order = sorted(counts, key=lambda k: (k == NEGATIVE, -counts[k], k))
        for k in order:
            button = self.buttons[k] = _swatch_button(k, counts[k])
            self._flow.addWidget(button)
            if k != NEGATIVE:
                button.toggled.connect(lambda on, k=k: self.toggled.emit(k, on))
        self.nothing.setVisible(not order)

    def show_ticked(self, classes: Collection[int]) -> None:
        """Show which classes have a layer, without asking for one."""
        for k, button in self.buttons.items():
            button.blockSignals(True)
            button.setChecked(k in classes)
            button.blockSignals(False)


def _swatch_button(k: int, count: int) -> QPushButton:
    name = SHORT_NAMES.get(CLASSES[k], CLASSES[k])
    button = QPushButton(f"{name}  {count}")
    button.setIcon(_swatch(button, COLORS[k]))
    side = button.fontMetrics().height()
    button.setIconSize(QSize(side, side))
    many = "1 cell" if count == 1 else f"{count} cells"
    button.setStyleSheet("text-align: left; padding: 3px 6px;")
    if k == NEGATIVE:
        # No specific signal: there are no pixels to show.
        button.setToolTip(f"{many} without a specific signal.")
        button.setFlat(True)
    else:
        button.setCheckable(True)
        button.setToolTip(
            f"{CLASSES[k]}: named for {many}.\n"
            "Click to show how probable it is at every pixel, as a layer; again to remove it."
        )
    return button


def _swatch(widget: QWidget, color: str) -> QIcon:
    def draw(painter: QPainter, side: int) -> None:
        # A rim, so that white shows on a light theme and dark brown on a dark one.
        painter.setPen(QColor(128, 128, 128))
        painter.setBrush(QColor(color))
        painter.drawRoundedRect(QRectF(1.5, 1.5, side - 3, side - 3), 3, 3)

    return QIcon(small_picture(widget, draw))
