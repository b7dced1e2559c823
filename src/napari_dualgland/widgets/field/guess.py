"""Which layer shows what: roles read from metadata, names and colours, never from order.

Public code disagrees on the order of the atlas channels, so a layer that says nothing of
its stain is left without a role and the person is asked. What a layer says explicitly
(metadata) outweighs its name, and its name outweighs its colour.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_dualgland.io.channels import color_word_role, stain_role
from napari_dualgland.io.layer_axes import shape_of
from napari_dualgland.io.layer_tag import channel_names, id_of, tag_of
from napari_dualgland.stack import ROLE_COLORS, ROLES

_FROM_METADATA, _FROM_NAME, _FROM_COLOR = 3, 2, 1


def _role_of_name(name: str) -> str | None:
    """Return the role that a name tells, None where it tells none or more than one.

    ``ENSG0001_blue_red_green`` is the name of a coloured overview, not of a channel."""
    return stain_role(name) or color_word_role(name)


def _role_of_color(color: Any) -> str | None:
    """Return the role that the atlas shows in this RGB(A) colour (0 to 1), or None."""
    rgb = np.asarray(color, dtype=float)[:3]
    for role, shown in ROLE_COLORS.items():
        wanted = [int(shown[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        if np.allclose(rgb, wanted, atol=0.1):
            return role
    return None


def role_of_layer(layer: Any) -> tuple[str | None, int]:
    """Return the role of an image layer and how surely it is known (0 to 3)."""
    role = tag_of(layer).role
    if role:
        return role, _FROM_METADATA
    role = _role_of_name(layer.name)
    if role:
        return role, _FROM_NAME
    role = _role_of_color(layer.colormap.colors[-1])
    return role, _FROM_COLOR if role else 0


def guess_positions(layer: Any, channel_axis: int | None) -> dict[str, int]:
    """Return where along the channel axis of a layer each role lies, as far as it tells.

    Parameters
    ----------
    layer : napari.layers.Image
        Told by our own record of it, else by the names that its reader knew.
    channel_axis : int or None
        None where there is none.

    Returns
    -------
    dict of str to int
    """
    roles = tag_of(layer).roles or [stain_role(name) for name in channel_names(layer)]
    if channel_axis is None or len(roles) != shape_of(layer)[channel_axis]:
        return {}
    found = {role: i for i, role in enumerate(roles) if role}
    return {role: found[role] for role in ROLES if role in found}


def guess_roles(
    layers: Iterable[Any], prefer: Any = None, known: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the layers that make up one field of view, by role.

    Parameters
    ----------
    layers : iterable of napari.layers.Image
        From the bottom of the layer list to its top.
    prefer : napari.layers.Image, optional
        The layer that the person has selected: its field is taken where several are open.
    known : mapping of str to napari.layers.Image, optional
        Layers that are one field already, by role. They stay so whatever they are called,
        unless a name tells another role.

    Returns
    -------
    dict of str to napari.layers.Image
        Only layers of the same shape and transform, and of one file or one common name,
        are put together. Roles that no layer claims are left out; a role that two layers
        of one field claim equally is left out too, rather than guessed.
    """
    known = known or {}
    held = {id_of(layer) for layer in known.values()}
    fields = claims_by_field(layers, known)
    if not fields:
        return {}
    resolved = {key: resolve(claims) for key, claims in fields.items()}
    joined = next((key for key, claims in fields.items() if held & _members(claims)), None)
    if joined is not None and _members(fields[joined]) == held:
        # Renamed so that two claim one role: it is known which is which.
        whole = len(resolved[joined]) == len(held)
        resolved[joined] = resolved[joined] if whole else dict(known)
    # Whoever looks at a result means the field that it was made from.
    meant = set() if prefer is None else {id_of(prefer), *tag_of(prefer).sources}
    preferred = next((key for key, claims in fields.items() if meant & _members(claims)), None)
    # The fullest field; among equals the one opened last.
    best = max(enumerate(resolved.values()), key=lambda item: (len(item[1]), item[0]))[1]
    # A layer that fits nothing else, and happens to be selected, is no field.
    if preferred is not None and (len(resolved[preferred]) > 1 or len(best) < 2):
        best = resolved[preferred] or best
    return {role: best[role] for role in ROLES if role in best}


Claims = dict[str, list[tuple[int, Any]]]
"""By role, the layers that claim it and how surely."""


def claims_by_field(
    layers: Iterable[Any], known: Mapping[str, Any] | None = None
) -> dict[tuple[Any, ...], Claims]:
    """Return which layers of each field claim which role.

    Parameters
    ----------
    layers : iterable of napari.layers.Image
        From the bottom of the layer list to its top.
    known : mapping of str to napari.layers.Image, optional
        As for :func:`guess_roles`.

    Returns
    -------
    dict of tuple to Claims
        By shape, scale and name of the field.
    """
    held = {id_of(layer): role for role, layer in (known or {}).items()}
    own = {_field_of(layer) for layer in (known or {}).values()}
    joined: Any = next(iter(own), None)
    fields: dict[tuple[Any, ...], Claims] = {}
    for layer in layers:
        role, surety = role_of_layer(layer)
        # A name that says nothing takes nothing from a layer whose role is known.
        if id_of(layer) in held and surety < _FROM_NAME:
            role, surety = held[id_of(layer)], _FROM_NAME
        if role is None or tag_of(layer).is_result:
            continue
        natural = _field_of(layer)
        key = joined if natural in own else natural
        fields.setdefault(key, {}).setdefault(role, []).append((surety, layer))
    return fields


def _members(claims: Claims) -> set[str]:
    return {id_of(layer) for found in claims.values() for _, layer in found}


def resolve(claims: Claims) -> dict[str, Any]:
    """Return the layer that claims each role most surely; none where two claim it equally."""
    chosen = {}
    for role, candidates in claims.items():
        best = max(surety for surety, _ in candidates)
        winners = [layer for surety, layer in candidates if surety == best]
        if len(winners) == 1:
            chosen[role] = winners[0]
    return chosen


def _field_of(layer: Any) -> tuple[Any, ...]:
    """What the layers of one field of view have in common."""
    placed = shape_of(layer), tuple(np.round(layer.scale, 9))
    tag = tag_of(layer)
    if tag.field:
        # Plates have fields of one name, and a file may be opened twice: napari numbers those.
        given, _, number = layer.name.partition(" [")
        twice = number if given in (tag.role, tag.name) else ""
        return *placed, tag.field, tag.path and Path(tag.path).parent, twice
    words = re.findall(r"[^\W_]+", layer.name)
    # What is left without the stain names the field. napari tells layers of one name
    # apart by " [1]", so a second field of the same names stays a field of its own.
    stem = " ".join(word for word in words if not _role_of_name(word)).lower()
    return *placed, stem
