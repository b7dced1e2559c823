"""Which channel is which: told by names and colours, or asked for, never guessed.

Public files disagree on channel order, and a swapped nucleus and antibody would be filled
in without complaint. So a role is given only where a whole word of the channel's name
says it, and a stack that leaves a doubt is refused with the option that settles it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from napari_dualgland.channel_names import is_position, listed
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.stack import ROLE_COLORS, ROLES, Stack

_STAINS: Mapping[str, str] = {
    "microtubules": "microtubules",
    "microtubule": "microtubules",
    "tubulin": "microtubules",
    "protein": "protein",
    "antibody": "protein",
    "nucleus": "nucleus",
    "nuclei": "nucleus",
    "dapi": "nucleus",
    "hoechst": "nucleus",
    "er": "er",
    "reticulum": "er",
    "calreticulin": "er",
    "kdel": "er",
}
_COLOR_WORDS: Mapping[str, str] = {
    "red": "microtubules",
    "green": "protein",
    "blue": "nucleus",
    "yellow": "er",
}
_COLOR_TOLERANCE = 48  # per component of 0..255: yellow is saved as #FFFF00 and as #FFE600

_FEW = 6
"""So many planes may well be channels that were saved along a wrong axis."""


def stain_role(name: str) -> str | None:
    """Return the role that the whole words of a channel's name say; None if none or two."""
    return _only(_STAINS, _words(name))


def color_word_role(name: str) -> str | None:
    """Return the role of the one atlas colour that a name says; far red is a dye, not red."""
    words = _words(name)
    return None if "far" in words else _only(_COLOR_WORDS, words)


def tell_roles(names: Sequence[str], colors: Sequence[str | None]) -> list[str | None]:
    """Tell the roles of a stack's channels.

    Parameters
    ----------
    names : sequence of str
        As the file gives them.
    colors : sequence of str or None
        ``#RRGGBB``; they count only where no name tells and all four atlas colours are there.

    Returns
    -------
    list of str or None
        A role per channel; None where names and colours leave it open, also for every
        one of several channels that would have the same role.
    """
    roles = [stain_role(name) for name in names]
    words = [color_word_role(name) for name in names]
    # Channels called red, green and blue and nothing else are the components of a picture.
    if any(roles) or "er" in words:
        roles = [role or word for role, word in zip(roles, words, strict=True)]
    if not any(roles):
        by_color = [_color_role(color) for color in colors]
        if sorted(filter(None, by_color)) == sorted(ROLES):
            roles = by_color
    return [role if roles.count(role) == 1 else None for role in roles]


def assign_roles(stack: Stack, channels: Mapping[str, int | str] | None = None) -> Stack:
    """Give every channel its role, by hand or by what the file says.

    Parameters
    ----------
    stack : Stack
    channels : mapping of str to int or str, optional
        From role to position or name, by hand; over what names tell.

    Returns
    -------
    Stack

    Raises
    ------
    DualglandError
        If a channel stays without a role while a role stays without a channel: either
        could be the other, and the message holds the exact option to give.
    """
    if channels:
        return stack.with_channels(channels)
    if stack.roles or stack.kind == "boundaries":
        return stack  # a set of the atlas, or a file of ours, says it outright
    roles = tell_roles([c.name for c in stack.channels], [c.color for c in stack.channels])
    if None in roles and set(ROLES) - set(roles):
        raise _refusal(stack, roles)
    named = tuple(
        replace(channel, role=role, color=channel.color or ROLE_COLORS.get(role or ""))
        for channel, role in zip(stack.channels, roles, strict=True)
    )
    return replace(stack, channels=named)


def _refusal(stack: Stack, roles: Sequence[str | None]) -> DualglandError:
    names = [c.name for c in stack.channels]
    told = {role: i for i, role in enumerate(roles) if role}
    left_over = iter(i for i, role in enumerate(roles) if not role)
    example = {r: told.get(r) if r in told else next(left_over, None) for r in ROLES}
    # A number that is another channel's name would be taken for that name.
    sign = "#" if any(is_position(name) for name in names) else ""
    option = ",".join(f"{role}={sign}{i}" for role, i in example.items() if i is not None)
    way_out = (
        f"say it with --channels {option}, with the numbers put right and roles left out that "
        "it lacks"
    )
    for axis in "ZT":
        planes = stack.sizes.get(axis, 1)
        if len(names) == 1 and 1 < planes <= _FEW:
            way_out += f"; or, if its {planes} planes along {axis} are its channels, save it as CYX"
    return DualglandError(
        Kind.AMBIGUOUS,
        stack.where,
        f"cannot tell which channel is which among {listed(names)}",
        part="C",
        way_out=way_out,
    )


def _words(name: str) -> set[str]:
    # CamelCase and digits part words too: "AlexaTubulin", "Hoechst33342".
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return set(re.findall(r"[^\W\d_]+", spaced.lower()))


def _only(meaning: Mapping[str, str], words: set[str]) -> str | None:
    found = {meaning[word] for word in words if word in meaning}
    return found.pop() if len(found) == 1 else None


def _color_role(color: str | None) -> str | None:
    if color is None:
        return None
    for role, reference in ROLE_COLORS.items():
        pairs = zip(bytes.fromhex(color[1:]), bytes.fromhex(reference[1:]), strict=True)
        if all(abs(a - b) <= _COLOR_TOLERANCE for a, b in pairs):
            return role
    return None
