"""Docks opened together lie as tabs in one place, under names that can be read."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow, QTabBar, QWidget


def join_tabs(widget: QWidget, kind: type[QWidget]) -> None:
    """Lay the dock that holds a widget as a tab over those that hold others of its kind.

    Parameters
    ----------
    widget : QWidget
        Somewhere inside a dock. Nothing happens where it is in none, where its dock floats, or
        where there is no other on the same side of the window.
    kind : type of QWidget
        What the other docks hold.
    """
    own = _ancestor(widget, QDockWidget)
    window = _ancestor(widget, QMainWindow)
    if own is None or window is None:
        return
    # napari adds the plugin's name, which leaves no room for the dock's own.
    own.setWindowTitle(own.windowTitle().split(" (")[0])
    if own.isFloating():
        return
    area = window.dockWidgetArea(own)
    docks = (_ancestor(other, QDockWidget) for other in window.findChildren(kind))
    beside = [
        dock
        for dock in docks
        if dock not in (None, own)
        and not dock.isFloating()
        and not dock.isHidden()
        and window.dockWidgetArea(dock) == area
    ]
    if beside:
        # The most that lie together: of several docks that come at once, none makes a second pile.
        pile = max(beside, key=lambda dock: len(window.tabifiedDockWidgets(dock)))
        if own not in window.tabifiedDockWidgets(pile):
            window.tabifyDockWidget(pile, own)
        own.show()
        own.raise_()
        _make_legible(window, own.windowTitle())


def _make_legible(window: QMainWindow, title: str) -> None:
    """Let the tabs scroll where there are too many, rather than cut their names."""
    for bar in window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
        if title in (bar.tabText(i) for i in range(bar.count())):
            bar.setElideMode(Qt.TextElideMode.ElideNone)
            bar.setUsesScrollButtons(True)
            bar.setExpanding(False)
            # Qt shows a new bar when the docks rest; those that change size on the way never do.
            bar.show()


def _ancestor(widget: Any, kind: type[Any]) -> Any:
    """Return the nearest parent of a kind, None where there is none."""
    while widget is not None and not isinstance(widget, kind):
        widget = widget.parentWidget()
    return widget
