"""Boxes that are found by what they touch, however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from napari_dualgland.imputation.tiling.boxes import Box

Value = TypeVar("Value")

CELL = 256
"""Side of a cell in pixels, that of a tile."""


class BoxesByPlace(Generic[Value]):
    """Values that belong to boxes; of a mosaic there are thousands, and most are far away.

    Parameters
    ----------
    boxes : iterable of (Box, value)
        The first of them.
    """

    def __init__(self, boxes: Iterable[tuple[Box, Value]] = ()) -> None:
        self._cells: dict[tuple[int, int], dict[Box, Value]] = {}
        for box, value in boxes:
            self.add(box, value)

    def __iter__(self) -> Iterator[tuple[Box, Value]]:
        """Yield every box with its value, from top to bottom."""
        found = {box: value for cell in self._cells.values() for box, value in cell.items()}
        return iter(sorted(found.items(), key=lambda item: item[0]))

    def add(self, box: Box, value: Value) -> None:
        """Add a box; of two that are alike the last one counts.

        Parameters
        ----------
        box : Box
            Where.
        value : object
            What belongs to it.
        """
        for cell in _cells(box):
            self._cells.setdefault(cell, {})[box] = value

    def touching(self, box: Box) -> Iterator[tuple[Box, Box, Value]]:
        """Yield each box that shares pixels with this one, what they share, and its value."""
        seen: set[Box] = set()
        for cell in _cells(box):
            for other, value in self._cells.get(cell, {}).items():
                shared = None if other in seen else box.meets(other)
                if shared is not None:
                    seen.add(other)
                    yield other, shared, value


def _cells(box: Box) -> Iterator[tuple[int, int]]:
    for y in range(box.y0 // CELL, -(-box.y1 // CELL)):
        for x in range(box.x0 // CELL, -(-box.x1 // CELL)):
            yield y, x
