"""Memory of layers that were taken away goes back to the system, a moment later.

A moment, for napari lets go of a layer only after it has told everybody that it is gone.
"""

from __future__ import annotations

import threading

from qtpy.QtCore import QTimer

from napari_dualgland.memory import give_back

_SOON_MS = 1000
_asked = threading.Event()


def give_back_soon() -> None:
    """Give back once, however many layers are taken away together."""
    if not _asked.is_set():
        _asked.set()
        QTimer.singleShot(_SOON_MS, _now)


def _now() -> None:
    _asked.clear()
    give_back()
