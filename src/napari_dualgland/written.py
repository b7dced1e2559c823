"""Which files this process has put in place: the truth for whoever says what was written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_files: list[Path] = []


def written() -> tuple[Path, ...]:
    """Return the files that this process has put in place, the last one last."""
    return tuple(_files)


def record(paths: Iterable[Path]) -> None:
    """Remember files that are in place from now on."""
    _files.extend(paths)
