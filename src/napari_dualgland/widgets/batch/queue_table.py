"""The queue as Qt sees it: a row for each stack, what it is called, how it stands, how long."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtWidgets import QWidget
from typing_extensions import override

from napari_dualgland.batch import FoundStack, StackState, Status
from napari_dualgland.batch.names import stem_of
from napari_dualgland.legible import legible
from napari_dualgland.widgets.batch.words import status_words, story, time_words
from napari_dualgland.widgets.kit.style import in_lines
from napari_dualgland.widgets.kit.tone import Tone

SHARE = Qt.ItemDataRole.UserRole
"""How much of a stack is done, 0 to 1; None where it is not at work."""

_HEADS = (
    ("Stack", "What the stack is called; the results lie in a folder of that name."),
    ("Status", "How far the work on it is."),
    ("Time", "How long it will still take, or took."),
)
_TONES = {Status.FAILED: Tone.WRONG, Status.DONE: Tone.WELL}


@dataclass(frozen=True)
class Row:
    """A stack in the queue, and what has become of it."""

    stack: FoundStack
    state: StackState

    @classmethod
    def new(cls, stack: FoundStack) -> Row:
        """Return a stack that waits, or that cannot be had."""
        status = Status.WAITING if stack.error is None else Status.FAILED
        state = StackState(0, stem_of(stack.path), stack.path, status, error=stack.error)
        return cls(stack, state)


class QueueModel(QAbstractTableModel):
    """The stacks that are to be worked on."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._shown_in = parent
        self.rows: list[Row] = []

    def add(self, stacks: Iterable[FoundStack]) -> int:
        """Add those that are not there yet; return how many they were."""
        known = {row.stack.key for row in self.rows}
        new = [stack for stack in stacks if stack.key not in known]
        if new:
            first = len(self.rows)
            self.beginInsertRows(QModelIndex(), first, first + len(new) - 1)
            self.rows += [Row.new(stack) for stack in new]
            self.endInsertRows()
        return len(new)

    def keep(self, rows: Iterable[Row]) -> None:
        """Show these rows alone."""
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()

    def show_state(self, state: StackState) -> None:
        """Show how far a stack is."""
        self.rows[state.number] = replace(self.rows[state.number], state=state)
        first, last = self.index(state.number, 0), self.index(state.number, len(_HEADS) - 1)
        self.dataChanged.emit(first, last)

    def count(self, *statuses: Status) -> int:
        """Return how many stacks stand so."""
        return sum(row.state.status in statuses for row in self.rows)

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return how many stacks there are."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return how many columns there are."""
        return 0 if parent is not None and parent.isValid() else len(_HEADS)

    @override
    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return what stands over a column."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        title, tip = _HEADS[section]
        return {Qt.ItemDataRole.DisplayRole: title, Qt.ItemDataRole.ToolTipRole: tip}.get(
            Qt.ItemDataRole(role)
        )

    @override
    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what stands in a cell."""
        state, column = self.rows[index.row()].state, index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return (legible(state.name), status_words(state), time_words(state))[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return in_lines(story(state))
        if role == Qt.ItemDataRole.ForegroundRole and column == 1:
            tone = _TONES.get(state.status)
            return None if tone is None else tone.on(self._shown_in)
        if role == SHARE:
            return state.share if state.status == Status.RUNNING else None
        return None
