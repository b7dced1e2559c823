"""What has been done in a folder of results: a line for each event, on the disk before going on.

The file only grows, so that a kill at any moment costs the line that was being written at most,
and that one is not taken for anything: the stack is done again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_dualgland.batch.state import Status
from napari_dualgland.errors import DualglandError
from napari_dualgland.io.atomic import reason

MANIFEST = "batch.jsonl"


class Record(BaseModel):
    """What became of a stack.

    Attributes
    ----------
    name, source : str
        Its name among the results, and what it was read from.
    status : Status
        ``running`` where the work on it has begun.
    asked, given : str
        What stands for its jobs and for the files that it was read from: another text, another
        run.
    results : dict
        By path, seen from the folder: size in bytes and time of the last change in ns.
    seconds : float
    told : dict
        What is said of the results.
    error : dict or None
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    source: str
    status: Status
    asked: str = ""
    given: str = ""
    results: dict[str, tuple[int, int]] = {}
    seconds: float = 0.0
    told: dict[str, Any] = {}
    error: dict[str, Any] | None = None


def read_manifest(folder: Path) -> dict[str, Record]:
    """Return the last record of each stack, by its name; what is cut off or odd is left out."""
    records: dict[str, Record] = {}
    with suppress(OSError):
        for line in (folder / MANIFEST).read_bytes().splitlines():
            with suppress(ValueError, RecursionError, ValidationError):
                record = Record.model_validate(json.loads(line))
                records[record.name] = record
    return records


class Manifest:
    """The records of a folder, and the way to add one.

    Parameters
    ----------
    folder : pathlib.Path
        Of the results; it is there.

    Raises
    ------
    DualglandError
        If it cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / MANIFEST
        self.records = read_manifest(folder)
        with _writing(self._path):
            # What a kill has cut off must not run into the next line.
            whole = not self._path.exists() or self._path.read_bytes()[-1:] in (b"", b"\n")
        self._start = b"" if whole else b"\n"

    def add(self, record: Record) -> None:
        """Write a record; it is on the disk when this returns.

        Raises
        ------
        DualglandError
            If the disk is full or the folder may not be written to.
        """
        line = json.dumps(record.model_dump(mode="json")).encode() + b"\n"
        with _writing(self._path):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                os.write(descriptor, self._start + line)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        self._start = b""
        self.records[record.name] = record

    def holds(self, name: str, asked: str, given: str) -> str:
        """Return why a stack has to be done anew: nothing where its results are there as they were.

        Parameters
        ----------
        name : str
            Of the stack.
        asked, given : str
            As of a :class:`Record`.

        Returns
        -------
        str
            Empty; ``new`` where it never was begun; or what is different.
        """
        record = self.records.get(name)
        if record is None or record.status != Status.DONE:
            return "new"
        if record.given != given:
            return "its files have changed since"
        if record.asked != asked:
            return "other options are asked for"
        if any(seen(self._folder / path) != mark for path, mark in record.results.items()):
            return "its results have changed or are gone"
        return ""


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn an error of the system into one sentence."""
    try:
        yield
    except OSError as error:
        kind, found = reason(path.parent, error)
        way_out = "make room or choose another folder"
        raise DualglandError(kind, path, found, way_out=way_out) from error


def seen(path: Path) -> tuple[int, int] | None:
    """Return size and time of the last change of a file; None where it is not there."""
    try:
        there = path.stat()
    except OSError:
        return None
    return there.st_size, there.st_mtime_ns


def given_by(files: Collection[Path]) -> str:
    """Return a text that changes with any of the files, or what is in any of the folders."""
    marks = []
    for file in sorted(files):
        inside = [file]
        if file.is_dir():
            inside = sorted(Path(at) / name for at, _, names in os.walk(file) for name in names)
        marks += [(str(path), seen(path)) for path in inside]
    return _digest(marks)


def _digest(told: object) -> str:
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def asked_by(jobs: list[dict[str, Any]], folder: Path) -> str:
    """Return a text that changes with what is asked for, but not with where the folder lies.

    Parameters
    ----------
    jobs : list of dict
        As JSON has them, with all else that the results hang on.
    folder : pathlib.Path
        Of the results.

    Returns
    -------
    str
    """
    text = json.dumps(jobs, sort_keys=True)
    return _digest(text.replace(json.dumps(str(folder))[1:-1], ""))
