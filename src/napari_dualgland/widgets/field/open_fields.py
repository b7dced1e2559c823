"""The fields of view that are open side by side: which layers each has, and what it is called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from napari_dualgland.io.layer_axes import guess_channel_axis
from napari_dualgland.io.layer_tag import id_of, tag_of
from napari_dualgland.io.layers import path_of, size_in_words
from napari_dualgland.widgets.field.guess import claims_by_field, resolve

LEAST = 2
"""Channels from which layers count as a field of view of their own; one may be anything."""


@dataclass(frozen=True, eq=False)
class OpenField:
    """Layers that belong together.

    Attributes
    ----------
    name : str
        What people call it.
    layers : mapping of str to napari.layers.Image
        By role; empty where one layer holds all channels.
    stack : napari.layers.Image or None
        That one layer.
    members : tuple of napari.layers.Image
        All measured layers of it, those in doubt too.
    """

    name: str
    layers: Mapping[str, Any]
    stack: Any
    members: tuple[Any, ...]

    @property
    def ids(self) -> frozenset[str]:
        """What tells its layers from all others."""
        return frozenset(map(id_of, self.members))

    def owns(self, layer: Any) -> bool:
        """Tell whether a layer shows this field: measured, or made from what was measured."""
        tag = tag_of(layer)
        if id_of(layer) in self.ids or self.ids & set(tag.sources):
            return True
        # Read from a file together with its estimates.
        return bool(tag.is_result and tag.path and tag.path == tag_of(self.members[0]).path)


def open_fields(
    images: Sequence[Any], known: Mapping[str, Any] | None = None, stack: Any = None
) -> list[OpenField]:
    """Return the fields of view that are open, in the order in which they were opened.

    Parameters
    ----------
    images : sequence of napari.layers.Image
        From the bottom of the layer list to its top.
    known : mapping of str to napari.layers.Image, optional
        Layers that are one field already, by role.
    stack : napari.layers.Image, optional
        A layer that holds all channels because a person says so.

    Returns
    -------
    list of OpenField
        Those with two channels or more, and the one that is known.
    """
    held = {id_of(layer) for layer in (known or {}).values()}
    found = []
    for (shape, _, named, *_), claims in claims_by_field(images, known).items():
        members = tuple(layer for claimed in claims.values() for _, layer in claimed)
        name = named or size_in_words(shape)
        if len(claims) >= LEAST or held & set(map(id_of, members)):
            found.append(OpenField(str(name), resolve(claims), None, members))
    for layer in images:
        measured = not tag_of(layer).is_result
        if layer == stack or (measured and guess_channel_axis(layer) is not None):
            path = path_of(layer)
            found.append(OpenField(path.stem if path else layer.name, {}, layer, (layer,)))
    order = {id_of(layer): i for i, layer in enumerate(images)}
    found.sort(key=lambda field: min(order[id_] for id_ in field.ids))
    return _told_apart(found)


def _told_apart(fields: Iterable[OpenField]) -> list[OpenField]:
    """Number those of one name."""
    seen: dict[str, int] = {}
    told = []
    for field in fields:
        seen[field.name] = number = seen.get(field.name, 0) + 1
        name = field.name if number == 1 else f"{field.name} ({number})"
        told.append(OpenField(name, field.layers, field.stack, field.members))
    return told
