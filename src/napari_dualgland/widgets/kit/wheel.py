"""The wheel scrolls the form; a picker takes it only after a person has gone to that picker."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QScrollBar,
    QTabBar,
    QWidget,
)
from typing_extensions import override

_TURNED = (QComboBox, QAbstractSpinBox, QAbstractSlider, QTabBar)
"""What Qt changes by the wheel, wherever the pointer happens to be."""


class WheelGuard(QObject):
    """Hands the wheel on to the form where the picker below the pointer has no focus.

    Parameters
    ----------
    parent : QObject
        Its life bounds the guard's.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._known = parent.objectName() or f"dualgland_{id(self)}"

    def watch(self, root: QWidget) -> None:
        """Guard every picker inside a widget; those that are guarded already stay so."""
        for widget in root.findChildren(QWidget):
            if not isinstance(widget, _TURNED) or isinstance(widget, QScrollBar):
                continue
            if widget.property("dualgland_wheel") == self._known:
                continue
            widget.setProperty("dualgland_wheel", self._known)
            # Else the wheel itself would bring the focus.
            if widget.focusPolicy() == Qt.FocusPolicy.WheelFocus:
                widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            widget.installEventFilter(self)

    @override
    def eventFilter(self, watched: Any, event: Any) -> bool:
        """Keep the wheel from a picker that nobody has gone to."""
        if event.type() == QEvent.Type.Wheel and not watched.hasFocus():
            event.ignore()
            return True
        return False
