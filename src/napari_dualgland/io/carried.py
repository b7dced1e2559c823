"""What a result layer carries beside its tag: the record that a dock shows again.

The record lives as long as a layer that carries it, and no longer: docks hold it no tighter than
that, so its arrays go when the person deletes the layers. napari is not imported: a layer is
whatever has ``metadata``.
"""

from __future__ import annotations

from typing import Any, Self

_KEY = "dualgland_found"


class Carried:
    """A record that layers share: one that napari duplicates carries the very same."""

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self


def carried_by(layer: Any) -> Any:
    """Return the record that a layer carries, None where there is none."""
    found = layer.metadata.get(_KEY)
    return found if isinstance(found, Carried) else None


def carry(layer: Any, record: Carried) -> None:
    """Let a layer carry a record.

    Parameters
    ----------
    layer : napari.layers.Layer
        Its other metadata stay.
    record : Carried
        Takes the place of the one before.
    """
    layer.metadata[_KEY] = record
