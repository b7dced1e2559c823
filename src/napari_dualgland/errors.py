"""The one exception that a person is meant to read, and a program can act on.

Everything that a user can put right (a wrong file, a mask of the wrong shape, an unknown
device) is raised as :class:`DualglandError`: data first, a sentence made from them. The
command line prints the sentence and exits with a non-zero code, or gives the data as JSON;
the docks show it.
"""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What sort of thing is wrong; the words are stable, scripts may rely on them."""

    NOT_THERE = "not-there"
    """A file, folder, layer, model or gene of that name does not exist."""
    NOT_A_FILE = "not-a-file"
    """A folder, pipe, socket or device stands where a regular file is needed."""
    UNREADABLE = "unreadable"
    """It is there, and the system does not let it be read."""
    EMPTY = "empty"
    """Nothing is in it: no byte, no pixel, no image."""
    DAMAGED = "damaged"
    """Cut off, or its bytes are not what they are said to be."""
    UNSUPPORTED = "unsupported"
    """A format, dtype or feature that is not read, written or worked on."""
    WRONG_CONTENT = "wrong-content"
    """Sound, but not what is asked for here: a picture given as a mask."""
    MISMATCH = "mismatch"
    """Two things that must agree do not: sizes, axes, counts of channels."""
    AMBIGUOUS = "ambiguous"
    """It can be read in more than one way, and is not guessed."""
    IMPLAUSIBLE = "implausible"
    """A number that no microscope gives: a pixel of 353 µm."""
    NOT_FINITE = "not-finite"
    """NaN or infinity where a number has to be."""
    TOO_LARGE = "too-large"
    """It needs more memory than there is, or more than such a thing ever has."""
    BAD_VALUE = "bad-value"
    """An option or parameter that is mistyped or out of range."""
    LACKING = "lacking"
    """A part that is needed is not given: a channel, a pixel size, a companion file."""
    CONFLICT = "conflict"
    """It would replace what is read from, or another run is at it."""
    UNWRITABLE = "unwritable"
    """The place cannot be written to."""
    NO_SPACE = "no-space"
    """The disk is full."""
    NO_DEVICE = "no-device"
    """The processor or accelerator asked for is not in this machine."""
    NOT_INSTALLED = "not-installed"
    """An optional package is needed."""
    NETWORK = "network"
    """A server does not answer, or not as it should."""
    TIMEOUT = "timeout"
    """A wait came to its end."""
    INTERRUPTED = "interrupted"
    """A person stopped it."""
    CRASHED = "crashed"
    """A fault of the program itself, or a process that ended by itself."""


class DualglandError(ValueError):
    """Input or environment that the user can put right; the sentence says how.

    Parameters
    ----------
    kind : Kind
    place : str or os.PathLike
        The file, option, layer, channel or model that is at fault.
    found : str
        What is there.
    part : str
        The axis, page, channel or field of ``place``, where there is one.
    expected : str
        What would have been right.
    way_out : str
        What to do now.
    """

    def __init__(
        self,
        kind: Kind,
        place: str | os.PathLike[str],
        found: str,
        *,
        part: str = "",
        expected: str = "",
        way_out: str = "",
    ) -> None:
        self.kind = Kind(kind)
        self.place = os.fspath(place)
        self.part, self.found = part, " ".join(found.split())
        self.expected, self.way_out = expected, way_out
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        where = f"{self.place} ({self.part})" if self.part else self.place
        expected = f"expected {self.expected}" if self.expected else ""
        return f"{where}: " + "; ".join(filter(None, (self.found, expected, self.way_out)))

    def as_data(self) -> dict[str, str]:
        """Return kind, place, part, found, expected and way out, for a program."""
        names = ("place", "part", "found", "expected", "way_out")
        return {"kind": self.kind.value, **{name: getattr(self, name) for name in names}}

    def __reduce__(self) -> tuple[Any, ...]:
        # Other processes are told as well, and an exception is pickled by its sentence alone.
        return _rebuilt, (type(self), self.as_data())


def _rebuilt(kind_of_error: type[DualglandError], data: dict[str, str]) -> DualglandError:
    return kind_of_error(**data)  # type: ignore[arg-type]
