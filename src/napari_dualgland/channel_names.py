"""Channels by their names, which files give twice, leave out, or make of digits alone."""

from __future__ import annotations

from collections.abc import Sequence

from napari_dualgland.errors import DualglandError, Kind

_SHOWN = 8
_MOST_DIGITS = 9  # more are no position, and int() refuses some thousands


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return a name per channel under which figures can be kept: ``DAPI``, ``DAPI (2)``.

    The first of several channels of one name keeps it, so that a record in which all names
    differ reads as it always did.
    """
    found: dict[str, None] = {}
    for name in names:
        number, key = 2, name
        while key in found or (key != name and key in names):
            key, number = f"{name} ({number})", number + 1
        found[key] = None
    return tuple(found)


def listed(names: Sequence[str]) -> str:
    """Return names for a message: how many, and the first of them."""
    count = "1 channel" if len(names) == 1 else f"{len(names)} channels"
    more = ", …" if len(names) > _SHOWN else ""
    return f"{count} ({', '.join(names[:_SHOWN])}{more})"


def is_position(text: str) -> bool:
    """Tell whether a text may be the position of a channel: a few plain digits."""
    return text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS


def channel_at(names: Sequence[str], key: int | str, role: str, where: str) -> tuple[int, str]:
    """Return the position of the channel that a person means, and what to say of the choice.

    Parameters
    ----------
    names : sequence of str
        Of the channels; one of them may be there several times.
    key : int or str
        An integer is a position. A text is a name, or a position where no channel has that name.
    role : str
        What it is chosen for.
    where : str
        The file that has these channels, for the message.

    Returns
    -------
    tuple of (int, str)
        The text is empty where the choice is plain.

    Raises
    ------
    DualglandError
        If there is no such channel, or several are called so.
    """
    part, count = f"--channels {role}", len(names)
    same = [i for i, name in enumerate(names) if name == key]
    if len(same) > 1:
        raise DualglandError(
            Kind.AMBIGUOUS,
            where,
            f"{len(same)} channels are called {key!r}, at the positions "
            f"{', '.join(map(str, same))}",
            part=part,
            way_out="give the position: " + " or ".join(f"{role}=#{i}" for i in same),
        )
    position = int(key) if isinstance(key, int) or is_position(key) else count
    there = 0 <= position < count
    if same:
        note = (
            f"--channels {role}={key}: the channel called {key} is taken, at position {same[0]}; "
            f"write {role}=#{key} for the one at position {key}"
        )
        return same[0], note if there and position != same[0] else ""
    if not there:
        positions = f"a position from 0 to {count - 1}" if count > 1 else "position 0"
        raise DualglandError(
            Kind.NOT_THERE,
            where,
            f"no channel {key!r} for {role}",
            part=part,
            expected=f"{positions} or a name of its {listed(names)}",
        )
    return position, ""
