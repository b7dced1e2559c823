"""Which colour is which compartment: swatches to read, and to click for its probabilities."""

from __future__ import annotations

from collections.abc import Collection

from qtpy.QtCore import QRectF, QSize, Signal
from qtpy.QtGui import QColor, QIcon, QPainter
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget
from superqt import QFlowLayout

from napari_dualgland.io.boundaries_writing import COMPARTMENT_COLORS
from napari_dualgland.widgets.boundaries.layers import SPOKEN
from napari_dualgland.widgets.kit.style import footnote, plain, small_picture

_TIPS = {
    "nucleus": "Where DAPI is bright.",
    "nuclear rim": "Where the nucleus ends.",
    "cytoplasm": "Where microtubules or ER are bright, outside the nucleus.",
    "cell edge": "Where the cell ends.",
    "background": "Outside of cells; it has no colour in the layer.",
}


class Legend(QWidget):
    """The five compartments, and the mark of what a model has named."""

    toggled = Signal(int, bool)
    """Compartment, and whether the person wants to see its layer of probabilities."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        flow = QFlowLayout()
        flow.setContentsMargins(0, 0, 0, 0)
        flow.setHorizontalSpacing(4)
        flow.setVerticalSpacing(4)
        self.buttons: dict[int, QPushButton] = {}
        for k, (name, color) in enumerate(COMPARTMENT_COLORS.items()):
            button = self.buttons[k] = _swatch_button(name, color)
            button.toggled.connect(lambda on, k=k: self.toggled.emit(k, on))
            flow.addWidget(button)
        self.spoken = footnote()
        self.spoken.setStyleSheet(
            f"font-size: 11px; border-left: 6px solid {SPOKEN}; padding-left: 4px;"
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(flow)
        column.addWidget(self.spoken)

    def say(self, spoken: str) -> None:
        """Say where the model spoke; nothing where it did not."""
        self.spoken.setText(spoken)
        self.spoken.setVisible(bool(spoken))

    def show_ticked(self, places: Collection[int]) -> None:
        """Show which compartments have a layer, without asking for one."""
        for k, button in self.buttons.items():
            button.blockSignals(True)
            button.setChecked(k in places)
            button.blockSignals(False)


def _swatch_button(name: str, color: str) -> QPushButton:
    button = QPushButton(name.capitalize())
    button.setCheckable(True)
    button.setIcon(_swatch(button, color))
    side = button.fontMetrics().height()
    button.setIconSize(QSize(side, side))
    button.setStyleSheet("text-align: left; padding: 3px 6px;")
    button.setAccessibleName(f"Probability of {name}")
    button.setToolTip(
        plain(
            f"{_TIPS[name]}\nClick to show how probable it is at every pixel, as a layer; "
            "again to remove it."
        )
    )
    return button


def _swatch(widget: QWidget, color: str) -> QIcon:
    def draw(painter: QPainter, side: int) -> None:
        # A rim, so that pale colours show on a light theme and dark ones on a dark one.
        painter.setPen(QColor(128, 128, 128))
        painter.setBrush(QColor(color))
        painter.drawRoundedRect(QRectF(1.5, 1.5, side - 3, side - 3), 3, 3)

    return QIcon(small_picture(widget, draw))
