"""What a reader of a result must know, noted while it is made."""

from __future__ import annotations

from collections.abc import Iterable


class Notes:
    """Notes in the order in which they were made.

    Parameters
    ----------
    known : iterable of str
        What has been noted, and told, before.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._all = list(known)
        self._told = len(self._all)

    def add(self, text: str) -> None:
        """Keep a note."""
        self._all.append(text)

    def news(self) -> str:
        """Return what has been noted since the last call, for people."""
        fresh = "; ".join(self._all[self._told :])
        self._told = len(self._all)
        return fresh

    def every(self) -> tuple[str, ...]:
        """Return all notes, each once."""
        return tuple(dict.fromkeys(self._all))
