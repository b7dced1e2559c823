"""A table of stacks, ``jobs.csv``: a row for each, with what holds for it alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from napari_dualgland.batch.stacks import FoundStack, StackOptions
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import decoding, home_expanded, regular
from napari_dualgland.frozen import first_fault
from napari_dualgland.jobs.channel_words import parse_channels
from napari_dualgland.jobs.inputs import Detect, LabelsFile, MaskFile
from napari_dualgland.pixel_size import stated

COLUMNS = ("input", "channels", "pixel_size", "missing", "cells")


class Row(NamedTuple):
    """What a row of a table names, and what holds for it."""

    path: Path
    options: StackOptions


def is_table(path: Path) -> bool:
    """Whether a path is that of a table."""
    return path.suffix.lower() in (".csv", ".tsv")


def read_table(path: Path, options: StackOptions) -> Iterator[Row | FoundStack]:
    """Yield what a table names.

    Parameters
    ----------
    path : pathlib.Path
        CSV, with commas, semicolons or tabs, in UTF-8. Column ``input`` names a stack, a folder
        or a pattern, seen from the table's folder. ``channels`` (as ``--channels``),
        ``pixel_size`` (µm), ``missing`` (a mask, ``auto`` or ``nan``) and ``cells`` (labels)
        may stand beside it; an empty cell says nothing.
    options : StackOptions
        What holds where a row says nothing.

    Yields
    ------
    Row or FoundStack
        The latter where something is wrong with a row.

    Raises
    ------
    DualglandError
        If it is no such table.
    """
    columns, *rows = _read(path)
    odd = [name for name in columns if name not in COLUMNS or columns.count(name) > 1]
    if "input" not in columns or odd:
        found = f"has a column {odd[0]!r}" if odd else "has no column 'input'"
        expected = f"columns out of {', '.join(COLUMNS)}, each once"
        raise DualglandError(Kind.WRONG_CONTENT, path, found, expected=expected)
    if not rows:
        raise DualglandError(Kind.EMPTY, path, "the table has no row")
    for number, cells in enumerate(rows, 1):
        row = dict(zip_longest(columns, cells[: len(columns)], fillvalue=""))
        try:
            if len(cells) > len(columns):
                found = f"{len(cells)} cells under {len(columns)} names"
                way_out = "put what has commas in it between double quotes"
                raise DualglandError(Kind.WRONG_CONTENT, "cells", found, way_out=way_out)
            yield _row(row, path.parent, options)
        except DualglandError as error:
            told = error.as_data() | {"place": str(path), "part": f"row {number}, {error.place}"}
            named = path.parent / (row["input"] or f"{path.name}, row {number}")
            yield FoundStack(path=named.absolute(), error=told)


def _read(path: Path) -> list[list[str]]:
    """Return the cells of a table, row by row, those of its head first; as text, not as numbers.

    A well is called 1E5, a field 007. Rows without a word are left out.
    """
    regular(path, "table")
    with decoding(path, "table"):
        content = path.read_bytes()
    way_out = "save it again as CSV UTF-8"
    try:
        text = content.decode("utf-8-sig")
        separator = max(",;\t", key=text.partition("\n")[0].count)
        lines = io.StringIO(text, newline="")
        table = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
        rows = [[cell.strip() for cell in row] for row in table]
    except UnicodeDecodeError:
        found = "the table is not in UTF-8"
        raise DualglandError(Kind.UNSUPPORTED, path, found, way_out=way_out) from None
    except csv.Error as error:
        found = f"is no table ({error})"
        raise DualglandError(Kind.DAMAGED, path, found, way_out=way_out) from error
    # Spreadsheets leave empty cells at the end.
    shorn = [row[: max((i for i, cell in enumerate(row, 1) if cell), default=0)] for row in rows]
    head, *rest = [row for row in shorn if row] or [[]]
    return [[name.lower() for name in head], *rest]


def _row(row: Mapping[str, str], folder: Path, options: StackOptions) -> Row:
    if not row["input"]:
        raise DualglandError(Kind.LACKING, "input", "the row names no stack")
    said: dict[str, Any] = dict(options)
    if text := row.get("channels"):
        said["channels"] = parse_channels(text)
    if text := row.get("pixel_size"):
        said["pixel_size"] = stated(_number(text)).x
    if text := row.get("missing"):
        said["missing"] = (
            (Detect() if text == "auto" else Detect.nan_only())
            if text in ("auto", "nan")
            else MaskFile(path=folder / home_expanded(text))
        )
    if text := row.get("cells"):
        said["cells"] = LabelsFile(path=folder / home_expanded(text))
    try:
        return Row(folder / home_expanded(row["input"]), StackOptions(**said))
    except ValidationError as error:
        raise DualglandError(Kind.BAD_VALUE, *first_fault(error)) from None


def _number(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        expected = "a number of µm"
        raise DualglandError(Kind.BAD_VALUE, "pixel_size", repr(text), expected=expected) from None
