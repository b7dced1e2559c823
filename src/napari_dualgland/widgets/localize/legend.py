"""Which colour is which place: swatches to read, and to click for a layer of that place alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from qtpy.QtCore import QRectF, QSize, Signal
from qtpy.QtGui import QColor, QIcon, QPainter, QPixmap
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget
from superqt import QFlowLayout

from napari_dualgland.classes import (
    CLASSES,
    COLORS,
    LANDMARKS,
    NEGATIVE,
    SHORT_NAMES,
    UNEXPLAINED,
    paler,
)
from napari_dualgland.results import Localization
from napari_dualgland.widgets.kit.style import footnote, in_lines, plain_label, small_picture

_MARKS = {
    "grey": (
        (UNEXPLAINED,),
        "no named class",
        "Protein that no class named for the cell explains.",
    ),
    "pale": (
        (COLORS[0], paler(COLORS[0])),
        "unsure: paler",
        "No class reaches its threshold in these cells: the likeliest, in a paler colour.",
    ),
    "landmarks": (
        (LANDMARKS["nucleus"], LANDMARKS["microtubules"]),
        "nucleus; microtubules and ER",
        "Dim and without colour beneath the protein: nuclei, and microtubules and ER around them.",
    ),
}
"""What else is seen in the picture: swatch, words, tip."""


class Legend(QWidget):
    """The classes that were found, with the number of their cells, the most frequent first."""

    toggled = Signal(int, bool)
    """Class, and whether the person wants to see its layer of probabilities."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons: dict[int, QPushButton] = {}
        self.marks: dict[str, QWidget] = {}
        # Flowing and not in columns: a long name takes the room that short ones leave.
        self._flow, self._beside = QFlowLayout(), QFlowLayout()
        for flow, gap in ((self._flow, 4), (self._beside, 12)):
            flow.setContentsMargins(0, 0, 0, 0)
            flow.setHorizontalSpacing(gap)
            flow.setVerticalSpacing(4)
        self.nothing = footnote("No class reaches its threshold in any cell.")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.nothing)
        column.addLayout(self._flow)
        column.addLayout(self._beside)

    def take(self, result: Localization) -> None:
        """Show what is seen in the picture of a localization."""
        for flow, widgets in ((self._flow, self.buttons), (self._beside, self.marks)):
            for widget in widgets.values():
                flow.removeWidget(widget)
                widget.hide()
                widget.deleteLater()
        counts = class_counts(result)
        order = sorted(counts, key=lambda k: (k == NEGATIVE, -counts[k], k))
        self.buttons = {k: _swatch_button(k, counts[k]) for k in order}
        for k, button in self.buttons.items():
            self._flow.addWidget(button)
            if k != NEGATIVE:
                button.toggled.connect(lambda on, k=k: self.toggled.emit(k, on))
        unnamed = int((result.table["classes"] == "").sum())
        self.marks = {
            kind: _mark(colors, f"{said}  {unnamed}" if kind == "pale" else said, tip)
            for kind, (colors, said, tip) in _MARKS.items()
            if len(result.table) and (unnamed or kind != "pale")
        }
        for mark in self.marks.values():
            self._beside.addWidget(mark)
        self.nothing.setVisible(not order)

    def show_ticked(self, classes: Collection[int]) -> None:
        """Show which classes have a layer, without asking for one."""
        for k, button in self.buttons.items():
            button.blockSignals(True)
            button.setChecked(k in classes)
            button.blockSignals(False)


def class_counts(result: Localization) -> dict[int, int]:
    """Return in how many cells each class is named, of those that are in any."""
    named = Counter(name for said in result.table["classes"] if said for name in said.split("; "))
    return {CLASSES.index(name): count for name, count in named.items()}


def _swatch_button(k: int, count: int) -> QPushButton:
    name = SHORT_NAMES.get(CLASSES[k], CLASSES[k])
    button = QPushButton(f"{name}  {count}")
    button.setIcon(QIcon(_swatch(button, (COLORS[k],))))
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


def _mark(colors: tuple[str, ...], said: str, tip: str) -> QWidget:
    mark, picture, words = QWidget(), plain_label(), plain_label(said)
    picture.setPixmap(_swatch(words, colors))
    words.setStyleSheet("font-size: 11px;")
    row = QHBoxLayout(mark)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(4)
    row.addWidget(picture)
    row.addWidget(words)
    mark.setToolTip(in_lines(tip))
    return mark


def _swatch(widget: QWidget, colors: tuple[str, ...]) -> QPixmap:
    def draw(painter: QPainter, side: int) -> None:
        # A rim, so that white shows on a light theme and dark brown on a dark one.
        painter.setPen(QColor(128, 128, 128))
        wide = (side - 3) / len(colors)
        for i, color in enumerate(colors):
            painter.setBrush(QColor(color))
            box = QRectF(1.5 + i * wide, 1.5, wide, side - 3)
            painter.drawRoundedRect(box, 3, 3) if len(colors) == 1 else painter.drawRect(box)

    return small_picture(widget, draw)
