"""The name of a role beside its picker, and what is said of it."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QPainter
from qtpy.QtWidgets import QLabel

from napari_dualgland.stack import ROLE_COLORS
from napari_dualgland.widgets.field.roles import ROLE_LABELS
from napari_dualgland.widgets.kit.style import small_picture

ROLE_TIPS = {
    "microtubules": "Tubulin stain; red in the Human Protein Atlas.",
    "protein": "The antibody of interest; green in the Human Protein Atlas.",
    "nucleus": "DAPI; blue in the Human Protein Atlas.",
    "er": "Endoplasmic reticulum (calreticulin, KDEL); yellow in the Human Protein Atlas.",
}


class RoleLabel(QLabel):
    """The name of a role behind a dot in the colour that the atlas gives it."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)

        def draw(painter: QPainter, side: int) -> None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(ROLE_COLORS[role]))
            inset = side * 0.22
            painter.drawEllipse(QRectF(inset, inset, side - 2 * inset, side - 2 * inset))

        self._dot = small_picture(self, draw)
        side = self.fontMetrics().height()
        self._indent = side + 2
        self.setText(ROLE_LABELS[role])
        self.setContentsMargins(self._indent, 0, 6, 0)
        self.setToolTip(ROLE_TIPS[role])

    def paintEvent(self, event: Any) -> None:
        """Draw the dot, then the text."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.drawPixmap(0, (self.height() - self._indent + 2) // 2, self._dot)
        painter.end()
