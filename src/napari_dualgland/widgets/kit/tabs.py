"""Docks opened together lie as tabs in one place, not as slices one above the other."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget


def join_tabs(widget: QWidget, kind: type[QWidget]) -> None:
    """Lay the dock that holds a widget as a tab over one that holds another of its kind.

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
    if own is None or window is None or own.isFloating():
        return
    for other in window.findChildren(kind):
        dock = _ancestor(other, QDockWidget)
        if dock is None or dock is own or dock.isFloating():
            continue
        if own not in window.tabifiedDockWidgets(dock) and (
            window.dockWidgetArea(dock) == window.dockWidgetArea(own)
        ):
            window.tabifyDockWidget(dock, own)
        own.show()
        own.raise_()
        return


def _ancestor(widget: Any, kind: type[Any]) -> Any:
    """Return the nearest parent of a kind, None where there is none."""
    while widget is not None and not isinstance(widget, kind):
        widget = widget.parentWidget()
    return widget
