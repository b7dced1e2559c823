"""*Copy as*: the button that writes a run down as code."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QMenu, QPushButton


class CopyButton(QPushButton):
    """Asks for the code of what the form says, in one of two languages."""

    python = Signal()
    command = Signal()

    def __init__(self) -> None:
        super().__init__("Copy as")
        self.setToolTip("Copy the code that does the same again.")
        menu = QMenu(self)
        self.python_action = menu.addAction("Python", self.python.emit)
        self.command_action = menu.addAction("Command line", self.command.emit)
        self.setMenu(menu)
