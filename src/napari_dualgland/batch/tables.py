"""A table of stacks, ``jobs.csv``: a row for each, with what holds for it alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from napari_dualgland.batch.stacks import FoundStack, StackOptions
from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.files import decoding, home_expanded, regular
from napari_dualgland.frozen import first_fault
from napari_dualgland.jobs.channel_words import parse_channels
from napari_dualgland.jobs.inputs import Detect, LabelsFile, MaskFile
from napari_dualgland.pixel_size import stated

if TYPE_CHECKING:
    import pandas as pd

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
    table = _read(path)
    unknown = [str(column) for column in table.columns if column not in COLUMNS]
    if "input" not in table.columns or unknown:
        found = f"has a column {unknown[0]!r}" if unknown else "has no column 'input'"
        expected = f"columns out of {', '.join(COLUMNS)}"
        raise DualglandError(Kind.WRONG_CONTENT, path, found, expected=expected)
    rows = [{str(key): str(cell).strip() for key, cell in row.items()} for row in _records(table)]
    rows = [row for row in rows if any(row.values())]
    if not rows:
        raise DualglandError(Kind.EMPTY, path, "the table has no row")
    for number, row in enumerate(rows, 1):
        try:
            yield _row(row, path.parent, options)
        except DualglandError as error:
            named = path.parent / (row["input"] or f"{path.name}, row {number}")
            yield FoundStack.refused(named, error)


def _records(table: pd.DataFrame) -> list[dict[Any, Any]]:
    records: list[dict[Any, Any]] = table.to_dict(orient="records")
    return records


def _read(path: Path) -> pd.DataFrame:
    import pandas as pd  # here, for every process of a batch would load it too

    regular(path, "table")
    with decoding(path, "table"):
        head = path.read_text(encoding="utf-8-sig").partition("\n")[0]
        separator = max(",;\t", key=head.count)
        # As text, whatever it looks like: a well is called 1E5, a field 007.
        table = pd.read_csv(
            path,
            sep=separator,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            index_col=False,
            skipinitialspace=True,
        )
    return table.rename(columns=lambda name: str(name).strip().lower())


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
