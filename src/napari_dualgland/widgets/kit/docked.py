"""A widget that napari docks: among the tabs of its kind, and gone for good when it is closed.

Whatever a dock is about, it can be used by keys and by ear, the wheel only scrolls it, it
remembers its parameters and resets them, and a button opens its page of the documentation.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from qtpy.QtCore import QEvent, QTimer, QUrl
from qtpy.QtGui import QDesktopServices, QKeySequence, QShortcut
from qtpy.QtWidgets import QPushButton, QToolButton, QWidget

from napari_dualgland.widgets.kit.accessibility import make_accessible
from napari_dualgland.widgets.kit.params_form import ParamsForm
from napari_dualgland.widgets.kit.preferences import preferred, settle_preferences
from napari_dualgland.widgets.kit.remembered import keep, recall
from napari_dualgland.widgets.kit.style import plain
from napari_dualgland.widgets.kit.tabs import join_tabs
from napari_dualgland.widgets.kit.warming import warm_up
from napari_dualgland.widgets.kit.wheel import WheelGuard

_PAGES = "https://github.com/napari-dualgland/napari-dualgland/blob/main/docs/docks"
"""Where each dock has a page, on the site that ``pyproject.toml`` names as the source."""


class Docked(QWidget):
    """What every dock does in the window, whatever it is about.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer that it is docked in.

    Attributes
    ----------
    tools : list of QToolButton
        *Reset* and the link to the documentation.
    commands : dict of str to QPushButton
        What a command of the plugin presses, by its name.
    """

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.viewer = viewer
        self._was_docked = False
        self._placed = QTimer(self)
        self._placed.setSingleShot(True)
        self._placed.timeout.connect(self._on_placed)
        self._wheel = WheelGuard(self)
        self._defaults: dict[str, BaseModel] = {}
        self.commands: dict[str, QPushButton] = {}
        self.tools = [
            _tool("↺", "Reset to defaults", "Set all parameters back to their defaults."),
            _tool("?", "Documentation", "Open the page on this dock in the browser."),
        ]
        self.tools[0].clicked.connect(self.reset)
        self.tools[1].clicked.connect(self.open_docs)

    # --- furniture --------------------------------------------------------------------

    def furnish(self) -> None:
        """Give what the dock holds its keys and names, and the parameters that were kept."""
        for form in self.findChildren(ParamsForm):
            defaults = self._defaults[self._key(form)] = preferred(form.model())
            form.set_value(recall(self.viewer, self._key(form), defaults))
            form.changed.connect(lambda form=form: self._remember(form))
        self._tend()

    def add_command(self, name: str, button: QPushButton, keys: str) -> None:
        """Let a command and its keys press a button, wherever in the window the focus is.

        Parameters
        ----------
        name : str
            Of the command, in the manifest.
        button : QPushButton
            Its tip tells the keys.
        keys : str
            As Qt writes them.
        """
        self.commands[name] = button
        shortcut = QShortcut(QKeySequence(keys), self)
        shortcut.activated.connect(button.click)
        button.setToolTip(plain(f"{button.toolTip()} ({shortcut.key().toString()})"))

    def reset(self) -> None:
        """Set all parameters back: to what *Preferences* say, else to the plugin's defaults."""
        for form in self.findChildren(ParamsForm):
            defaults = self._defaults[self._key(form)] = preferred(form.model())
            form.set_value(defaults)

    @classmethod
    def page(cls) -> str:
        """Return the address of the page on this dock."""
        return f"{_PAGES}/{cls.__name__.removesuffix('Widget').lower()}.md"

    def open_docs(self) -> None:
        """Open the page on this dock."""
        QDesktopServices.openUrl(QUrl(self.page()))

    def _remember(self, form: ParamsForm[Any]) -> None:
        key = self._key(form)
        keep(self.viewer, key, form.value(), self._defaults[key])

    def _key(self, form: ParamsForm[Any]) -> str:
        return f"{type(self).__name__}/{form.model.__name__}"

    def _tend(self) -> None:
        self._wheel.watch(self)
        make_accessible(self)

    # --- in the window ----------------------------------------------------------------

    def closing(self) -> None:
        """Stop what goes on; called once, when napari takes the widget out of its dock."""

    def is_looked_at(self) -> bool:
        """Whether a person sees the dock: not behind another tab, not hidden."""
        return not self.window().isVisible() or not self.visibleRegion().isEmpty()

    def showEvent(self, event: Any) -> None:
        """Look after what has been added since."""
        super().showEvent(event)
        self._tend()

    def event(self, event: Any) -> bool:
        """Notice where napari puts it, and that napari takes it away."""
        if event.type() == QEvent.Type.ParentChange:
            if self._was_docked and self.parentWidget() is None:
                self.closing()
            self._placed.start(0)
        elif event.type() == QEvent.Type.LayoutRequest:
            self._wheel.watch(self)
        return bool(super().event(event))

    def _on_placed(self) -> None:
        if self.parentWidget() is not None:
            # As soon as there is a place to lie in.
            self._was_docked = True
            warm_up()
            join_tabs(self, Docked)
        elif self._was_docked:
            # napari leaves what it has closed to nobody.
            self.deleteLater()


def _tool(text: str, name: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setAccessibleName(name)
    button.setToolTip(plain(tip))
    button.setMinimumSize(30, 34)
    return button


# Before any dock lists models or loads torch.
settle_preferences()
