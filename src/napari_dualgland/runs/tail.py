"""The log of a run, followed as it grows: what is new, and no more at a time than asked for."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

_END = 2**16
"""Bytes in which the last event of a log lies, whatever it is."""


class Tail:
    """Reads a log from where it was left.

    Parameters
    ----------
    path : pathlib.Path
        Of JSON lines. It need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0
        self._rest = b""

    def read(self, most: int = 2**18) -> tuple[list[dict[str, Any]], bool]:
        """Return the events that are new, and whether there is more.

        Parameters
        ----------
        most : int
            Bytes that are read.

        Returns
        -------
        events : list of dict
            A line that is not whole yet comes the next time, one that is no event never.
        more : bool
            Whether the file goes on.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                content = file.read(most)
        except OSError:
            return [], False
        self._offset += len(content)
        *lines, self._rest = (self._rest + content).split(b"\n")
        events = (_event(line) for line in lines)
        return [event for event in events if event is not None], len(content) == most

    def last(self) -> list[dict[str, Any]]:
        """Return the events at the end of the log; the first that are new next time are after."""
        with suppress(OSError):
            self._offset = max(0, self.path.stat().st_size - _END)
        return self.read(_END)[0]


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return told if isinstance(told, dict) and isinstance(told.get("step"), int) else None
