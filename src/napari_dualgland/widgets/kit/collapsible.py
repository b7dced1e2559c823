"""A section of a form that is closed until somebody wants it."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QIcon, QPixmap
from qtpy.QtWidgets import QWidget
from superqt import QCollapsible

from napari_dualgland.widgets.kit.style import plain


class Collapsible(QCollapsible):
    """Options that hardly anybody needs, under a title to click, closed at first."""

    def __init__(self, title: str, content: QWidget) -> None:
        super().__init__(title)
        self._title = title
        self.toggleButton().setToolTip(plain(f"Show or hide what stands under {title}."))
        self.addWidget(content)
        # As text and not as icons: text takes the colour of the theme.
        self.setCollapsedIcon(_no_icon())
        self.setExpandedIcon(_no_icon())
        self.toggled.connect(self._name)
        self._name(False)
        # napari paints a checked button as an active tool, which an open section is not.
        self.toggleButton().setStyleSheet(
            "text-align: left; border: none; background: transparent; padding: 2px 0px;"
        )
        self.layout().setContentsMargins(0, 0, 0, 0)
        self.content().layout().setContentsMargins(0, 4, 0, 0)

    def _name(self, expanded: bool) -> None:
        self.setText(f"▾ {self._title}" if expanded else f"▸ {self._title}")


def _no_icon() -> QIcon:
    """Return an icon that shows nothing; PySide6 takes an empty one for none at all."""
    clear = QPixmap(1, 1)
    clear.fill(Qt.GlobalColor.transparent)
    return QIcon(clear)
