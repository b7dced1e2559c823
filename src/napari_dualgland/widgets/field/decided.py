"""The one rule of what is estimated whole: only a channel that a person has given up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.io.layer_tag import tag_of
from napari_dualgland.io.layers import check_field
from napari_dualgland.widgets.field.guess import role_of_layer
from napari_dualgland.widgets.field.roles import ROLE_LABELS

NOT_RECORDED = "— not recorded: estimate it —"
"""What a person chooses who wants a channel estimated whole."""


def require_decided(
    undecided: Collection[str],
    chosen: Mapping[str, Any],
    offered: Iterable[Any],
    absent: str = NOT_RECORDED,
) -> None:
    """Refuse to go on as long as a channel would be estimated whole that nobody gave up.

    Parameters
    ----------
    undecided : collection of str
        Roles of which nobody has said where they are.
    chosen : mapping of str to napari.layers.Image
        The others, by role.
    offered : iterable of napari.layers.Image
        Layers that could be chosen; none where one layer holds all channels.
    absent : str
        What a person chooses where there is no such channel.

    Raises
    ------
    DualglandError
        That names the channels, or says why the layer of one does not fit.
    """
    if not undecided:
        return
    for layer in offered:
        role, _ = role_of_layer(layer)
        if role is not None and role in undecided and not tag_of(layer).is_result:
            check_field({**chosen, role: layer})
    raise DualglandError(
        Kind.LACKING,
        " and ".join(ROLE_LABELS[role] for role in undecided),
        "nothing is chosen" if len(undecided) == 1 else "nothing is chosen for them",
        way_out=f"choose it above, or “{absent}” if there is none",
    )
