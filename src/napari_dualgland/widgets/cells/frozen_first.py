"""A table whose first column stays in sight, however far it is scrolled to the right."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QAbstractItemView, QTableView, QWidget
from typing_extensions import override


class FrozenFirst(QTableView):
    """A table with a second one over its left edge, which shows the first column alone."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.first = QTableView(self)
        first = self.first
        first.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        first.setFrameShape(QTableView.Shape.NoFrame)
        first.verticalHeader().hide()
        for policy in (first.setHorizontalScrollBarPolicy, first.setVerticalScrollBarPolicy):
            policy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        first.verticalScrollBar().valueChanged.connect(self.verticalScrollBar().setValue)
        self.verticalScrollBar().valueChanged.connect(first.verticalScrollBar().setValue)
        self.horizontalHeader().sectionResized.connect(lambda *_: self.follow())
        self.horizontalHeader().sortIndicatorChanged.connect(self._follow_sorting)
        first.horizontalHeader().sectionClicked.connect(lambda _: self._on_head())

    @override
    def setModel(self, model: Any) -> None:
        """Show a model; both tables choose and sort the same rows."""
        super().setModel(model)
        self.first.setModel(model)
        self.first.setSelectionModel(self.selectionModel())
        model.modelReset.connect(self.follow)
        model.layoutChanged.connect(self.follow)

    def follow(self) -> None:
        """Look as this table looks, over its first column."""
        first = self.first
        first.setSelectionBehavior(self.selectionBehavior())
        first.setSelectionMode(self.selectionMode())
        first.setVerticalScrollMode(self.verticalScrollMode())
        first.setShowGrid(self.showGrid())
        first.horizontalHeader().setHighlightSections(False)
        first.horizontalHeader().setSectionsClickable(True)
        first.horizontalHeader().setSortIndicatorShown(True)
        first.verticalHeader().setDefaultSectionSize(self.verticalHeader().defaultSectionSize())
        head = self.horizontalHeader().height()
        first.horizontalHeader().setFixedHeight(max(1, head))
        columns = 0 if self.model() is None else self.model().columnCount()
        for column in range(columns):
            first.setColumnHidden(column, column > 0)
        wide = self.columnWidth(0)
        first.setColumnWidth(0, wide)
        # Some styles draw a frame where none is asked for; within it the column has its full width.
        frame, at = first.frameWidth(), self.frameWidth() - first.frameWidth()
        high = head + self.viewport().height()
        first.setGeometry(at, at, wide + 2 * frame, high + 2 * frame)
        first.setVisible(bool(columns))

    def _on_head(self) -> None:
        header = self.horizontalHeader()
        again = header.sortIndicatorSection() == 0
        ascending = header.sortIndicatorOrder() == Qt.SortOrder.AscendingOrder
        order = Qt.SortOrder.DescendingOrder if again and ascending else Qt.SortOrder.AscendingOrder
        self.sortByColumn(0, order)

    def _follow_sorting(self, section: int, order: Any) -> None:
        self.first.horizontalHeader().setSortIndicator(section if section == 0 else -1, order)

    @override
    def resizeEvent(self, event: Any) -> None:
        """Keep the first column as high as the table."""
        super().resizeEvent(event)
        self.follow()

    @override
    def changeEvent(self, event: Any) -> None:
        """Follow a change of theme or font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange):
            self.follow()

    @override
    def scrollTo(
        self,
        index: Any,
        hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible,
    ) -> None:
        """Scroll up and down to a row; the columns stay as the person has left them."""
        before = self.horizontalScrollBar().value()
        super().scrollTo(index, hint)
        if index.column() == 0:
            self.horizontalScrollBar().setValue(before)
