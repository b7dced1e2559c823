"""Fields that are open together are kept apart: by the names of their layers, and in the picture.

Two fields of view lie at the same place. Shown together their colours mix into a picture of
neither, and their layers are called alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from napari_dualgland.io.layer_tag import id_of, name_in_field, set_tag, tag_of
from napari_dualgland.widgets.field.open_fields import OpenField


class FieldsApart:
    """Shows one field at a time, each as it was left."""

    def __init__(self) -> None:
        self._visible: dict[str, bool] = {}
        """By id, of layers that are hidden because another field is shown."""

    def show(self, layers: Iterable[Any], chosen: OpenField, fields: Sequence[OpenField]) -> None:
        """Show the layers of one field and hide those of the others.

        Parameters
        ----------
        layers : iterable of napari.layers.Layer
            What is open.
        chosen : OpenField
            Whose layers look again as they did when it was left.
        fields : sequence of OpenField
            All of them.
        """
        for layer in layers:
            if chosen.owns(layer):
                layer.visible = self._visible.pop(id_of(layer), layer.visible)
            elif any(field.owns(layer) for field in fields):
                self._visible.setdefault(id_of(layer), layer.visible)
                layer.visible = False

    def hides(self, field: OpenField) -> bool:
        """Tell whether a field is hidden here: the one that was shown instead may be closed."""
        return any(id_of(layer) in self._visible for layer in field.members)

    def name(self, fields: Sequence[OpenField]) -> None:
        """Let the names of layers tell their field, where several are open.

        Names that a person has given stay.
        """
        if len(fields) < 2:
            return
        for field in fields:
            for layer in field.members:
                tag = tag_of(layer)
                if tag.field is None or tag.role is None or tag.name is not None:
                    continue
                if layer.name.split(" [")[0] != tag.role:
                    continue
                named = name_in_field(tag.role, tag.field)
                set_tag(layer, tag.model_copy(update={"name": named}))
                layer.name = named
