"""The key to the tints of the *missing* layer: which channel a mark speaks of."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QPainter
from qtpy.QtWidgets import QHBoxLayout, QLabel, QWidget

from napari_dualgland.io.missing_looks import ROLE_LABELS, SEVERAL, TINTS
from napari_dualgland.widgets.kit.style import plain_label, small_picture

_SHORT = {**ROLE_LABELS, "microtubules": "MT"}


class MissingKey(QWidget):
    """A row of swatches; shown while the marks are."""

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for name, tint in [*((_SHORT[r], tint) for r, tint in TINTS.items()), ("several", SEVERAL)]:
            row.addWidget(self._swatch(tint))
            row.addWidget(plain_label(name))
            row.addSpacing(4)
        row.addStretch(1)
        self.setToolTip("Colours of the layer “missing”: the channel in which a pixel is missing.")
        self.setAccessibleName("Colours of the layer missing")
        self.hide()

    def _swatch(self, tint: str) -> QLabel:
        def draw(painter: QPainter, side: int) -> None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tint))
            painter.drawRoundedRect(1, 3, side - 4, side - 6, 2, 2)

        swatch = plain_label(parent=self)
        swatch.setPixmap(small_picture(self, draw))
        return swatch
