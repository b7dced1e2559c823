"""The axes of an OME-Zarr in our letters: by their type, for their names may be any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_dualgland.errors import DualglandError, Kind

_AXES_BEFORE_0_4 = "TCZYX"
"""Of images that do not name their axes; version 0.3 and before knew no other order."""
_BY_NAME = {
    **{letter.lower(): letter for letter in "TCZYX"},
    **dict.fromkeys(("time", "frame", "timepoint"), "T"),
    **dict.fromkeys(("channel", "channels", "stain"), "C"),
    **dict.fromkeys(("depth", "plane", "slice"), "Z"),
    **dict.fromkeys(("height", "row"), "Y"),
    **dict.fromkeys(("width", "column", "col"), "X"),
}
_BY_TYPE = {"time": "T", "channel": "C"}
_SPACE = "ZYX"


def letters_of_axes(path: Path, named: Any, ndim: int) -> tuple[str, list[str]]:
    """Return the letters of the axes, some of T, C, Z, Y, X, and notes on what was taken on trust.

    By the type of an axis, for its name may be any (``stain``); where it has none, by its name.

    Parameters
    ----------
    path : pathlib.Path
        For the message.
    named : object
        What the image says of its axes; None where it says nothing.
    ndim : int
        How many there have to be.

    Returns
    -------
    str
    list of str

    Raises
    ------
    DualglandError
        Where axes cannot be told.
    """
    if named is None:
        if not 2 <= ndim <= len(_AXES_BEFORE_0_4):
            found = f"{ndim} axes, none of them named"
            raise DualglandError(Kind.UNSUPPORTED, path, found, part="axes", expected="2 to 5")
        return _AXES_BEFORE_0_4[-ndim:], []
    axes = [_axis(axis) for axis in _entries(path, named)]
    told = ", ".join(f"{name} ({kind})" if kind else name for name, kind in axes)
    if len(axes) != ndim:
        found = f"{len(axes)} axes are named ({told}), the array has {ndim}"
        raise DualglandError(Kind.MISMATCH, path, found, part="axes")
    letters: list[str | None] = [_BY_TYPE.get(kind) for _, kind in axes]
    space = [i for i, (_, kind) in enumerate(axes) if kind == "space"]
    for i, letter in zip(space, _spatial([axes[i][0] for i in space]), strict=True):
        letters[i] = letter
    for i, (name, _) in enumerate(axes):
        letter = _BY_NAME.get(name.lower())
        if letters[i] is None and letter not in letters:
            letters[i] = letter
    notes = []
    unknown = [i for i, letter in enumerate(letters) if letter is None]
    if len(unknown) == 1 and "C" not in letters:
        letters[unknown[0]] = "C"
        notes.append(f"axis {axes[unknown[0]][0]!r} has no type; it is taken for the channels")
    known = [letter for letter in letters if letter is not None]
    if len(known) < ndim or len(set(known)) < ndim:
        raise DualglandError(
            Kind.AMBIGUOUS,
            path,
            f"the axes are {told}",
            part="axes",
            expected="one each of time, channel, z, y and x at most",
            way_out="give each axis its type",
        )
    return "".join(known), notes


def _spatial(names: Sequence[str]) -> Sequence[str | None]:
    """Return the letters of spatial axes: by their names; by their order where none is known."""
    by_name = [_BY_NAME.get(name.lower()) for name in names]
    if any(by_name) or len(names) > len(_SPACE):
        # Where a program calls every axis spatial, the names say more than the type.
        return by_name
    return list(_SPACE[len(_SPACE) - len(names) :])


def _axis(axis: Any) -> tuple[str, str]:
    if not isinstance(axis, Mapping):
        return str(axis), ""
    return str(axis.get("name", "")), str(axis.get("type") or "").lower()


def _entries(path: Path, named: Any) -> Sequence[Any]:
    if not isinstance(named, list):
        found = f"the metadata say {str(named)[:80]!r}"
        raise DualglandError(Kind.DAMAGED, path, found, part="axes", expected="a list")
    return named
