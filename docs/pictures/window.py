"""A napari window of its own, nobody's settings, and pictures of it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from pictures.saving import save

PLUGIN = "napari-dualgland"


def on_virtual_screen(size: tuple[int, int]) -> None:
    """Start this script again under Xvfb, where there is no screen on Linux; does not return."""
    if sys.platform != "linux" or os.environ.get("DISPLAY"):
        return
    xvfb = shutil.which("xvfb-run")
    if xvfb is None:
        sys.exit("no screen, and no xvfb-run to make a virtual one; install the package xvfb")
    screen = f"-screen 0 {size[0]}x{size[1]}x24"
    os.execv(xvfb, [xvfb, "-a", "-s", screen, sys.executable, *sys.argv])


def with_defaults() -> None:
    """Take nobody's own settings: theme, fonts, models and forms are those of a fresh install."""
    from qtpy.QtCore import QSettings

    fresh = Path(tempfile.mkdtemp())
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(fresh))
    os.environ["NAPARI_CONFIG"] = str(fresh / "settings.yaml")
    os.environ["DUALGLAND_MODELS"] = str(fresh / "models")
    os.environ["DUALGLAND_RUNS"] = str(fresh / "runs")


class Window:
    """A viewer of which pictures are taken.

    Parameters
    ----------
    out : pathlib.Path
        Folder of the pictures.
    size : tuple of int
        Width and height.
    """

    def __init__(self, out: Path, size: tuple[int, int]) -> None:
        import napari

        self.out = out
        self.viewer: Any = napari.Viewer(show=True)
        self.viewer.theme = "dark"
        self.viewer.window._qt_window.setGeometry(0, 0, *size)

    def sample(self, name: str) -> None:
        """Open a sample as *File > Open Sample* does; its mask is there and not in the way."""
        self.viewer.open_sample(PLUGIN, name)
        for layer in self.viewer.layers:
            layer.visible = layer.visible and not layer.name.startswith("damage")
        self.choose("protein")

    def dock(self, name: str) -> Any:
        """Open a dock and return its widget."""
        _, widget = self.viewer.window.add_plugin_dock_widget(PLUGIN, name)
        wait(1)
        return widget

    def run(self, dock: Any) -> Any:
        """Press a dock's button, wait for the end, and return what it found."""
        found: list[Any] = []
        dock.result_ready.connect(found.append)
        dock.run_bar.button.click()
        wait_until(lambda: dock.idle)
        if not found:
            sys.exit(f"{type(dock).__name__}: {dock.run_bar.says.text()}")
        wait(0.5)
        return found[0]

    def await_plots(self, dock: Any) -> None:
        """Wait until the plots of a dock are drawn: what they need is loaded when one is seen."""
        from qtpy.QtWidgets import QWidget

        plots = [x for x in dock.findChildren(QWidget) if hasattr(x, "drawn") and x.isVisible()]
        wait_until(lambda: all(plot.canvas is not None for plot in plots))

    def choose(self, *words: str) -> None:
        """Make the first layer active whose name holds these words."""
        layers = [layer for layer in self.viewer.layers if all(w in layer.name for w in words)]
        self.viewer.layers.selection.active = layers[0]

    def take(self, name: str, settle: float = 0.5) -> None:
        """Take a picture of the whole window, after it has come to rest for some seconds."""
        wait(settle)
        pixels = self.viewer.screenshot(canvas_only=False, flash=False)
        save(Image.fromarray(pixels), self.out / name)


@contextmanager
def window(out: Path, size: tuple[int, int]) -> Iterator[Window]:
    """Open a window for some pictures."""
    opened = Window(out, size)
    try:
        yield opened
    finally:
        opened.viewer.close()


def wait(seconds: float) -> None:
    """Let Qt work for a while."""
    from qtpy.QtWidgets import QApplication

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def wait_until(done: Callable[[], bool], seconds: float = 1200) -> None:
    """Let Qt work until something is done."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            sys.exit(f"waited {seconds} s in vain")
        wait(0.005)
