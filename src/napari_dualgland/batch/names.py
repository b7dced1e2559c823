"""Names of the stacks among the results: no two alike, and the same when a batch goes on."""

from __future__ import annotations

import itertools
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

_LONGEST = 100
"""Bytes: what is written into a stack's folder is called after it, and so has a longer name."""
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_ENDINGS = (".gz", ".tif", ".tiff", ".png", ".jpg", ".jpeg", ".zarr", ".json", ".ome")


class Names:
    """Gives each stack a name that is the name of its folder.

    Parameters
    ----------
    folder : pathlib.Path
        Of the results.
    former : mapping of str to pathlib.Path
        By the names that an earlier batch has given there, what the stacks were read from.
    sources : iterable of pathlib.Path
        Files that must never be written to: no stack gets a folder that holds one.
    """

    def __init__(
        self, folder: Path, former: Mapping[str, Path], sources: Iterable[Path] = ()
    ) -> None:
        self._folder, self._former = folder, former
        self._taken: set[str] = set()
        real = Path(os.path.realpath(folder))
        within = [Path(os.path.realpath(source)) for source in sources]
        self._hold_sources = {
            _same(path.relative_to(real).parts[0]) for path in within if real in path.parents
        }

    def give(self, source: Path) -> str:
        """Return the name for what is read from a path."""
        for name in _candidates(source):
            if self._is_free(name, source):
                self._taken.add(_same(name))
                return name
        raise AssertionError("numbers do not end")

    def _is_free(self, name: str, source: Path) -> bool:
        if _same(name) in self._taken | self._hold_sources:
            return False
        if name in self._former:
            return self._former[name] == source
        # What lies there and is not of a batch is somebody's own.
        return not os.path.lexists(self._folder / name)


def _candidates(source: Path) -> Iterator[str]:
    stem, parent = stem_of(source), _clean(source.parent.name)
    yield stem
    if parent:
        yield _cut(f"{stem} ({parent})")
    for number in itertools.count(2):
        yield f"{stem} ({number})"


def stem_of(source: Path) -> str:
    """Return what a stack is called after its file, as every file system can hold it."""
    name = source.name
    for ending in _ENDINGS:
        if name.lower().endswith(ending) and len(name) > len(ending):
            name = name[: -len(ending)]
    name = _clean(name)
    return _cut(name) or "stack"


def _clean(name: str) -> str:
    name = _FORBIDDEN.sub("_", name).strip(" ").rstrip(".").lstrip(".")
    name = name.encode(errors="surrogateescape").decode(errors="replace").replace("\ufffd", "_")
    return f"{name}_" if _RESERVED.fullmatch(name) else name


def _cut(name: str) -> str:
    return name.encode()[:_LONGEST].decode(errors="ignore").rstrip(" .")


def _same(name: str) -> str:
    """Return a name as file systems see it that tell neither case nor accents' spelling apart."""
    return unicodedata.normalize("NFC", name).casefold()
