"""What a reader of a result must know, noted while it is made."""

from __future__ import annotations


class Notes:
    """Notes in the order in which they were made."""

    def __init__(self) -> None:
        self._all: list[str] = []
        self._told = 0

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
