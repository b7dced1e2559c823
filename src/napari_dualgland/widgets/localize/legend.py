"""Which colour is which place: swatches to read, and to click for a layer of that place alone."""

from __future__ import annotations

from collections import Counter

from qtpy.QtWidgets import QHBoxLayout, QWidget

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
from napari_dualgland.widgets.cells.swatches import Swatches, flowing, swatch
from napari_dualgland.widgets.kit.style import footnote, in_lines, plain_label

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


class Legend(Swatches):
    """The classes that were found, with the number of their cells, the most frequent first."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: dict[str, QWidget] = {}
        self._beside = flowing(12)
        self.nothing = footnote("No class reaches its threshold in any cell.")
        self.column.insertWidget(0, self.nothing)
        self.column.addLayout(self._beside)

    def take(self, result: Localization) -> None:
        """Show what is seen in the picture of a localization."""
        for flow, widgets in ((self.flow, self.buttons), (self._beside, self.marks)):
            for widget in widgets.values():
                flow.removeWidget(widget)
                widget.hide()
                widget.deleteLater()
        self.buttons = {}
        counts = class_counts(result)
        order = sorted(counts, key=lambda k: (k == NEGATIVE, -counts[k], k))
        for k in order:
            self._add_class(k, counts[k])
        unnamed = int((result.table["classes"] == "").sum())
        self.marks = {
            kind: _mark(colors, f"{said}  {unnamed}" if kind == "pale" else said, tip)
            for kind, (colors, said, tip) in _MARKS.items()
            if len(result.table) and (unnamed or kind != "pale")
        }
        for mark in self.marks.values():
            self._beside.addWidget(mark)
        self.nothing.setVisible(not order)

    def _add_class(self, k: int, count: int) -> None:
        name = SHORT_NAMES.get(CLASSES[k], CLASSES[k])
        many = "1 cell" if count == 1 else f"{count} cells"
        tip = f"{CLASSES[k]}: named for {many}."
        button = self.add(k, f"{name}  {count}", COLORS[k], tip)
        if k == NEGATIVE:
            # No specific signal: there are no pixels to show.
            button.setToolTip(f"{many} without a specific signal.")
            button.setCheckable(False)
            button.setFlat(True)


def class_counts(result: Localization) -> dict[int, int]:
    """Return in how many cells each class is named, of those that are in any."""
    named = Counter(name for said in result.table["classes"] if said for name in said.split("; "))
    return {CLASSES.index(name): count for name, count in named.items()}


def _mark(colors: tuple[str, ...], said: str, tip: str) -> QWidget:
    mark, picture, words = QWidget(), plain_label(), plain_label(said)
    picture.setPixmap(swatch(words, colors))
    words.setStyleSheet("font-size: 11px;")
    row = QHBoxLayout(mark)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(4)
    row.addWidget(picture)
    row.addWidget(words)
    mark.setToolTip(in_lines(tip))
    return mark
