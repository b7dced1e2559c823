"""What the docks hide, told apart from what a person hides: it comes back with their results gone.

A run hides its sources, for its results show the same once more. If a person hid them, the next
result would have to stay hidden too; if we did, it must not. And when the results are deleted, by
whoever, what they stood in for is shown again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from napari_dualgland.io.layer_tag import id_of, tag_of

_HIDDEN: WeakSet[Any] = WeakSet()
_WATCHED: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


def hide(layer: Any) -> None:
    """Hide a layer until what stands in for it is gone; one that a person hid stays theirs."""
    if layer.visible:
        layer = bare(layer)
        layer.visible = False
        _HIDDEN.add(layer)
        layer.events.visible.connect(_on_visible)


def show(layer: Any) -> None:
    """Show a layer again if it is one that was hidden here and nobody has shown since."""
    if hidden_by_us(layer):
        layer.visible = True


def hidden_by_us(layer: Any) -> bool:
    """Tell whether a layer is hidden, and no person has wished so."""
    return bare(layer) in _HIDDEN and not layer.visible


def stood_in_for(layers: Iterable[Any], layer: Any) -> bool:
    """Tell whether one of these layers is a result that shows another layer anew.

    Parameters
    ----------
    layers : iterable of napari.layers.Layer
        What is open.
    layer : napari.layers.Layer
        A source, perhaps.

    Returns
    -------
    bool
    """
    tags = [tag_of(one) for one in layers]
    return any(tag.kind == "imputed" and tag.beside == id_of(layer) for tag in tags)


def bare(thing: Any) -> Any:
    """Return the layer or viewer itself: plugins are given proxies, which nobody else keeps."""
    return getattr(thing, "__wrapped__", thing)


def show_when_alone(viewer: Any) -> None:
    """From now on, show a source again when the last result that stood in for it is removed."""
    viewer = bare(viewer)
    if viewer not in _WATCHED:
        _WATCHED[viewer] = _ResultWatch(viewer.layers)


class _ResultWatch:
    """Looks at what is removed.

    Parameters
    ----------
    layers : napari.components.LayerList
        The viewer's; the viewer itself is not held, so that it can go.
    """

    def __init__(self, layers: Any) -> None:
        self._layers = layers
        layers.events.removed.connect(self._on_removed)

    def _on_removed(self, event: Any) -> None:
        gone = tag_of(event.value)
        if gone.kind != "imputed":
            return
        for layer in self._layers:
            if id_of(layer) == gone.beside and not stood_in_for(self._layers, layer):
                show(layer)


def _on_visible(event: Any) -> None:
    """Whoever shows a layer takes it over: if it is hidden again, a person may have done so."""
    if event.source.visible:
        _HIDDEN.discard(event.source)
