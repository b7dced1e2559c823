"""Which layers are selected, for a widget that lives no longer than it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class SelectionWatch:
    """Tells when the selection changes.

    Parameters
    ----------
    layers : napari.components.LayerList
    tell : callable
        Called without arguments, until :meth:`stop`.
    """

    def __init__(self, layers: Any, tell: Callable[[], None]) -> None:
        self._layers, self._tell = layers, tell
        # napari refers to the method weakly; whoever watches keeps this object.
        layers.selection.events.changed.connect(self._on_changed)

    def stop(self, *_: object) -> None:
        """Tell no more."""
        self._layers.selection.events.changed.disconnect(self._on_changed)

    def _on_changed(self, event: Any = None) -> None:
        self._tell()
