"""Which set points a cell is held against: those of a location, of several, or of any cell."""

from __future__ import annotations

from collections.abc import Iterable

from napari_dualgland.classes import CLASSES, LOCATIONS
from napari_dualgland.compartments.params import ANY, FOUND
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.model.set_points import SetPoint, read_set_points

KNOWN = tuple(dict.fromkeys((*CLASSES, *LOCATIONS)))
"""Names that a person may give."""


def location_named(text: str) -> str:
    """Return how a location that somebody has typed is written.

    Parameters
    ----------
    text : str
        In capital or small letters.

    Returns
    -------
    str
        One of :data:`KNOWN`, :data:`~napari_dualgland.compartments.params.ANY` or
        :data:`~napari_dualgland.compartments.params.FOUND`.

    Raises
    ------
    DualglandError
        If there is no such location.
    """
    for name in (ANY, FOUND, *KNOWN):
        if name.lower() == text.strip().lower():
            return name
    raise DualglandError(
        Kind.BAD_VALUE,
        "location",
        f"there is none called {text!r}",
        expected=f"{ANY}, {FOUND}, {', '.join(CLASSES)}",
    )


def learned(name: str) -> bool:
    """Return whether set points were learned for a location."""
    return name in read_set_points().locations


def expected_in(places: Iterable[str]) -> tuple[str, SetPoint]:
    """Return the set points of a protein that is in some places, and which of them are known.

    These are named joined by ``"; "``; ``any`` where there is none.
    """
    table = read_set_points()
    known = [place for place in places if place in table.locations]
    return "; ".join(known) or ANY, table.expected(known)
