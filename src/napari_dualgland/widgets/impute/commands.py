"""The commands *Compare* and *Show missing*: they press the buttons of the dock that is open."""

from __future__ import annotations

from typing import Any

import napari.viewer
from napari.utils.notifications import show_info
from qtpy.QtWidgets import QApplication

from napari_dualgland.widgets.kit.dock import Dock

COMPARE_KEYS, SHOW_MISSING_KEYS = "Ctrl+Alt+C", "Ctrl+Alt+M"
"""As in the manifest, which napari lists and does not bind."""


def compare(viewer: napari.viewer.Viewer) -> None:
    """Flip between the measured and the imputed layers."""
    _press(viewer, "compare")


def show_missing(viewer: napari.viewer.Viewer) -> None:
    """Paint the missing pixels, or hide them."""
    _press(viewer, "show_missing")


def _press(viewer: Any, name: str) -> None:
    viewer = getattr(viewer, "__wrapped__", viewer)
    for window in QApplication.topLevelWidgets():
        for dock in window.findChildren(Dock):
            button = dock.commands.get(name)
            if getattr(dock.viewer, "__wrapped__", dock.viewer) is viewer and button is not None:
                button.click()
                return
    show_info("Open Impute first: Plugins ▸ Dual Gland ▸ Impute.")
