"""The latest samples of a run: what was damaged, what the prior and the network make of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import QRect, QSize, Qt
from qtpy.QtGui import QPainter, QPixmap
from qtpy.QtWidgets import QHBoxLayout, QWidget

from napari_dualgland.widgets.kit.style import column, plain_label

COLUMNS = ("damaged", "prior", "this model", "truth")


class SampleSheet(QWidget):
    """A picture as wide as the dock, under the names of its columns."""

    def __init__(self) -> None:
        super().__init__()
        self.path: Path | None = None
        self.picture = _Picture()
        heads = QHBoxLayout()
        heads.setSpacing(0)
        for name in COLUMNS:
            label = plain_label(name)
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            heads.addWidget(label, 1)
        column(self, heads, self.picture, spacing=2)
        self.setToolTip(
            "Pieces of fields that the network does not learn from. Holes were made in them, so "
            "that the fill can be held against what was measured."
        )
        self.hide()

    def show_file(self, path: Path | None) -> None:
        """Show a picture; nothing where it is not there."""
        if path != self.path:
            self.path = path
            self.picture.set_pixmap(QPixmap() if path is None else QPixmap(str(path)))
        self.setVisible(not self.picture.pixmap.isNull())


class _Picture(QWidget):
    """A pixmap that keeps its shape whatever its width."""

    def __init__(self) -> None:
        super().__init__()
        self.pixmap = QPixmap()
        self.setAccessibleName("Samples of the training run")

    def set_pixmap(self, pixmap: QPixmap) -> None:
        self.pixmap = pixmap
        self._fit()
        self.update()

    def _fit(self) -> None:
        if not self.pixmap.isNull():
            high = round(self.width() * self.pixmap.height() / self.pixmap.width())
            self.setFixedHeight(max(1, high))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 1)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, event: Any) -> None:
        if self.pixmap.isNull():
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(QRect(0, 0, self.width(), self.height()), self.pixmap)
        painter.end()
