"""How the queue looks: rows with a bar for what is done, or what to do where there are none."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QPainter
from qtpy.QtWidgets import QAbstractItemView, QStyledItemDelegate, QTableView
from typing_extensions import override

from napari_dualgland.widgets.batch.queue_table import SHARE

EMPTY = "Drop stacks or folders of them here"


class QueueView(QTableView):
    """The table; it says what to do where it is empty."""

    def __init__(self) -> None:
        super().__init__()
        self.setItemDelegateForColumn(1, _ShareDelegate(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setWordWrap(False)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        self.horizontalHeader().setHighlightSections(False)
        self.setMinimumHeight(5 * (self.fontMetrics().height() + 8))

    @override
    def paintEvent(self, event: Any) -> None:
        """Paint the rows, or what to do where there are none."""
        super().paintEvent(event)
        if self.model().rowCount():
            return
        painter = QPainter(self.viewport())
        painter.setOpacity(0.7)
        room = self.viewport().rect().adjusted(8, 8, -8, -8)
        flags = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
        painter.drawText(room, flags, EMPTY)
        painter.end()


class _ShareDelegate(QStyledItemDelegate):
    """Lays a bar behind the share of the work that is done."""

    @override
    def paint(self, painter: Any, option: Any, index: Any) -> None:
        """Paint a cell."""
        share = index.data(SHARE)
        if share is not None:
            bar = option.rect.adjusted(2, 3, -2, -3)
            bar.setWidth(max(2, round(bar.width() * share)))
            color = option.palette.highlight().color()
            color.setAlphaF(0.5)
            painter.fillRect(bar, color)
        super().paint(painter, option, index)
