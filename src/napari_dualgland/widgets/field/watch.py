"""Tells when the layer list changes, and stops telling when nobody listens any more.

napari keeps calling a dock widget that Qt has already deleted; the watch is cut when the
widget is destroyed, so that a closed widget costs nothing and breaks nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psygnal import SignalInstance

from napari_dualgland.widgets.layers.giving_back import give_back_soon


class LayerWatch:
    """Calls back whenever a layer comes, goes, moves or is renamed.

    Parameters
    ----------
    layers : napari.components.LayerList
        The viewer's layers.
    tell : callable
        Called without arguments, on the main thread.
    """

    def __init__(self, layers: Any, tell: Callable[[], None]) -> None:
        self._layers = layers
        self._tell = tell
        layers.events.inserted.connect(self._on_inserted)
        layers.events.removed.connect(self._on_removed)
        layers.events.reordered.connect(self._on_changed)
        for layer in layers:
            layer.events.name.connect(self._on_changed)

    def stop(self) -> None:
        """Listen no longer."""
        self._layers.events.inserted.disconnect(self._on_inserted)
        self._layers.events.removed.disconnect(self._on_removed)
        self._layers.events.reordered.disconnect(self._on_changed)
        for layer in self._layers:
            layer.events.name.disconnect(self._on_changed)

    def _on_inserted(self, event: Any) -> None:
        event.value.events.name.connect(self._on_changed)
        self._tell()

    def _on_removed(self, event: Any) -> None:
        event.value.events.name.disconnect(self._on_changed)
        give_back_soon()
        self._tell()

    def _on_changed(self, event: Any = None) -> None:
        self._tell()


class SignalWatch:
    """Calls back whenever a signal of the field of view is emitted, until it is stopped.

    Parameters
    ----------
    signal : psygnal.SignalInstance
        Outlives whoever listens.
    tell : callable
        Called without arguments.
    """

    def __init__(self, signal: SignalInstance, tell: Callable[[], None]) -> None:
        self._signal, self._tell = signal, tell
        signal.connect(self._on_emitted)

    def stop(self) -> None:
        """Listen no longer."""
        self._signal.disconnect(self._on_emitted)

    def _on_emitted(self) -> None:
        self._tell()
