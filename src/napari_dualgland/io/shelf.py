"""What a long run has made so far, in a hidden folder beside its output.

A mosaic takes hours. Whatever ends the process, a kill included, the same command goes on with
what is there; pieces of any other run are thrown away, and a damaged one counts as not there. The
folder is removed once the output is in place.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from napari_dualgland.io.beside import hidden_name, lock
from napari_dualgland.io.sources import files_behind
from napari_dualgland.io.zarr import is_ome_zarr

FEWEST = 64
"""Tiles of a run that is worth it; a shorter one is done again before anybody has missed it."""

_ENDS = 2**16
"""Bytes at either end of a source that are looked at."""
_DIGEST = 32


class Shelf:
    """Pieces of one run; see :class:`napari_dualgland.imputation.kept.Shelf`.

    Parameters
    ----------
    output : pathlib.Path
        Where the result will go. Its folder is there.
    job : str
        What is done, in full.
    sources : iterable of pathlib.Path
        What is read: a run of files that have changed since is another one.
    """

    def __init__(self, output: Path, job: str, sources: Iterable[Path]) -> None:
        self._folder: Path | None = _folder_of(output)
        self._job, self._sources = job, list(sources)
        self._key = ""
        self._lock: BinaryIO | None = None

    def begin(self, facts: str, tiles: int) -> int:
        """Open the shelf for one run; return how many pieces of it are there.

        Parameters
        ----------
        facts : str
            Tells this run from every other one.
        tiles : int
            That are to be filled.

        Returns
        -------
        int
        """
        if tiles < FEWEST or self._folder is None:
            self._folder = None
            return 0
        told = hashlib.sha256(os.fsencode(f"{self._job}\n{facts}"))
        try:
            for line in _seen(self._sources):
                told.update(line)
            self._key = told.hexdigest()[:_DIGEST]
            self._folder.mkdir(exist_ok=True)
            self._lock = (self._folder / "lock").open("wb")
            lock(self._lock, wait=False)
            for name in os.listdir(self._folder):
                if name != "lock" and not name.startswith(self._key):
                    (self._folder / name).unlink()
        except OSError:  # no such disk, or another run is at it: then nothing is kept
            self._folder = None
            return 0
        return len(os.listdir(self._folder)) - 1

    def get(self, name: str) -> Any:
        """Return (R, N) float32 numbers as they were put; None if not there, or damaged."""
        if self._folder is None:
            return None
        try:
            content = self._file(name).read_bytes()
        except OSError:
            return None
        head, body = content[:_DIGEST], content[_DIGEST:]
        if len(body) < 4 or hashlib.sha256(name.encode() + body).digest() != head:
            return None
        rows = int.from_bytes(body[:4], "little")
        return np.frombuffer(body, np.float32, offset=4).reshape(rows, -1)

    def put(self, name: str, values: Any) -> None:
        """Keep (R, N) numbers.

        Parameters
        ----------
        name : str
            Unlike that of any other piece of the run.
        values : numpy.ndarray
            float32.
        """
        if self._folder is None:
            return
        body = len(values).to_bytes(4, "little") + np.ascontiguousarray(values).tobytes()
        try:
            self._file(name).write_bytes(hashlib.sha256(name.encode() + body).digest() + body)
        except OSError:  # the disk is full: the run itself may still end well
            self._folder = None

    def close(self) -> None:
        """Leave it to the next run to the same place."""
        if self._lock is not None:
            self._lock.close()

    def _file(self, name: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{self._key}-{hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]}"


def clear(output: Path) -> None:
    """Remove what was kept for an output that is in place now."""
    shutil.rmtree(_folder_of(output), ignore_errors=True)


def _folder_of(output: Path) -> Path:
    return output.with_name(hidden_name(output) + ".partial")


def _seen(sources: Iterable[Path]) -> Iterator[bytes]:
    """Yield what tells whether files have changed: size, time, and both ends."""
    for source in sources:
        for path in files_behind(source):
            # Of a set by its prefix or folder the members follow; our pieces may lie there too.
            inside = path.rglob("*") if is_ome_zarr(path) else [path]
            for file in sorted(p for p in inside if p.is_file()):
                seen = file.stat()
                yield os.fsencode(f"{file} {seen.st_size} {seen.st_mtime_ns}")
            with suppress(OSError), path.open("rb") as opened:  # a folder or prefix has no ends
                yield opened.read(_ENDS)
                opened.seek(max(0, path.stat().st_size - _ENDS))
                yield opened.read(_ENDS)
