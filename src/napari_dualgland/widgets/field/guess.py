"""Which layer shows what: roles read from metadata, names and colours, never from order.

Public code disagrees on the order of the atlas channels, so a layer that says nothing of
its stain is left without a role and the person is asked. What a layer says explicitly
(metadata) outweighs its name, and its name outweighs its colour.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from napari_dualgland.io.channels import color_word_role, stain_role
from napari_dualgland.io.napari_io import METADATA_KEY
from napari_dualgland.stack import ROLE_COLORS, ROLES

_FROM_METADATA, _FROM_NAME, _FROM_COLOR = 3, 2, 1

_BESIDE = {"working", "uncertainty", "sample", "probability"}
"""Kinds of layers that say something of an image and are none to fill in."""
_OWN = _BESIDE | {"imputed", "missing", "cells", "localization"}


def role_of_name(name: str) -> str | None:
    """Return the role that a name tells, None where it tells none or more than one.

    ``ENSG0001_blue_red_green`` is the name of a coloured overview, not of a channel.
    """
    return stain_role(name) or color_word_role(name)


def role_of_color(color: Any) -> str | None:
    """Return the role that the atlas shows in this RGB(A) colour (0 to 1), or None."""
    rgb = np.asarray(color, dtype=float)[:3]
    for role, shown in ROLE_COLORS.items():
        wanted = [int(shown[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        if np.allclose(rgb, wanted, atol=0.1):
            return role
    return None


def told_by(layer: Any) -> dict[str, Any]:
    """Return what this plugin's readers and widgets have noted in a layer's metadata."""
    told = layer.metadata.get(METADATA_KEY)
    return told if isinstance(told, dict) else {}


def role_of_layer(layer: Any) -> tuple[str | None, int]:
    """Return the role of an image layer and how surely it is known (0 to 3)."""
    role = told_by(layer).get("role")
    if role in ROLES:
        return role, _FROM_METADATA
    role = role_of_name(layer.name)
    if role:
        return role, _FROM_NAME
    role = role_of_color(layer.colormap.colors[-1])
    return role, _FROM_COLOR if role else 0


def is_ours(layer: Any) -> bool:
    """Tell whether this plugin's widget made the layer from other layers."""
    return told_by(layer).get("kind") in _OWN


def is_beside(layer: Any) -> bool:
    """Tell whether the layer goes with a result: an uncertainty, a sample, work in progress.

    A result may be chosen by hand, to fill in what is left of it; these may not.
    """
    return told_by(layer).get("kind") in _BESIDE


def guess_roles(layers: Iterable[Any], prefer: Any = None) -> dict[str, Any]:
    """Return the layers that make up one field of view, by role.

    Parameters
    ----------
    layers : iterable of napari.layers.Image
        From the bottom of the layer list to its top.
    prefer : napari.layers.Image, optional
        The layer that the person has selected: its field is taken where several are open.

    Returns
    -------
    dict of str to napari.layers.Image
        Only layers of the same shape and transform, and of one file or one common name,
        are put together. Roles that no layer claims are left out; a role that two layers
        of one field claim equally is left out too, rather than guessed.
    """
    fields: dict[Any, dict[str, list[tuple[int, Any]]]] = {}
    preferred = None
    # Whoever looks at a result means the field that it was made from.
    made_from = [] if prefer is None else told_by(prefer).get("sources", [])
    for layer in layers:
        role, surety = role_of_layer(layer)
        if role is None or is_ours(layer):
            continue
        key = _field_of(layer)
        fields.setdefault(key, {}).setdefault(role, []).append((surety, layer))
        if layer == prefer or layer.name in made_from:
            preferred = key
    if not fields:
        return {}
    resolved = {key: _resolve(claims) for key, claims in fields.items()}
    if preferred is not None and resolved[preferred]:
        return resolved[preferred]
    # The fullest field; among equals the one opened last.
    best = max(enumerate(resolved.values()), key=lambda item: (len(item[1]), item[0]))[1]
    return {role: best[role] for role in ROLES if role in best}


def _resolve(claims: dict[str, list[tuple[int, Any]]]) -> dict[str, Any]:
    chosen = {}
    for role, candidates in claims.items():
        best = max(surety for surety, _ in candidates)
        winners = [layer for surety, layer in candidates if surety == best]
        if len(winners) == 1:
            chosen[role] = winners[0]
    return chosen


def _field_of(layer: Any) -> tuple[Any, ...]:
    """What the layers of one field of view have in common."""
    shape = layer.data[0].shape if layer.multiscale else layer.data.shape
    placed = tuple(shape), tuple(np.round(layer.scale, 9))
    told = told_by(layer)
    if told.get("field"):
        return *placed, told["field"]
    words = re.findall(r"[^\W_]+", layer.name)
    # What is left without the stain names the field. napari tells layers of one name
    # apart by " [1]", so a second field of the same names stays a field of its own.
    stem = " ".join(word for word in words if not role_of_name(word)).lower()
    return *placed, stem
