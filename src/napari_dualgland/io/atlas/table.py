"""The atlas's table of locations: which genes' proteins were seen where.

``subcellular_location.tsv``, zipped, with the columns *Gene* (Ensembl's number), *Gene
name*, *Main location*, *Additional location* and others; places are parted by semicolons.
"""

from __future__ import annotations

import csv
import difflib
import io
import logging
import struct
import zipfile
import zlib
from pathlib import Path

from pydantic import ValidationError

from napari_dualgland.errors import DualglandError, Kind
from napari_dualgland.frozen import FrozenModel
from napari_dualgland.io.atlas.file_checks import Damaged, WrongContent, check_zip, megabytes
from napari_dualgland.io.atlas.query import Ensg, Gene, Query, Words, spelling

log = logging.getLogger(__name__)

TABLE_LIMIT = 2**26
"""Bytes of the unpacked table; that of the atlas has some 3 MB."""
ROW_LIMIT = 2**17
"""Genes in the table; there are some 20,000, and each may cost a request."""
_PACKED_AS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_NEEDED = {"Gene", "Gene name", "Main location"}
_OF_ZIPS: tuple[type[Exception], ...] = (
    *(zipfile.BadZipFile, EOFError, zlib.error, struct.error, NotImplementedError, RuntimeError),
    *(OSError, ValueError, OverflowError, MemoryError),
)
"""What zipfile raises on damaged fields has no common base."""
_PLACES = ("Main location", "Additional location", "Extracellular location")


class Row(FrozenModel):
    """One gene: Ensembl's number, the symbol, and where its protein is."""

    ensg: Ensg
    gene: Gene
    locations: tuple[Words, ...] = ()


def check_table(path: Path) -> None:
    """Read the table to its end; raises as :func:`read_table` does."""
    read_table(path)


def read_table(path: Path, limit: int = TABLE_LIMIT) -> list[Row]:
    """Read the table.

    Parameters
    ----------
    path : pathlib.Path
        The zip.
    limit : int
        Bytes that the table may have unpacked.

    Returns
    -------
    list of Row
        Those that are of the known form.

    Raises
    ------
    WrongContent
        If it is no zip of one table with these columns, or unpacks to more than ``limit``.
    Damaged
        If the zip is truncated or damaged.
    """
    check_zip(path)
    try:
        with zipfile.ZipFile(path) as archive:
            tables = [m for m in archive.infolist() if m.filename.lower().endswith(".tsv")]
            if len(tables) != 1:
                raise _wrong(path, f"holds {len(tables)} tables, not one")
            # Other ways to pack may claim a dictionary of gigabytes.
            if tables[0].compress_type not in _PACKED_AS:
                raise _wrong(path, "is packed in a way that is not known of the atlas")
            with archive.open(tables[0]) as file:
                # What the archive says of its sizes may be a lie; what comes out is not.
                text = file.read(limit + 1)
    except WrongContent:
        raise
    except _OF_ZIPS as error:
        found = f"the zip is damaged or truncated ({error})"
        raise Damaged(Kind.DAMAGED, path.name, found) from error
    if len(text) > limit:
        found = f"unpacks to more than {megabytes(limit)}"
        raise WrongContent(Kind.TOO_LARGE, path.name, found)
    return _rows(path, text)


def _wrong(path: Path, found: str) -> WrongContent:
    return WrongContent(Kind.WRONG_CONTENT, path.name, found)


def _rows(path: Path, text: bytes) -> list[Row]:
    lines = io.StringIO(text.decode("utf-8", errors="replace").lstrip("\ufeff"), newline="")
    reader = csv.DictReader(lines, delimiter="\t")
    lacking = _NEEDED - {*(reader.fieldnames or ())}
    if lacking:
        raise _wrong(path, f"the table has no column {', '.join(sorted(lacking))}")
    rows: list[Row] = []
    try:
        for line in reader:
            if len(rows) == ROW_LIMIT:
                found = f"holds more than {ROW_LIMIT:,} genes"
                raise WrongContent(Kind.TOO_LARGE, path.name, found)
            try:
                about = {"gene": line["Gene name"] or "", "locations": _locations(line)}
                rows.append(Row.model_validate({"ensg": line["Gene"] or "", **about}))
            except ValidationError:
                log.warning("%s: line %d is not of the known form", path.name, reader.line_num)
    except csv.Error as error:
        raise _wrong(path, f"is not a table ({error})") from error
    return rows


def _locations(row: dict[str, str | None]) -> tuple[str, ...]:
    places = ";".join(row.get(column) or "" for column in _PLACES).split(";")
    return tuple(dict.fromkeys(place.strip() for place in places if place.strip()))


def find_genes(rows: list[Row], query: Query, release: str) -> list[Row]:
    """Return the rows that meet the query's gene and location.

    Parameters
    ----------
    rows : list of Row
        Of all genes.
    query : Query
        What is wanted.
    release : str
        Of the atlas, for the message.

    Returns
    -------
    list of Row
        One at least.

    Raises
    ------
    DualglandError
        If there is none, with the names that come closest.
    """
    found = rows
    if query.gene is not None:
        wanted = query.gene.casefold()
        found = [row for row in found if row.gene.casefold() == wanted]
        if not found:
            close = _closest(query.gene, [row.gene for row in rows])
            raise DualglandError(
                Kind.NOT_THERE,
                f"--gene {query.gene}",
                f"not among the genes that release {release} of the atlas has a location of",
                way_out=close,
            )
    if query.location is not None:
        wanted = spelling(query.location)
        every = list(dict.fromkeys(place for row in rows for place in row.locations))
        if wanted not in map(spelling, every):
            close = _closest(query.location, every)
            place = f"--location {query.location}"
            raise DualglandError(Kind.NOT_THERE, place, "no such location", way_out=close)
        found = [row for row in found if wanted in map(spelling, row.locations)]
    return found


def _closest(word: str, words: list[str]) -> str:
    by_spelling = {word.casefold(): word for word in words}
    close = difflib.get_close_matches(word.casefold(), by_spelling, n=3)
    return f"did you mean {', '.join(by_spelling[c] for c in close)}?" if close else ""
