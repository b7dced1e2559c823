"""A napari that is acted upon as a person does, with a heartbeat on its main thread; a large field.

Processor time between two beats is how long napari stood still, whatever else the machine did.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import typer

from napari_dualgland.typing import AnyArray

HERE = Path(__file__).parent
SAMPLE = HERE.parent / "sample_data" / "dualgland_whole.ome.tif"
SIDE = 2048
HOLES = ((300, 420, 500, 640), (1400, 1480, 900, 1100), (1000, 1120, 1700, 1800))
"""First and last row and column of three dead tiles: 1 % of the field."""
CHANNELS = ("microtubules", "protein", "nucleus", "er")
COLORS = ("red", "green", "blue", "yellow")
BEAT_MS = 20


def field() -> AnyArray:
    """Return (4, SIDE, SIDE) uint8: the bundled sample in all turns, damaged."""
    sample = tifffile.imread(SAMPLE)
    side = sample.shape[-1]
    rng = np.random.default_rng(0)
    pixels = np.empty((4, SIDE, SIDE), np.uint8)
    for y in range(0, SIDE, side):
        for x in range(0, SIDE, side):
            turned = np.rot90(sample, int(rng.integers(4)), axes=(1, 2))
            noisy = turned + rng.normal(0, 1.5, turned.shape)
            here = pixels[:, y : y + side, x : x + side]
            here[:] = noisy.clip(1, 255)[:, : here.shape[1], : here.shape[2]].astype(np.uint8)
    for top, bottom, left, right in HOLES:
        pixels[:, top:bottom, left:right] = 0
    return pixels


class Session:
    """A viewer that is acted upon, and the heartbeat of its main thread."""

    def __init__(self, folder: Path) -> None:
        import napari
        from qtpy.QtCore import Qt, QTimer

        self.folder = folder
        self.viewer = napari.Viewer(show=True)
        self.docks: dict[str, Any] = {}
        self.gaps: dict[str, tuple[float, float]] = {}
        self._longest, self._last = (0.0, 0.0), 0.0
        self._collecting, self._collected = 0.0, 0.0
        gc.callbacks.append(self._on_collection)
        self._beat = QTimer()
        self._beat.setTimerType(Qt.TimerType.PreciseTimer)
        self._beat.setInterval(BEAT_MS)
        self._beat.timeout.connect(self._on_beat)
        self._beat.start()
        self.rest(1.0)

    def _on_beat(self) -> None:
        now = time.thread_time()
        self._longest = max(self._longest, (now - self._last, self._collected))
        self._last, self._collected = now, 0.0

    def _on_collection(self, phase: str, info: dict[str, int]) -> None:
        """Note how long all garbage is collected on the main thread."""
        if info["generation"] < 2 or threading.current_thread() is not threading.main_thread():
            return
        if phase == "start":
            self._collecting = time.thread_time()
        else:
            self._collected += time.thread_time() - self._collecting

    def rest(self, seconds: float) -> None:
        """Let napari do what it has put off."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() > end)

    def until(self, done: Callable[[], bool], seconds: float = 1200) -> None:
        """Wait in napari's own loop, as if it ran by itself."""
        from qtpy.QtCore import QEventLoop, QTimer

        loop, end = QEventLoop(), time.monotonic() + seconds
        look = QTimer()
        look.setInterval(5)

        def stop() -> None:
            if done() or time.monotonic() > end:
                loop.quit()

        look.timeout.connect(stop)
        look.start()
        loop.exec()
        look.stop()
        if not done():
            raise TimeoutError

    def act(self, do: Callable[[], Any]) -> None:
        """Do something as an event of napari's loop, as a click is one."""
        from qtpy.QtCore import QTimer

        did: list[BaseException | None] = []

        def event() -> None:
            try:
                do()
            except BaseException as error:
                did.append(error)
            else:
                did.append(None)

        QTimer.singleShot(0, event)
        self.until(lambda: bool(did))
        if did[0] is not None:
            raise did[0]

    @contextmanager
    def measured(self, name: str) -> Iterator[None]:
        """Note the longest gap between beats while the block lasts and a little later."""
        self.rest(0.3)
        self._longest, self._last, self._collected = (0.0, 0.0), time.thread_time(), 0.0
        yield
        self.rest(1.0)
        gap, collected = self._longest
        self.gaps[name] = 1000 * gap, 1000 * collected
        typer.echo(f"{1000 * gap:7.0f} ms, {1000 * collected:4.0f} of garbage  {name}")

    def dock(self, name: str) -> Any:
        """Return a dock of the plugin, opened as the menu opens it."""
        if name not in self.docks:
            self.docks[name] = self.viewer.window.add_plugin_dock_widget("napari-dualgland", name)[
                1
            ]
        return self.docks[name]

    def layer(self, ending: str) -> Any:
        """Return the topmost layer whose name ends so."""
        return next(x for x in reversed(self.viewer.layers) if x.name.endswith(ending))


def open_files(session: Session) -> None:
    """Four files, dropped on napari."""
    paths = []
    for name, plane in zip(COLORS, field(), strict=True):
        paths.append(session.folder / f"1_A1_1_{name}.tif")
        tifffile.imwrite(paths[-1], plane)
    with session.measured("open four files"):
        session.act(lambda: session.viewer.open(paths, plugin="napari-dualgland"))
        session.until(lambda: len(session.viewer.layers) == 4)
